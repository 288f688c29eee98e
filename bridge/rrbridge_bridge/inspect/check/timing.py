"""When messages were logged, published and stamped: gaps, jumps, wrong order, late and wrong stamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rrbridge_bridge.format import many
from rrbridge_bridge.inspect.check.findings import SIMULATED_BELOW_NANOS, Finding, Severity, seconds
from rrbridge_bridge.inspect.check.spread import Intervals, Spread
from rrbridge_bridge.inspect.headers import Headers
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = ["TopicTimes", "clock_findings", "shared_gaps"]

ABSURD_NANOS = 30 * 86400 * 10**9
"""A longer interval is no gap but a wrong time."""
JUMP_NANOS = 10**9
"""A shorter step back is a matter of order, a longer one of a clock."""
OTHER_CLOCK_NANOS = 60 * 10**9
"""Stamps that are usually further than this from the log time are of another clock."""
STEADY_NANOS = 200_000_000
"""Another clock runs as fast as the log's if nine of ten ages differ by no more."""
LATE_NANOS = 500_000_000
AHEAD_NANOS = 20_000_000
FAR_AHEAD_NANOS = 100_000_000
FEW = 5
"""With fewer messages nothing is said about what is usual."""
SHARED = 0.8
"""Silence of so many of the regular topics is the recording's, not theirs."""


