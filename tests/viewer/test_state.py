"""State, commands and the time control as laws; no window, no GPU."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._messages import StoreId, StoreKind
from rrbridge._timeline import TimeKind
from rrbridge_viewer import blueprint as b
from rrbridge_viewer import commands as s
from rrbridge_viewer.clock import Clock, Loop, Play, Span, next_event, opening_time, previous_event
from rrbridge_viewer.state import State, apply

A, B = (StoreId(StoreKind.RECORDING, "app", name) for name in "ab")
SPANS = {"log_time": Span(TimeKind.TIMESTAMP, 100, 10_000_000_100), "frame": Span(TimeKind.SEQUENCE, 0, 10)}
PANES = {f"v{i}": b.Pane("TimeSeriesView", f"plot {i}", contents=("/a", "/a/b", f"/p{i}")) for i in range(3)}
BLUEPRINT = b.Blueprint(PANES, b.Container("horizontal", ("v0", b.Container("vertical", ("v1", "v2")))))

ids = st.sampled_from([A, B])
views = st.sampled_from(["v0", "v1", "v2", "nowhere"])
paths = st.sampled_from(["/a", "/a/b", "/p1", "/"])
times = st.integers(-(2**40), 2**40)
items = st.one_of(
    st.builds(b.EntityItem, paths, st.none() | st.integers(0, 3)),
    st.builds(b.ViewItem, views),
    st.builds(b.RecordingItem, ids),
)
blueprint_edits = st.one_of(
    st.builds(s.ShowEntity, views, paths, st.booleans()),
    st.builds(s.ShowView, views, st.booleans()),
    st.builds(s.AddView, views, st.sampled_from(list(PANES.values()))),
    st.builds(s.RemoveView, views),
    st.builds(s.Maximize, st.none() | views),
    st.builds(s.SetBlueprint, ids, st.just(BLUEPRINT), st.booleans()),
)
commands = st.one_of(
    blueprint_edits,
    st.builds(s.OpenRecording, ids),
    st.builds(s.ActivateRecording, ids),
    st.builds(s.CloseRecording, ids),
    st.builds(
        s.LearnTimelines,
        ids,
        st.sampled_from([SPANS, {}, {"frame": SPANS["frame"]}]),
        st.sampled_from(["log_time", "x"]),
    ),
    st.builds(s.SetOpenings, ids, st.dictionaries(st.sampled_from(["log_time", "frame", "x"]), times)),
    st.builds(s.SetTimeline, st.sampled_from(["log_time", "frame", "x"])),
    st.builds(s.Seek, times),
    st.builds(s.SeekBy, times),
    st.builds(s.SetPlay, st.sampled_from(Play)),
    st.builds(s.SetSpeed, st.floats(allow_nan=True)),
    st.builds(s.SetLoop, st.sampled_from(Loop)),
    st.builds(s.SetSection, st.none() | st.tuples(times, times)),
    st.builds(s.SetTimeWindow, st.none() | st.tuples(times, times)),
    st.builds(s.Tick, st.floats(-1, 1e6)),
    st.builds(s.Select, st.lists(items, max_size=3).map(tuple), st.booleans()),
    st.builds(s.Hover, st.none() | items),
    st.builds(s.SetViewState, views, st.integers(0, 3)),
    st.builds(s.TogglePanel, st.sampled_from(["left", "right", "bottom"])),
    st.builds(s.Undo),
    st.builds(s.Redo),
)


def run(state: State, *asked: s.Command) -> State:
    for command in asked:
        state = apply(state, command)
    return state


def opened() -> State:
    return run(
        State(),
        s.OpenRecording(A),
        s.LearnTimelines(A, SPANS, "log_time"),
        s.SetBlueprint(A, BLUEPRINT, automatic=True),
    )


def clock(state: State) -> Clock:
    assert state.recording is not None
    return state.recording.clock


@settings(max_examples=300)
@given(st.lists(commands, max_size=25))
def test_every_command_is_accepted_in_every_state(asked: list[s.Command]) -> None:
    state = State()
    for command in asked:
        state = apply(state, command)
        assert (state.active is None) == (not state.recordings)
        for recording in state.recordings.values():
            span = recording.clock.span
            assert span is None or span.lo <= recording.clock.time <= span.hi
            assert 0.01 <= recording.clock.speed <= 100


@given(st.lists(blueprint_edits, max_size=12))
def test_undo_restores_each_blueprint_in_turn_and_redo_brings_it_back(edits: list[s.Command]) -> None:
    state = opened()
    seen = [BLUEPRINT]
    for edit in edits:
        if isinstance(edit, s.SetBlueprint):
            edit = replace(edit, automatic=False)
        state = apply(state, edit)
        assert state.recording is not None
        if state.recording.blueprint != seen[-1]:
            seen.append(state.recording.blueprint)
    for _ in range(2):
        for expected in reversed(seen[:-1]):
            state = apply(state, s.Undo())
            assert state.recording is not None
            assert state.recording.blueprint == expected
        assert apply(state, s.Undo()) == state
        for expected in seen[1:]:
            state = apply(state, s.Redo())
            assert state.recording is not None
            assert state.recording.blueprint == expected


def test_undo_leaves_time_and_cameras_alone() -> None:
    state = run(opened(), s.ShowView("v0", visible=False), s.Seek(5_000), s.SetViewState("v0", "camera"), s.Undo())
    assert state.recording is not None
    assert state.recording.blueprint == BLUEPRINT
    assert clock(state).time == 5_000
    assert state.recording.views == {"v0": "camera"}


@given(times)
def test_scrubbing_stays_inside_the_data(time: int) -> None:
    assert clock(apply(opened(), s.Seek(time))).time == min(max(time, 100), 10_000_000_100)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_stepping_visits_every_event_once_in_both_directions(events: list[int]) -> None:
    sorted_times = np.unique(np.array(events, np.int64))
    forward, at = [], next_event(sorted_times, -1)
    while at is not None:
        forward.append(at)
        at = next_event(sorted_times, at)
    backward, at = [], previous_event(sorted_times, 51)
    while at is not None:
        backward.append(at)
        at = previous_event(sorted_times, at)
    assert forward == sorted_times.tolist() == backward[::-1]


def test_playing_moves_by_real_time_and_speed() -> None:
    state = run(opened(), s.SetSpeed(2), s.SetPlay(Play.PLAYING), s.Tick(1.5))
    assert clock(state).time == 100 + 3_000_000_000


def test_a_slow_sequence_moves_all_the_same() -> None:
    state = run(opened(), s.SetTimeline("frame"), s.SetSpeed(0.1), s.SetPlay(Play.PLAYING), *[s.Tick(0.1)] * 10)
    assert clock(state).time == 3


def test_playing_stops_at_the_end_and_starts_again_from_the_beginning() -> None:
    state = run(opened(), s.SetPlay(Play.PLAYING), s.Tick(60))
    assert (clock(state).time, clock(state).play) == (10_000_000_100, Play.PAUSED)
    assert clock(apply(state, s.SetPlay(Play.PLAYING))).time == 100


def test_looping_goes_round() -> None:
    state = run(opened(), s.SetLoop(Loop.ALL), s.SetPlay(Play.PLAYING), s.Tick(12))
    assert clock(state).play is Play.PLAYING
    assert clock(state).time == 100 + 2_000_000_000 - 1


def test_looping_a_section_stays_in_it() -> None:
    section = (2_000_000_000, 4_000_000_000)
    state = run(
        opened(), s.SetSection(section[::-1]), s.SetLoop(Loop.SECTION), s.Seek(section[0]), s.SetPlay(Play.PLAYING)
    )
    for _ in range(40):
        state = apply(state, s.Tick(0.3))
        assert section[0] <= clock(state).time <= section[1]


def test_following_stays_at_the_newest_data_until_the_hand_takes_over() -> None:
    later = {"log_time": replace(SPANS["log_time"], hi=20_000_000_000)}
    state = run(opened(), s.SetPlay(Play.FOLLOWING), s.LearnTimelines(A, later, "log_time"))
    assert clock(state).time == 20_000_000_000
    state = apply(state, s.Seek(500))
    assert (clock(state).time, clock(state).play) == (500, Play.PAUSED)


def test_a_cursor_that_nobody_moved_stands_where_there_is_something_to_see() -> None:
    state = run(opened(), s.SetOpenings(A, {"log_time": 700, "frame": 5}))
    assert clock(state).time == 700
    earlier = {"log_time": replace(SPANS["log_time"], lo=50), "frame": SPANS["frame"]}
    state = run(state, s.LearnTimelines(A, earlier, "log_time"), s.SetOpenings(A, {"log_time": 650, "frame": 5}))
    assert clock(state).time == 650
    assert clock(apply(state, s.SetTimeline("frame"))).time == 5
    assert clock(run(state, s.SetPlay(Play.PLAYING), s.Tick(1))).time == 1_000_000_650
    moved = run(state, s.Seek(777), s.SetOpenings(A, {"log_time": 900}))
    assert clock(moved).time == 777


def test_what_comes_soon_is_waited_for_and_what_comes_late_is_not() -> None:
    span = Span(TimeKind.DURATION, 0, 60 * 10**9)
    assert opening_time([], span) == 0
    assert opening_time([10**9, 0, 2 * 10**9, 50 * 10**9], span) == 2 * 10**9
    assert opening_time([40 * 10**9, 41 * 10**9], span) == 41 * 10**9
    assert opening_time([0, 1], Span(TimeKind.DURATION, 0, 3_000_000)) == 3_000_000
    assert opening_time([], Span(TimeKind.DURATION, 0, 3_000_000)) == 0
    assert opening_time([3, 70, 900], Span(TimeKind.SEQUENCE, 0, 1000)) == 70


def test_each_timeline_remembers_its_place() -> None:
    state = run(opened(), s.Seek(777), s.SetTimeline("frame"), s.Seek(4), s.SetTimeline("log_time"))
    assert clock(state).time == 777
    assert clock(apply(state, s.SetTimeline("frame"))).time == 4


def test_recordings_keep_their_own_time() -> None:
    state = run(
        opened(),
        s.Seek(5_000),
        s.OpenRecording(B),
        s.LearnTimelines(B, SPANS, "log_time"),
        s.ActivateRecording(B),
        s.Seek(900),
    )
    assert clock(state).time == 900
    assert clock(apply(state, s.ActivateRecording(A))).time == 5_000


def test_an_entity_switched_off_takes_what_is_below_it() -> None:
    state = apply(opened(), s.ShowEntity("v0", "/a", visible=False))
    assert state.recording is not None
    pane = state.recording.blueprint.panes["v0"]
    assert not pane.shows("/a")
    assert not pane.shows("/a/b")
    assert pane.shows("/p0")
    assert pane.shows("/ab")


def test_a_removed_view_leaves_no_empty_container_behind() -> None:
    state = run(opened(), s.RemoveView("v1"), s.RemoveView("v2"))
    assert state.recording is not None
    assert state.recording.blueprint.root == b.Container("horizontal", ("v0",), (1.0,))


@given(st.integers(100, 10_000_000_100), st.integers(0, 9_000_000_000), st.integers(1, 10**9))
def test_a_zoomed_time_panel_keeps_the_cursor_in_sight(time: int, lo: int, length: int) -> None:
    after = clock(run(opened(), s.SetTimeWindow((lo, lo + length)), s.Seek(time)))
    assert after.window is not None
    assert after.window[0] <= after.time <= after.window[1]
    assert after.window[1] - after.window[0] == length
