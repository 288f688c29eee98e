"""Event marks: none is lost, none invented, and there are never more than fit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge_viewer.entity_tree import Node, entity_tree
from rrbridge_viewer.ticks import LEVELS, event_marks


@settings(max_examples=150)
@given(st.lists(st.integers(0, 10**6), max_size=400), st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 300))
def test_marks_cover_the_events_in_the_window_and_nothing_far_from_them(
    events: list[int], lo: int, length: int, columns: int
) -> None:
    times = np.sort(np.array(events, np.int64))
    hi = lo + length
    inside = (times[(times >= lo) & (times <= hi)] - lo) / length
    marks = event_marks(times, lo, hi, columns)
    assert bool(len(inside)) == bool(marks.dots or marks.runs)
    reach = 2.0 / columns
    for share in marks.dots:
        assert np.abs(inside - share).min() <= reach
    for begin, end, level in marks.runs:
        assert 1 <= level <= LEVELS
        assert 0 <= begin < end <= 1
        assert ((inside >= begin - reach) & (inside <= end + reach)).any()
    covered = [(share - reach, share + reach) for share in marks.dots] + [
        (b - reach, e + reach) for b, e, _ in marks.runs
    ]
    assert all(any(b <= event <= e for b, e in covered) for event in inside)
    assert len(marks.dots) + len(marks.runs) <= columns


def test_a_million_events_are_a_few_runs() -> None:
    marks = event_marks(np.arange(0, 10**9, 10**3), 0, 10**9, 400)
    assert len(marks.runs) < 20
    assert marks.runs[0][0] == 0
    assert marks.runs[-1][1] == 1


def test_a_gap_stays_a_gap() -> None:
    times = np.concatenate([np.arange(0, 400_000, 100), np.arange(600_000, 1_000_000, 100)])
    marks = event_marks(times, 0, 1_000_000, 200)
    assert not any(begin < 0.5 < end for begin, end, _ in marks.runs)


def test_a_timeline_of_one_moment_shows_its_event() -> None:
    assert event_marks(np.array([5]), 5, 5, 100).dots == (0.5,)


paths = st.lists(
    st.lists(st.sampled_from(["a", "b", "c d".replace(" ", "\\ "), "e"]), min_size=1, max_size=4).map(
        lambda p: "/" + "/".join(p)
    ),
    max_size=20,
    unique=True,
)


def flat(nodes: tuple[Node, ...]) -> list[Node]:
    return [node for top in nodes for node in (top, *flat(top.children))]


@given(paths)
def test_the_tree_holds_each_path_once(found: list[str]) -> None:
    nodes = flat(entity_tree(tuple(sorted(found))))
    assert sorted(node.path for node in nodes if node.has_data) == sorted(found)
    assert len({node.path for node in nodes}) == len(nodes)
    assert all(node.children for node in nodes if not node.has_data)


def test_chains_without_data_are_one_row() -> None:
    (node,) = entity_tree(("/robot/arm/left", "/robot/arm/right"))
    assert (node.name, [child.name for child in node.children]) == ("robot/arm", ["left", "right"])