@dataclass(eq=False, slots=True)
class TopicTimes:
    """The times of one connection."""

    connection: Connection
    is_transforms: bool
    log: Intervals = field(default_factory=Intervals)
    stamps: Intervals = field(default_factory=Intervals)
    age: Spread = field(default_factory=Spread)
    """Log time less stamp."""
    lag: Spread = field(default_factory=Spread)
    """Log time less publish time."""
    zero_stamps: int = 0
    zero_stamp_at: int | None = None
    stamped: int = 0
    drift: Spread = field(default_factory=Spread)
    """Age less that of the first message: of another clock, only changes of it mean something."""
    worst_age: tuple[int, int] | None = None
    """The greatest age, and when the message was logged."""
    _first_age: int | None = None
    frames: set[str] = field(default_factory=set)

    @property
    def topic(self) -> str:
        """Its topic."""
        return self.connection.topic

    def add(self, batch: RawBatch, headers: Headers | None) -> None:
        """More messages, in file order."""
        self.log.add(batch.log_time_nanos)
        known = batch.publish_time_nanos != 0
        self.lag.add((batch.log_time_nanos - batch.publish_time_nanos)[known])
        if headers is None:
            return
        log_times = batch.log_time_nanos[headers.rows]
        is_zero = headers.stamp_nanos == 0
        if is_zero.any() and self.zero_stamp_at is None:
            self.zero_stamp_at = int(log_times[np.flatnonzero(is_zero)[0]])
        self.zero_stamps += int(is_zero.sum())
        self.stamped += len(log_times)
        log_times, stamps = log_times[~is_zero], headers.stamp_nanos[~is_zero]
        ages = log_times - stamps
        self.stamps.add(stamps)
        if not len(ages):
            return
        self._first_age = int(ages[0]) if self._first_age is None else self._first_age
        self.age.add(ages)
        self.drift.add(ages - self._first_age)
        worst = int(ages.argmax())
        if self.worst_age is None or int(ages[worst]) > self.worst_age[0]:
            self.worst_age = int(ages[worst]), int(log_times[worst])

    @property
    def usual_age(self) -> float:
        """The median of log time less stamp, nanoseconds."""
        return self.age.quantile(0.5)

    @property
    def clock(self) -> str:
        """`log`, `other`, or empty where there are too few stamps to tell."""
        if self.age.count < FEW or self.is_transforms:
            return ""
        return "log" if abs(self.usual_age) <= OTHER_CLOCK_NANOS else "other"

    def gaps(self) -> Sequence[tuple[int, int]]:
        """`(length, log time)` of times without a message, where they come regularly; the longest first."""
        if not self.log.is_regular():
            return []
        found = self.log.longest(self.log.gap_limit())
        return [(length, at) for length, at in found.tolist() if length < ABSURD_NANOS]

    def findings(self, shared: Sequence[tuple[int, int]]) -> Iterator[Finding]:
        """All about one connection. `shared`: gaps of the whole recording, which are told elsewhere."""
        yield from self._gaps(shared)
        yield from self._order()
        yield from self._lag()
        yield from self._zero()
        if self.age.count >= FEW and not self.topic.endswith("tf_static"):
            if abs(self.usual_age) <= OTHER_CLOCK_NANOS:
                yield from self._ages()
            elif (
                self.drift.quantile(0.9) - self.drift.quantile(0.1) <= STEADY_NANOS
            ):  # not a simulator that runs slowly
                yield from self._late(self.drift.quantile(0.5), self.drift)
        yield from self._stamp_order()

    def _gaps(self, shared: Sequence[tuple[int, int]]) -> Iterator[Finding]:
        own = [gap for gap in self.gaps() if not any(_overlap(gap, other) for other in shared)]
        if not own:
            return
        length, at = own[0]
        has_stamps = self.stamped > 0 and self.zero_stamps < self.stamped
        text = f"no message for {seconds(length)}, where one usually comes every {seconds(self.log.usual)}"
        if len(own) > 1:
            text = f"{len(own)} gaps; in the longest {text}"
        # Silence between messages whose stamps follow each other closely is a matter of transport.
        steady = has_stamps and self.stamps.is_regular() and not len(self.stamps.longest(self.stamps.gap_limit()))
        if steady:
            text += "; the stamps show no gap: messages came late and all at once"
        advice = (
            "look for what held them up: a blocked executor, the network, or a recorder that could not keep up"
            if steady
            else "look at the driver's log of that time, and whether the recorder dropped messages"
            if has_stamps
            else "often meant so: such messages may come on demand"
        )
        severity = Severity.WARNING if has_stamps else Severity.NOTE
        yield Finding(severity, "gap", text, self.topic, at, advice, len(own), length / 1e9)

    def _order(self) -> Iterator[Finding]:
        absurd = self.log.longest(ABSURD_NANOS).tolist()
        for length, at in absurd[:1]:
            text = f"log times jump forward by {seconds(length)}: on one side the clock was not set"
            yield Finding(Severity.WARNING, "time-jump", text, self.topic, at, _CLOCK_ADVICE, len(absurd), length / 1e9)
        if not self.log.steps_back:
            return
        back = self.log.longest_back
        if back >= JUMP_NANOS:
            text = f"log times jump back by {seconds(back)}"
            advice = "the clock was set, or two recordings were joined: cut there with --start and --end"
            yield Finding(
                Severity.WARNING,
                "time-jump",
                text,
                self.topic,
                self.log.back_at,
                advice,
                self.log.steps_back,
                back / 1e9,
            )
        else:
            text = (
                f"{many(self.log.steps_back, 'step')} back: messages stand behind later ones, by up to {seconds(back)}"
            )
            advice = "readers that need them in order must sort them; rrbridge does"
            yield Finding(
                Severity.NOTE,
                "out-of-order",
                text,
                self.topic,
                self.log.back_at,
                advice,
                self.log.steps_back,
                back / 1e9,
            )

    def _lag(self) -> Iterator[Finding]:
        if self.lag.count < FEW or (not self.lag.least and not self.lag.most):
            return
        least, most = self.lag.least or 0, self.lag.most or 0
        if least < -AHEAD_NANOS:
            text = f"messages were published up to {seconds(least)} after they were logged"
            advice = "the clocks of publisher and recorder differ: synchronise them (chrony, PTP)"
            yield Finding(
                Severity.WARNING, "published-ahead", text, self.topic, self.log.first, advice, 1, -least / 1e9
            )
        if most > 2 * LATE_NANOS:
            count = self.lag.above(2 * LATE_NANOS)
            text = f"about {count} of {self.lag.count} messages were logged long after they were published, up to {seconds(most)}"
            advice = "so are messages latched before the recording began; otherwise look at network and queues"
            yield Finding(
                Severity.WARNING, "late-delivery", text, self.topic, self.log.first, advice, max(count, 1), most / 1e9
            )

    def _zero(self) -> Iterator[Finding]:
        if not self.zero_stamps or self.is_transforms:  # of a static transform it says nothing
            return
        if self.zero_stamps == self.stamped:
            text = f"{many(self.stamped, 'message')} without a stamp: all are 0"
            advice = "set header.stamp where the message is made; meanwhile go by log time"
            yield Finding(Severity.NOTE, "zero-stamps", text, self.topic, self.zero_stamp_at, advice, self.zero_stamps)
        else:
            text = f"{self.zero_stamps} of {self.stamped} messages have stamp 0"
            advice = "a driver that starts before its clock is set, or one path in it that forgets the stamp"
            is_start = (self.stamps.first or 0) < SIMULATED_BELOW_NANOS  # where simulated time begins at 0
            severity = Severity.NOTE if is_start else Severity.WARNING
            yield Finding(severity, "zero-stamps", text, self.topic, self.zero_stamp_at, advice, self.zero_stamps)

    def _late(self, usual: float, at_all: Spread) -> Iterator[Finding]:
        """Messages that are much older than the others. `at_all`: the ages, `usual` their median."""
        limit = max(5 * usual, max(usual, 0) + LATE_NANOS)
        if self.worst_age is None or (at_all.most or 0) <= limit:
            return
        late, worst = max(at_all.above(limit), 1), at_all.most or 0
        if late >= at_all.count:
            return
        text = (
            f"about {many(late, 'message')} up to {seconds(worst)} old when they were logged, usually {seconds(usual)}"
        )
        if at_all is self.drift:
            more = seconds(worst - usual)
            text = f"about {many(late, 'message')} logged up to {more} later than the stamps of the others let expect"
        advice = "look for what held them up at that time: processor, network, or the recorder"
        at = self.worst_age[1]
        yield Finding(Severity.WARNING, "late-stamps", text, self.topic, at, advice, late, worst / 1e9)

    def _ages(self) -> Iterator[Finding]:
        usual = self.usual_age
        if usual > LATE_NANOS:
            text = f"messages are usually {seconds(usual)} old when they are logged"
            advice = "a slow pipeline, or a stamp that is set before waiting: compare with the topics it is made from"
            yield Finding(Severity.WARNING, "late-stamps", text, self.topic, self.log.first, advice, 1, usual / 1e9)
        else:
            yield from self._late(usual, self.age)
        if self.is_transforms:
            return  # which some send ahead of time, so that they are there when they are needed
        least = self.age.least or 0
        is_usual = usual < -AHEAD_NANOS
        if is_usual or least < -FAR_AHEAD_NANOS:
            ahead = max(self.age.below(-AHEAD_NANOS), 1)
            how_many = "most" if is_usual else f"about {ahead}"
            text = f"{how_many} of {self.age.count} stamps are later than the log time, by up to {seconds(least)}"
            advice = "the clock that stamps differs from the recorder's: synchronise them (chrony, PTP)"
            severity = Severity.WARNING if is_usual else Severity.NOTE
            yield Finding(severity, "stamps-ahead", text, self.topic, self.log.first, advice, ahead, -least / 1e9)

    def _stamp_order(self) -> Iterator[Finding]:
        if not self.stamps.steps_back or self.is_transforms or self.log.longest_back >= JUMP_NANOS:
            return
        several = len(self.frames) > 1
        back = self.stamps.longest_back
        text = f"{many(self.stamps.steps_back, 'step')} back in stamps, by up to {seconds(back)}"
        advice = (
            f"the topic has messages of {len(self.frames)} frames, each may be in order for itself"
            if several
            else "two publishers on one topic, a clock that was set back, or a pipeline that reorders"
        )
        is_note = several or self.stamps.steps_back * 1000 < self.stamps.count
        severity = Severity.NOTE if is_note and back < JUMP_NANOS else Severity.WARNING
        yield Finding(
            severity, "stamps-back", text, self.topic, self.log.first, advice, self.stamps.steps_back, back / 1e9
        )


