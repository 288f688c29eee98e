"""Tools over whole recordings: laws that hold whatever is in them, and the reference's own tools as judges."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._optimization import OptimizationProfile
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import new_tuids
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.errors import FileError, InvalidValueError
from rrbridge.rrd import RrdReader, RrdWriter
from rrbridge.rrd.tools._digests import digests
from rrbridge.rrd.tools.compare import Likeness, compare
from rrbridge.rrd.tools.filter import filter_recording
from rrbridge.rrd.tools.latched import REPEATED
from rrbridge.rrd.tools.merge import Repeats, merge
from rrbridge.rrd.tools.optimize import optimize
from rrbridge.rrd.tools.selection import Entities, Selection
from rrbridge.rrd.tools.split import cuts_by_number, cuts_by_size, split
from rrbridge.rrd.tools.stats import Stats, packed_stats_of, stats_of

RERUN = Path(sys.executable).with_name("rerun")
STORE = StoreId(StoreKind.RECORDING, "tools", "run")
OTHER = StoreId(StoreKind.RECORDING, "tools", "other run")
SAME = Likeness(unordered=True, ignored_timelines=frozenset())
SLOW = settings(max_examples=40, deadline=None)

TEXT = ComponentDescriptor("TextLog:text", "rerun.archetypes.TextLog", "rerun.components.Text")
LEVEL = ComponentDescriptor("TextLog:level", "rerun.archetypes.TextLog", "rerun.components.TextLogLevel")
CLEAR = ComponentDescriptor("Clear:is_recursive", "rerun.archetypes.Clear", "rerun.components.ClearIsRecursive")
CHILD = ComponentDescriptor(
    "Transform3D:child_frame", "rerun.archetypes.Transform3D", "rerun.components.TransformFrameId"
)


@st.composite
def chunk(draw: st.DrawFn) -> Chunk:
    """One of a few entities, with gaps, clears, named frames, static data, timelines in disorder."""
    entity = draw(st.sampled_from(["/a", "/a/b", "/c", "/tf"]))
    rows = draw(st.integers(1, 5))
    times = []
    which = draw(st.sampled_from(["both", "frame", "other", "static"]))
    if which in ("both", "frame"):
        times.append(
            TimeColumn.of("frame", TimeKind.SEQUENCE, draw(st.lists(st.integers(0, 20), min_size=rows, max_size=rows)))
        )
    if which in ("both", "other"):
        stamps = draw(st.lists(st.integers(10**18, 10**18 + 9), min_size=rows, max_size=rows))
        times.append(TimeColumn.of("other", TimeKind.TIMESTAMP, stamps))
    words = st.lists(st.sampled_from(["x", "y", "", "long" * 30]), max_size=2)
    cells = draw(st.lists(st.none() | words, min_size=rows, max_size=rows))
    components = [ComponentColumn(TEXT, pa.array(cells, pa.list_(pa.utf8())))]
    if draw(st.booleans()):
        levels = draw(st.lists(st.none() | st.just(["INFO"]), min_size=rows, max_size=rows))
        components.append(ComponentColumn(LEVEL, pa.array(levels, pa.list_(pa.utf8()))))
    if draw(st.integers(0, 5)) == 0 and which != "static":
        clears = draw(st.lists(st.none() | st.booleans().map(lambda b: [b]), min_size=rows, max_size=rows))
        components.append(ComponentColumn(CLEAR, pa.array(clears, pa.list_(pa.bool_()))))
    if entity == "/tf":
        frames = draw(st.lists(st.sampled_from([["left"], ["right"]]), min_size=rows, max_size=rows))
        components.append(ComponentColumn(CHILD, pa.array(frames, pa.list_(pa.utf8()))))
    return Chunk.from_columns(entity, times=times, components=components, row_ids=new_tuids(rows))


chunks = st.lists(chunk(), min_size=1, max_size=12)


def write(path: Path, found: Sequence[Chunk], store_id: StoreId = STORE) -> Path:
    with RrdWriter(path) as writer:
        writer.write(StoreInfo.new(store_id))
        for one in found:
            writer.write(StoredChunk(store_id, one))
    return path


def chunks_of(path: Path) -> list[Chunk]:
    return [m.chunk for m in RrdReader(path, strict=True).messages() if isinstance(m, StoredChunk)]


def merged(paths: Sequence[Path], out: Path) -> Path:
    readers = [RrdReader(path) for path in paths]
    with RrdWriter(out) as writer:
        merge(itertools.chain.from_iterable(r.entries() for r in readers), writer, Repeats.in_files(readers))
    return out


def filtered(path: Path, out: Path, selection: Selection) -> Path:
    with RrdWriter(out) as writer:
        filter_recording(RrdReader(path), writer, selection)
    return out


def parts(path: Path, cuts: Sequence[int], timeline: str = "frame", **options: object) -> list[Path]:
    paths = [path.with_name(f"part{number}.rrd") for number in range(len(cuts) + 1)]
    writers = [RrdWriter(part) for part in paths]
    split(RrdReader(path), timeline, cuts, writers, **options)  # type: ignore[arg-type]
    for writer in writers:
        writer.close()
    return paths


def differences(a: Path, b: Path, likeness: Likeness = SAME) -> list[str]:
    return [f"{d.entity_path} {d.component}: {d.text}" for d in compare(RrdReader(a), RrdReader(b), likeness)]


def answers(path: Path, times: Sequence[int], timeline: str = "frame") -> list[object]:
    """What a viewer would see of every component at some times."""
    store = ChunkStore.from_chunks(chunks_of(path))
    found: list[object] = []
    for time, entity in itertools.product(times, ["/a", "/a/b", "/c"]):
        latest = store.latest_at(entity, [TEXT.component, LEVEL.component], timeline, time)
        found.append({name: (one.time, one.row_id, one.values.to_pylist()) for name, one in latest.items()})
    return found


@SLOW
@given(found=chunks, cuts=st.sets(st.integers(0, 21), max_size=4), order=st.randoms())
def test_parts_put_together_are_the_whole(tmp_path: Path, found: list[Chunk], cuts: set[int], order: object) -> None:
    whole = write(tmp_path / "whole.rrd", found)
    pieces = parts(whole, sorted(cuts))
    order.shuffle(pieces)  # type: ignore[attr-defined]
    assert differences(merged(pieces, tmp_path / "again.rrd"), whole) == []


@SLOW
@given(found=chunks, cuts=st.sets(st.integers(0, 21), min_size=1, max_size=4))
def test_a_part_answers_as_the_whole(tmp_path: Path, found: list[Chunk], cuts: set[int]) -> None:
    whole = write(tmp_path / "whole.rrd", found)
    edges = sorted(cuts)
    for part, (start, end) in zip(parts(whole, edges)[1:], itertools.pairwise([*edges, 23]), strict=True):
        times = range(start, end)
        assert answers(part, times) == answers(whole, times)


def video(key_every: int, codec: int, *, marked: bool) -> list[Chunk]:
    """A stream of samples of which only the first bytes are like real ones, the codec said once."""
    import rrbridge as rr

    key, other = {
        0x61766331: (b"\0\0\0\1\x67..", b"\0\0\1\x41.."),
        0x68657631: (b"\0\0\0\1\x40..", b"\0\0\1\x02.."),
    }.get(codec, (b"key", b"other"))
    samples = [(key if i % key_every == 0 else other) + b"%d" % i for i in range(40)]
    columns = list(rr.VideoStream.columns(sample=samples))  # type: ignore[call-arg]
    times = [TimeColumn.of("frame", TimeKind.SEQUENCE, np.arange(40))]
    found = [Chunk.from_columns("/video", times=times, components=columns)]
    found.append(Chunk.from_columns("/video", components=list(rr.VideoStream.columns(codec=[codec]))))
    if marked:
        marks = list(rr.VideoStream.columns(is_keyframe=[True] * (40 // key_every)))  # type: ignore[call-arg]
        at = [TimeColumn.of("frame", TimeKind.SEQUENCE, np.arange(0, 40, key_every))]
        found.append(Chunk.from_columns("/video", times=at, components=marks))
    return found


@pytest.mark.parametrize(("codec", "marked"), [(0x61766331, False), (0x68657631, False), (0x61763031, True)])
@pytest.mark.parametrize(("cut", "carried"), [(25, [20, 21, 22, 23, 24]), (20, []), (21, [20]), (9, [*range(9)])])
def test_a_part_begins_with_a_key_frame(tmp_path: Path, codec: int, marked: bool, cut: int, carried: list[int]) -> None:
    whole = write(tmp_path / "whole.rrd", video(10, codec, marked=marked))
    found = [
        int(time)
        for one in chunks_of(parts(whole, [cut])[1])
        if REPEATED in one.components and "VideoStream:sample" in one.components
        for time in one.times["frame"].values
    ]
    assert sorted(found) == carried


@SLOW
@given(found=chunks, cut=st.integers(1, 21))
def test_a_part_has_the_last_transform_of_every_frame(tmp_path: Path, found: list[Chunk], cut: int) -> None:
    whole = write(tmp_path / "whole.rrd", found)

    def frames(path: Path) -> set[str]:
        return {
            cell[0]
            for one in chunks_of(path)
            if one.entity_path == "/tf" and "frame" in one.times
            for cell, time in zip(
                one.components[CHILD.component].cells.to_pylist(), one.times["frame"].values, strict=True
            )
            if time <= cut
        }

    assert frames(parts(whole, [cut])[1]) == frames(whole)


@SLOW
@given(found=chunks, cuts=st.sets(st.integers(0, 21), min_size=1, max_size=3))
def test_each_row_is_in_one_part_and_repeated_ones_are_marked(
    tmp_path: Path, found: list[Chunk], cuts: set[int]
) -> None:
    whole = write(tmp_path / "whole.rrd", found)
    seen: list[bytes] = []
    for part in parts(whole, sorted(cuts)):
        for one in chunks_of(part):
            if not one.is_static and REPEATED not in one.components:
                seen += [bytes(row) for row in one.row_ids]
    assert sorted(seen) == sorted(bytes(row) for one in found if not one.is_static for row in one.row_ids)


@SLOW
@given(
    found=chunks,
    first=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    second=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    dropped=st.sets(st.sampled_from(["/a", "/a/**", "/c", "/tf"]), max_size=2),
    component=st.sampled_from([TEXT.component, LEVEL.component, CLEAR.component]),
)
def test_filtering_twice_is_filtering_by_both(
    tmp_path: Path,
    found: list[Chunk],
    first: tuple[int, int],
    second: tuple[int, int],
    dropped: set[str],
    component: str,
) -> None:
    whole = write(tmp_path / "whole.rrd", found)
    entities = Entities.of(dropped)
    one = Selection(dropped_entities=entities, timeline="frame", start=first[0], end=sum(first))
    other = Selection(dropped_components=frozenset({component}), timeline="frame", start=second[0], end=sum(second))
    both = Selection(
        dropped_entities=entities,
        dropped_components=frozenset({component}),
        timeline="frame",
        start=max(first[0], second[0]),
        end=min(sum(first), sum(second)),
    )
    twice = filtered(filtered(whole, tmp_path / "1.rrd", one), tmp_path / "12.rrd", other)
    at_once = filtered(whole, tmp_path / "both.rrd", both)
    if both.start is not None and both.end is not None and both.start <= both.end:
        times = range(both.start, both.end + 1)
        assert answers(twice, times) == answers(at_once, times)

    def rows(path: Path) -> set[bytes]:
        return {bytes(row) for c in chunks_of(path) if REPEATED not in c.components for row in c.row_ids}

    assert rows(twice) == rows(at_once)


@SLOW
@given(
    found=chunks,
    components=st.sets(st.sampled_from([TEXT.component, LEVEL.component])),
    timeline=st.sampled_from(["frame", "other"]),
)
def test_what_filtering_drops_is_gone_and_the_rest_is_as_it_was(
    tmp_path: Path, found: list[Chunk], components: set[str], timeline: str
) -> None:
    whole = write(tmp_path / "whole.rrd", found)
    selection = Selection(dropped_components=frozenset(components), dropped_timelines=frozenset({timeline}))
    out = chunks_of(filtered(whole, tmp_path / "out.rrd", selection))
    assert not any(timeline in one.times or components & one.components.keys() for one in out)

    def cells(found: Sequence[Chunk]) -> list[tuple[str, str, bytes, str]]:
        return sorted(
            (one.entity_path, name, bytes(row), str(cell))
            for one in found
            for name, column in one.components.items()
            if name not in components
            for row, cell in zip(one.row_ids, column.cells.to_pylist(), strict=True)
            if cell is not None
        )

    assert cells(out) == cells(found)


@SLOW
@given(found=chunks, others=chunks, limit=st.sampled_from([1 << 20, 400]))
def test_optimizing_changes_no_answer(tmp_path: Path, found: list[Chunk], others: list[Chunk], limit: int) -> None:
    whole, out = tmp_path / "whole.rrd", tmp_path / "out.rrd"
    with RrdWriter(whole) as writer:
        for a, b in itertools.zip_longest(found, others):
            for store_id, one in ((STORE, a), (OTHER, b)):
                if one is not None:
                    writer.write(StoredChunk(store_id, one))
    for again in (True, False):
        with RrdWriter(out) as writer:
            counts = optimize(
                lambda: RrdReader(whole).entries(),
                writer,
                OptimizationProfile(max_bytes=limit, max_rows=10, max_rows_if_unsorted=5),
                again=again,
            )
        assert differences(whole, out) == []
        assert counts.chunks_out == len(chunks_of(out)) <= len(found) + len(others)


@SLOW
@given(found=chunks, ratio=st.sampled_from([None, 1.0]))
def test_optimizing_changes_no_query_s_answer(tmp_path: Path, found: list[Chunk], ratio: float | None) -> None:
    whole, out = write(tmp_path / "whole.rrd", found), tmp_path / "out.rrd"
    with RrdWriter(out) as writer:
        profile = OptimizationProfile(max_rows=8, max_rows_if_unsorted=4, split_size_ratio=ratio)
        optimize(lambda: RrdReader(whole).entries(), writer, profile, again=True)
    assert answers(out, range(22)) == answers(whole, range(22))


def test_small_chunks_come_together(tmp_path: Path) -> None:
    small = [
        Chunk.from_columns(
            "/x",
            times=[TimeColumn.of("frame", TimeKind.SEQUENCE, [i])],
            components=[ComponentColumn(TEXT, pa.array([["t"]], pa.list_(pa.utf8())))],
        )
        for i in range(100)
    ]
    whole = write(tmp_path / "whole.rrd", small)
    with RrdWriter(tmp_path / "out.rrd") as writer:
        optimize(
            lambda: RrdReader(whole).entries(),
            writer,
            OptimizationProfile(max_bytes=1 << 20, max_rows=1000, max_rows_if_unsorted=1000),
            again=True,
        )
    assert len(chunks_of(tmp_path / "out.rrd")) == 1
    assert differences(whole, tmp_path / "out.rrd", Likeness(ignored_timelines=frozenset())) == []


@SLOW
@given(found=chunks, data=st.data())
def test_comparing_finds_what_was_changed(tmp_path: Path, found: list[Chunk], data: st.DataObject) -> None:
    whole, other = write(tmp_path / "whole.rrd", found), tmp_path / "other.rrd"
    shuffled = data.draw(st.permutations(found))
    assert differences(whole, write(other, shuffled)) == []
    pieces = [p for one in found for p in (one.slice(0, 1), one.slice(1)) if p.num_rows]
    assert differences(whole, write(other, pieces), Likeness(ignored_timelines=frozenset())) == []
    index = data.draw(st.integers(0, len(found) - 1))
    cells = found[index].components[TEXT.component].cells.to_pylist()
    row = data.draw(st.integers(0, len(cells) - 1))
    cells[row] = ["something else"]
    changed = Chunk.from_columns(
        found[index].entity_path,
        times=found[index].times.values(),
        components=[
            *(c for c in found[index].components.values() if c.descriptor != TEXT),
            ComponentColumn(TEXT, pa.array(cells, pa.list_(pa.utf8()))),
        ],
    )
    told = differences(whole, write(other, [*found[:index], changed, *found[index + 1 :]]))
    assert [line.split(":")[0] + ":text" for line in told] == [f"{found[index].entity_path} {TEXT.component}"]


def test_comparing_tells_order_chunking_and_time(tmp_path: Path) -> None:
    def one(frames: list[int]) -> Chunk:
        cells = pa.array([[str(f)] for f in frames], pa.list_(pa.utf8()))
        times = [
            TimeColumn.of("frame", TimeKind.SEQUENCE, frames),
            TimeColumn.of("log_time", TimeKind.TIMESTAMP, frames),
        ]
        return Chunk.from_columns("/x", times=times, components=[ComponentColumn(TEXT, cells)])

    a, b = write(tmp_path / "a.rrd", [one([1, 2, 3])]), write(tmp_path / "b.rrd", [one([3, 2, 1])])
    assert "another order" in differences(a, b, Likeness())[0]
    assert differences(a, b, Likeness(unordered=True)) == []
    c = write(tmp_path / "c.rrd", [one([1, 2]), one([3])], OTHER)
    assert differences(a, c, Likeness()) == []
    assert differences(a, c, Likeness(same_chunks=True)) == ["/x : cut into 1 chunks against 2"]
    d = write(tmp_path / "d.rrd", [one([1, 2, 7])])
    assert differences(a, d, Likeness()) == [
        "/x TextLog:text: 1 of 3 values only in the first file (frame 3), 1 of 3 values only in the second file (frame 7)"
    ]


VALUES: dict[str, tuple[pa.DataType, list[object]]] = {
    "numbers": (pa.list_(pa.float32()), [[1.0, 2.0], [], None, [float("inf")], [0.0] * 40]),
    "vectors": (
        pa.list_(pa.list_(pa.float64(), 3)),
        [[[1.0, 2.0, 3.0]], [], None, [[0.0] * 3, None], [[None, 1.0, 2.0]]],
    ),
    "texts": (pa.list_(pa.utf8()), [["a", ""], [], None, [None], ["long" * 99]]),
    "blobs": (pa.list_(pa.list_(pa.uint8())), [[list(range(200))], [[]], None, [None, [1]], [[1], None]]),
    "truths": (pa.list_(pa.bool_()), [[True], [False], [], None, [None]]),
    "records": (
        pa.list_(pa.struct({"a": pa.int64(), "b": pa.list_(pa.utf8())})),
        [[{"a": 1, "b": ["x"]}], [], None, [{"a": None, "b": []}], [{"a": 1, "b": None}]],
    ),
    "fixed": (pa.list_(pa.binary(4)), [[b"abcd"], [], None, [b"abce", b"abcd"]]),
}


@pytest.mark.parametrize("name", VALUES)
def test_digests_are_equal_exactly_for_equal_cells(name: str) -> None:
    """However they are laid out: alone, amid others, as a slice."""
    datatype, cells = VALUES[name]
    alone = [digests(pa.array([cell], datatype))[0] for cell in cells]
    assert len(set(alone)) == len(cells)
    for order in itertools.permutations(range(len(cells))):
        array = pa.array([cells[i] for i in order], datatype)
        assert digests(array).tolist() == [alone[i] for i in order]
        assert digests(array.slice(1, 2)).tolist() == [alone[i] for i in order[1:3]]


def test_cuts_are_even() -> None:
    assert cuts_by_number((0, 19), 3) == [6, 12]
    assert cuts_by_number((0, 19), 1) == []
    with pytest.raises(InvalidValueError):
        cuts_by_number((0, 1), 5)


def test_parts_by_size_are_about_that_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    found = [
        Chunk.from_columns(
            "/x",
            times=[TimeColumn.of("frame", TimeKind.SEQUENCE, np.arange(10) + 10 * i)],
            components=[
                ComponentColumn(TEXT, pa.array([[noise.bytes(500).hex()] for _ in range(10)], pa.list_(pa.utf8())))
            ],
        )
        for i in range(100)
    ]
    whole = write(tmp_path / "whole.rrd", found)
    total = whole.stat().st_size
    cuts = cuts_by_size(RrdReader(whole).manifests(), "frame", total // 5)
    sizes = [part.stat().st_size for part in parts(whole, cuts)]
    assert 5 <= len(sizes) <= 6
    assert all(abs(size - total // 5) < total // 25 for size in sizes[:4])
    with pytest.raises(InvalidValueError):
        cuts_by_size(RrdReader(whole).manifests(), "frame", 0)


# What the reference's tools say of the same files.


def rerun_rrd(*arguments: str | Path) -> str:
    done = subprocess.run([RERUN, "rrd", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def same_to_the_reference(a: Path, b: Path) -> None:
    """After both are put into the reference's own chunks, for its comparison counts them."""
    optimized = [path.with_name(f"{path.stem}.optimized.rrd") for path in (a, b)]
    for path, out in zip((a, b), optimized, strict=True):
        rerun_rrd("optimize", path, "-o", out)
    rerun_rrd("compare", "--unordered", *optimized)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording by the reference, in many chunks."""
    import rerun

    path = tmp_path_factory.mktemp("tools") / "made.rrd"
    recording = rerun.RecordingStream("tools", recording_id="made")
    recording.save(path)
    recording.log("fixed", rerun.TextDocument("once"), static=True)
    for i in range(60):
        recording.set_time("frame", sequence=i)
        recording.set_time("elapsed", duration=0.1 * i)
        recording.log("world/points", rerun.Points3D(np.full((10, 3), i), colors=[255, 0, 0]))
        recording.log("plot/x", rerun.Scalars(np.sin(i)))
        if i % 9 == 0:
            recording.log("log", rerun.TextLog(f"message {i}", level="INFO"))
            recording.flush()
    recording.disconnect()
    return path


def test_our_merge_is_the_reference_s(made: Path, tmp_path: Path) -> None:
    other = write(
        tmp_path / "other.rrd", [Chunk.from_columns("/y", components=[ComponentColumn(TEXT, pa.array([["t"]]))])]
    )
    ours, theirs = merged([made, other], tmp_path / "ours.rrd"), tmp_path / "theirs.rrd"
    rerun_rrd("merge", made, other, "-o", theirs)
    rerun_rrd("verify", ours)
    assert differences(ours, theirs) == []
    alone = merged([made], tmp_path / "alone.rrd")
    rerun_rrd("compare", "--unordered", made, alone)


@pytest.mark.parametrize(
    ("arguments", "selection"),
    [
        (["--drop-timeline", "frame"], Selection(dropped_timelines=frozenset({"frame"}))),
        (["--drop-entity", "/world/points"], Selection(dropped_entities=Entities.of(["/world/points"]))),
        (
            ["--drop-entity", "log", "--drop-timeline", "log_time", "--drop-timeline", "elapsed"],
            Selection(dropped_entities=Entities.of(["log"]), dropped_timelines=frozenset({"log_time", "elapsed"})),
        ),
        (
            [f for t in ("frame", "log_time", "elapsed") for f in ("--drop-timeline", t)],
            Selection(dropped_timelines=frozenset({"frame", "log_time", "elapsed"})),
        ),
    ],
)
def test_our_filter_is_the_reference_s(made: Path, tmp_path: Path, arguments: list[str], selection: Selection) -> None:
    ours, theirs = filtered(made, tmp_path / "ours.rrd", selection), tmp_path / "theirs.rrd"
    rerun_rrd("filter", *arguments, made, "-o", theirs)
    rerun_rrd("verify", ours)
    rerun_rrd("compare", "--unordered", ours, theirs)
    assert differences(ours, theirs) == []


def test_our_optimize_is_accepted_by_the_reference(made: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours.rrd"
    with RrdWriter(ours) as writer:
        optimize(lambda: RrdReader(made).entries(), writer, OptimizationProfile.OBJECT_STORE, again=True)
    rerun_rrd("verify", ours)
    same_to_the_reference(made, ours)
    theirs = tmp_path / "theirs.rrd"
    rerun_rrd("optimize", made, "-o", theirs)
    assert differences(ours, theirs) == []
    assert len(chunks_of(ours)) <= len(chunks_of(theirs))


def test_our_parts_hold_what_the_reference_s_hold(made: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    rerun_rrd("split", made, "-o", tmp_path / "theirs", "--timeline", "frame", "-t", "20", "-t", "31")
    whole = tmp_path / "whole.rrd"
    whole.write_bytes(made.read_bytes())
    theirs = sorted((tmp_path / "theirs").iterdir(), key=lambda p: int(p.stem.split("_")[1]))
    for ours, other in zip(parts(whole, [20, 31]), theirs, strict=True):
        rerun_rrd("verify", ours)
        told = [line for line in differences(ours, other) if "repeated" not in line]
        assert told == []


def reference_numbers(text: str) -> dict[str, str]:
    """`name = value` under its heading."""
    found, heading = {}, ""
    for line, below in itertools.pairwise(text.splitlines()):
        if below.startswith("---"):
            heading = line
        if " = " in line:
            name, _, value = line.partition(" = ")
            found[f"{heading}/{name}"] = value
    return found


def as_the_reference_prints(nbytes: float) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        number, unit = text.split()
        factor = {"B": 1, "KiB": 1024, "MiB": 1 << 20}[unit]
        digits = len(number.partition(".")[2])
        return bool(abs(float(number) - nbytes / factor) <= 0.51 / 10**digits)

    return fits


def check_stats(ours: Stats, text: str) -> None:
    numbers = {name: value.replace("\u2009", "").replace(" ", "") for name, value in reference_numbers(text).items()}
    sizes = reference_numbers(text)
    assert int(numbers["Overview/num_chunks"]) == ours.chunks
    assert int(numbers["Overview/num_entity_paths"]) == len(ours.entity_paths)
    assert int(numbers["Overview/num_static"]) == ours.static_chunks
    assert int(numbers["Overview/num_rows"]) == ours.rows.total
    for name, one in (("rows", ours.rows), ("indexes", ours.indexes), ("components", ours.columns)):
        assert int(numbers[f"Overview/num_{name}_min"]) == one.minimum
        assert int(numbers[f"Overview/num_{name}_max"]) == one.maximum
        assert float(numbers[f"Overview/num_{name}_avg"]) == pytest.approx(one.average, abs=0.001)
    for heading, one in (
        ("Size (schema + data, compressed)", ours.packed_bytes),
        ("Size (schema + data, uncompressed)", ours.unpacked_bytes),
        ("Size (schema only, uncompressed)", ours.schema_bytes),
        ("Size (data only, uncompressed)", ours.data_bytes),
    ):
        for name, value in (
            ("total", one.total),
            ("min", one.minimum),
            ("max", one.maximum),
            ("avg", one.average),
            ("p50", one.percentiles[50]),
            ("p90", one.percentiles[90]),
            ("p99", one.percentiles[99]),
        ):
            assert as_the_reference_prints(value)(sizes[f"{heading}/ipc_size_bytes_{name}"]), (heading, name, value)
    counted = dict(re.findall(r"^(\S+): (\d+)$", text, re.MULTILINE))
    for name, component in ours.components.items():
        assert int(counted[name]) == component.chunks
    for name, timeline in ours.timelines.items():
        assert int(counted[name]) == timeline.chunks


def test_our_numbers_are_the_reference_s(made: Path) -> None:
    check_stats(stats_of(RrdReader(made).entries()), rerun_rrd("stats", made))


def test_numbers_without_looking_into_chunks_are_the_same(made: Path, tmp_path: Path) -> None:
    whole, packed = stats_of(RrdReader(made).entries()), packed_stats_of(made)
    assert (packed.packed_bytes, packed.unpacked_bytes) == (whole.packed_bytes, whole.unpacked_bytes)
    with pytest.raises(FileError):
        packed_stats_of(tmp_path / "none.rrd")


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "JianbinLiu-CFLab+unity-rerun-sdk/oracle_v2.rrd",
        "nmayorov+rerun-4seasons/blueprint.rbl",
        "rerun-io+rerun/file1.rrd",
        "rerun-io+rerun/file3.rrd",
    ],
)
def test_real_recordings_go_through_every_tool(shared_data: Path, tmp_path: Path, name: str) -> None:
    source = shared_data / name
    check_stats(stats_of(RrdReader(source).entries()), rerun_rrd("stats", source))
    ours, theirs = merged([source], tmp_path / "ours.rrd"), tmp_path / "theirs.rrd"
    rerun_rrd("verify", ours)
    rerun_rrd("merge", source, "-o", theirs)
    assert differences(ours, theirs) == []
    with RrdWriter(tmp_path / "optimized.rrd") as writer:
        optimize(lambda: RrdReader(source).entries(), writer, OptimizationProfile.OBJECT_STORE, again=True)
    assert differences(tmp_path / "optimized.rrd", source) == []
    messages: list[LogMessage] = list(RrdReader(ours).messages())
    assert [type(m) for m in messages if isinstance(m, StoreInfo)]
