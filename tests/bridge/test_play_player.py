"""Playing by a clock that is not real: every message once, in order, when it is due, whatever keys are pressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
from fake_time import FakeTime
from hypothesis import given
from hypothesis import strategies as st
from live_loopback import LoopbackSession, Published

from rrbridge_bridge.live.source import Notice
from rrbridge_bridge.play.player import Player, PlayerOptions, Status
from rrbridge_bridge.play.stream import Run
from rrbridge_bridge.play.timekeeper import Command
from rrbridge_bridge.raw import Connection, join_payloads

START = 1_700_000_000_000_000_000
MS = 1_000_000
SECOND = 1000 * MS
TOPICS = ("/scan", "/tf", "/map")
MAP = 2


@dataclass
class Tape:
    """Message i is due at `START + times[i]`, on topic i mod 2; `maps` are latched ones before it all."""

    times: Sequence[int]
    maps: Sequence[int] = ()
    per_run: int = 5
    played: dict[int, Connection] = field(
        default_factory=lambda: {
            n: Connection(n, topic, "std_msgs/msg/String", "cdr") for n, topic in enumerate(TOPICS)
        }
    )

    def _every(self) -> list[tuple[int, int, bytes]]:
        maps = [(START + t, MAP, f"map {t}".encode()) for t in self.maps]
        return sorted(
            [*maps, *((START + t, i % 2, f"{i}".encode()) for i, t in enumerate(self.times))], key=lambda m: m[0]
        )

    def _run(self, messages: Sequence[tuple[int, int, bytes]]) -> Run:
        buffer, starts, sizes = join_payloads([payload for _, _, payload in messages])
        due = np.array([due for due, _, _ in messages], np.int64)
        return Run(buffer, np.array([number for _, number, _ in messages]), starts, sizes, due, due - 7, due)

    @contextmanager
    def runs(self, start_nanos: int | None, end_nanos: int | None) -> Iterator[Iterator[Run]]:
        low, high = start_nanos or 0, end_nanos if end_nanos is not None else 1 << 62
        wanted = [m for m in self._every() if low <= m[0] <= high]
        yield (self._run(wanted[i : i + self.per_run]) for i in range(0, len(wanted), self.per_run))

    def latched_before(self, position_nanos: int) -> Run | None:
        before = [m for m in self._every() if m[1] == MAP and m[0] < position_nanos]
        return self._run(before[-1:]) if before else None


@dataclass
class Watching:
    statuses: list[Status] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    helped: int = 0

    def notice(self, notice: Notice) -> None:
        self.notices.append(notice.text)

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def help(self) -> None:
        self.helped += 1


@dataclass
class Played:
    session: LoopbackSession
    watch: Watching
    time: FakeTime
    finished: bool
    status: Status

    @property
    def sent(self) -> list[Published]:
        return self.session.published

    @property
    def payloads(self) -> list[str]:
        return [one.payload.decode() for one in self.sent]

    @property
    def moments(self) -> list[int]:
        """When each was sent, nanoseconds from the first."""
        sent = self.sent
        return [round((one.sent_secs - sent[0].sent_secs) * 1e9) for one in sent]


def play(tape: Tape, time: FakeTime | None = None, listeners: int | None = 1, **options: object) -> Played:
    time = time or FakeTime()
    session = LoopbackSession(now_secs=time.now_secs, listeners=listeners)
    for connection in tape.played.values():
        session.advertise(connection, connection.topic == "/map")
    watch = Watching()
    asked = PlayerOptions(**({"start_nanos": START} | options))  # type: ignore[arg-type]
    player = Player(tape, session, time, asked, watch)
    finished = player.run()
    return Played(session, watch, time, finished, player.status())


times = st.lists(st.integers(0, 5 * SECOND), min_size=1, max_size=40).map(sorted)
rates = st.floats(0.1, 20)


@given(times, rates, st.lists(st.integers(0, 3 * MS), min_size=1, max_size=5), st.integers(1, 7))
def test_intervals_are_those_recorded_by_the_rate(
    due: list[int], rate: float, oversleeps: list[int], per_run: int
) -> None:
    played = play(Tape(due, per_run=per_run), FakeTime(oversleeps=oversleeps), rate=rate)
    assert played.payloads == [str(i) for i in range(len(due))]
    for moment, recorded in zip(played.moments, due, strict=True):
        ideal = (recorded - due[0]) / rate
        # Never before its time, nor later than one wait is: errors do not add up.
        assert -2 - 1e-6 * ideal <= moment - ideal <= max(oversleeps) + 2 + 1e-6 * ideal
    assert played.status.late_most_nanos <= max(oversleeps) + 1


def test_an_hour_does_not_drift_and_keeps_nobody_busy() -> None:
    due = [i * 100 * MS for i in range(36_000)]
    played = play(Tape(due, per_run=10_000), FakeTime(oversleeps=[60_000, 90_000, 1_100_000]), rate=1.0)
    assert played.time.waits <= 36_000 + 6 * 3600  # one for each message, and five a second to say how it stands
    assert 3599.9 <= played.moments[-1] / 1e9 <= 3599.902


keys = st.lists(
    st.tuples(
        st.integers(0, 20 * SECOND),
        st.sampled_from([Command.PAUSE, Command.NEXT, Command.FASTER, Command.SLOWER, Command.HELP]),
    ),
    max_size=30,
).map(lambda pressed: sorted(pressed, key=lambda one: one[0]))


@given(times, keys)
def test_whatever_keys_are_pressed_every_message_is_sent_once_in_order(
    due: list[int], pressed: list[tuple[int, Command]]
) -> None:
    never_left_paused = [*pressed, *[(30 * SECOND, Command.NEXT)] * len(due)]
    played = play(Tape(due), FakeTime(never_left_paused), clock_hertz=40.0)
    assert played.payloads == [str(i) for i in range(len(due))]
    upcoming = {START + t for t in due}
    for event in played.session.events:  # simulated time never goes back, and is never past a message to come
        if isinstance(event, Published):
            upcoming.discard(event.log_time_nanos)
        else:
            assert isinstance(event, int)
            assert event <= min((t for t in upcoming), default=event)
    clocks = played.session.clocks
    assert clocks == sorted(clocks)


def test_nothing_is_sent_while_paused_and_going_on_loses_no_time() -> None:
    due = [i * 100 * MS for i in range(20)]
    pause, resume = 450 * MS, 7450 * MS
    played = play(Tape(due), FakeTime([(pause, Command.PAUSE), (resume, Command.PAUSE)]))
    assert played.moments == pytest.approx([t if t <= pause else t + resume - pause for t in due], abs=1000)
    assert played.status.late == 0


def test_single_messages_while_paused() -> None:
    due = [i * SECOND for i in range(5)]
    steps = [(100 * MS, Command.NEXT), (200 * MS, Command.NEXT), (900 * MS, Command.PAUSE)]
    played = play(Tape(due), FakeTime(steps), start_paused=True)
    assert played.moments == pytest.approx([0, 100 * MS, *(800 * MS + (i - 1) * SECOND for i in range(2, 5))], abs=1000)


def test_the_next_message_does_not_wait_for_its_time() -> None:
    played = play(Tape([0, 3600 * SECOND, 3601 * SECOND]), FakeTime([(SECOND, Command.NEXT)]))
    assert played.moments == pytest.approx([0, SECOND, 2 * SECOND], abs=1000)


def test_gaps_are_left_out_or_told() -> None:
    due = [0, SECOND, 100 * SECOND, 103 * SECOND, 10**6 * SECOND, (10**6 + 9) * SECOND]
    played = play(Tape(due), skip_nanos=5 * SECOND)
    assert played.moments == pytest.approx([0, SECOND, SECOND, 4 * SECOND, 4 * SECOND, 4 * SECOND], abs=1000)
    assert (played.watch.notices, played.status.late) == ([], 0)
    told = play(Tape([0, SECOND, 100 * SECOND, 103 * SECOND]), rate=2.0)
    assert told.moments[-1] == pytest.approx(51.5 * SECOND, abs=1000)
    assert [text.partition(";")[0] for text in told.watch.notices] == ["no message is due for 49.5 s"]


def test_faster_and_slower_are_ten_percent() -> None:
    played = play(
        Tape([i * 100 * MS for i in range(100)]), FakeTime([(SECOND, Command.FASTER), (2 * SECOND, Command.SLOWER)])
    )
    rates = [status.rate for status in played.watch.statuses]
    assert [rates[0], max(rates), rates[-1]] == pytest.approx([1, 1.1, 1])
    assert played.moments[-1] == pytest.approx(9.8 * SECOND, rel=1e-6)


def test_back_plays_a_second_again_and_first_what_was_latched_then() -> None:
    due = [i * 250 * MS for i in range(20)]
    played = play(Tape(due, maps=[300 * MS, 2400 * MS]), FakeTime([(2600 * MS, Command.BACK)]))
    at = played.session.events.index("seeked")
    sent = [event.payload.decode() for event in played.session.events[:at] if isinstance(event, Published)]
    again = [event.payload.decode() for event in played.session.events[at + 1 :] if isinstance(event, Published)]
    assert sent == ["0", "1", "map 300000000", *map(str, range(2, 10)), "map 2400000000", "10"]
    assert again == ["map 300000000", *map(str, range(7, 10)), "map 2400000000", *map(str, range(10, 20))]


def test_a_later_start_is_told_what_was_latched_before() -> None:
    due = [i * 500 * MS for i in range(6)]
    played = play(Tape(due, maps=[0, 700 * MS]), start_nanos=START + SECOND, from_first=False)
    assert played.payloads == ["map 700000000", "2", "3", "4", "5"]
    assert played.moments == pytest.approx([0, 0, 500 * MS, SECOND, 1500 * MS], abs=1000)


@pytest.mark.parametrize("start", [0, 2 * SECOND])
def test_loops_begin_again_until_told_to_stop(start: int) -> None:
    due = [i * SECOND for i in range(5)]
    time = FakeTime([(9500 * MS, Command.QUIT)])
    tape = Tape(due, maps=[-5 * MS] if start else [])
    played = play(tape, time, loop=True, start_nanos=START + start, from_first=not start)
    once = ["map -5000000", "2", "3", "4"] if start else ["0", "1", "2", "3", "4"]
    assert not played.finished
    assert played.payloads[: 2 * len(once)] == once * 2
    assert played.session.events.count("seeked") == played.status.loops >= 2
    # A loop takes from its first message to its last.
    length = 2 * SECOND if start else 4 * SECOND
    second = played.moments[len(once)]
    assert second == pytest.approx(length, abs=1000)


def test_loops_of_nothing_end_and_loops_of_a_moment_leave_time() -> None:
    assert play(Tape([0]), loop=True, end_nanos=START - 1).finished
    played = play(Tape([0]), FakeTime([(SECOND, Command.QUIT)]), loop=True)
    assert 10 < len(played.sent) <= 51


def test_it_ends_where_it_is_told_to() -> None:
    played = play(Tape([i * SECOND for i in range(9)]), end_nanos=START + 3 * SECOND)
    assert (played.payloads, played.finished) == (["0", "1", "2", "3"], True)


def test_the_clock_goes_on_in_pauses_and_keeps_its_rate() -> None:
    due = [i * 500 * MS for i in range(9)]
    time = FakeTime([(1010 * MS, Command.PAUSE), (3010 * MS, Command.PAUSE)])
    played = play(Tape(due), time, clock_hertz=100.0)
    clocks = np.array(played.session.clocks)
    assert len(clocks) == pytest.approx(601, abs=2)
    assert (clocks == START + 1010 * MS).sum() == pytest.approx(200, abs=2)
    assert (np.diff(clocks) >= 0).all()


def test_the_clock_by_topics_is_that_of_their_messages() -> None:
    due = [i * 10 * MS for i in range(10)]
    played = play(Tape(due), clock_topics=lambda topic: topic == "/tf")
    assert played.session.clocks == [START + t for t in due[1::2]]
    kinds = [e if isinstance(e, int) else int(e.payload) for e in played.session.events if not isinstance(e, str)]
    assert kinds[1:3] == [1, START + 10 * MS]


def test_it_waits_for_listeners_before_the_first_message() -> None:
    class Later(FakeTime):
        def wait(self, until_nanos: int) -> Command | None:
            found = super().wait(until_nanos)
            if self.now_secs() > 3:
                session.listeners = 1
            return found

    time, tape, watch = Later(), Tape([0, SECOND]), Watching()
    session = LoopbackSession(now_secs=time.now_secs, listeners=0)
    for connection in tape.played.values():
        session.advertise(connection, latched=False)
    options = PlayerOptions(start_nanos=START, wait_for_subscribers=True, delay_nanos=SECOND)
    assert Player(tape, session, time, options, watch).run()
    assert session.published[0].sent_secs == pytest.approx(4, abs=0.2)
    assert watch.notices == ["waiting for somebody to listen to /map, /scan, /tf"]


def test_what_is_late_is_counted() -> None:
    """A graph that takes 30 ms for each message cannot have 100 of them a second."""
    time = FakeTime()

    class Slow(LoopbackSession):
        def publish(self, *arguments: object) -> None:
            super().publish(*arguments)  # type: ignore[arg-type]
            time.now += 30 * MS

    tape = Tape([i * 10 * MS for i in range(50)])
    session, watch = Slow(now_secs=time.now_secs), Watching()
    for connection in tape.played.values():
        session.advertise(connection, latched=False)
    player = Player(tape, session, time, PlayerOptions(start_nanos=START), watch)
    assert player.run()
    status = player.status()
    assert (status.late, status.late_most_nanos) == (49, 49 * 20 * MS)
    assert status.late_p99_nanos == pytest.approx(49 * 20 * MS, rel=0.06)
    assert status.by_topic == {"/scan": 25, "/tf": 25, "/map": 0}