_CLOCK_ADVICE = "leave out what was logged with the wrong clock: --start or --end"


def shared_gaps(topics: Sequence[TopicTimes]) -> list[tuple[int, int]]:
    """Gaps that nearly all regular topics have at once, `(length, log time)`; the longest first."""
    regular = [topic for topic in topics if topic.log.is_regular()]
    if len(regular) < 2:
        return []
    gaps = [topic.gaps() for topic in regular]
    found: list[tuple[int, int]] = []
    for gap in (*gaps[0], *gaps[1]):
        having = sum(any(_overlap(gap, other) for other in own) for own in gaps)
        if having >= SHARED * len(regular) and not any(_overlap(gap, known) for known in found):
            found.append(gap)
    return sorted(found, reverse=True)


def clock_findings(topics: Sequence[TopicTimes], *, has_clock: bool) -> Iterator[Finding]:
    """Whose stamps are of which clock."""
    other = [topic for topic in topics if topic.clock == "other"]
    log = [topic for topic in topics if topic.clock == "log"]
    if not other:
        return
    if not log:
        source = "simulated: there is a /clock" if has_clock else "a replayed bag, a simulator, or devices never set"
        text = f"the stamps of all topics are of another clock than the log times ({source})"
        yield Finding(Severity.NOTE, "other-clock", text, "", None, "relate data by its stamps, not by log time")
        return
    for topic in other:
        side = "before" if topic.usual_age > 0 else "after"
        text = f"its stamps are usually {seconds(topic.usual_age)} {side} the log time; those of {len(log)} topics are near it"
        advice = "a device whose clock was never set (boot time), or a node without use_sim_time"
        yield Finding(
            Severity.WARNING,
            "other-clock",
            text,
            topic.topic,
            topic.log.first,
            advice,
            topic.age.count,
            topic.usual_age / 1e9,
        )


def _overlap(gap: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two gaps are the same silence: at least half of the shorter lies in the other."""
    start, end = max(gap[1], other[1]), min(gap[0] + gap[1], other[0] + other[1])
    return end - start > min(gap[0], other[0]) / 2
