"""Watches a recording: which topic went silent, by its own usual rate; which stage stalls; and what is known to mend it.

What lasts is told when it begins and when it ends, not in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.recorder import Snapshot
from rrbridge_bridge.record.stages import Stage

__all__ = ["Watchdog"]

LEAST_MESSAGES = 10
"""Before so many have come, a topic has no usual rate."""
LEAST_SILENCE_SECS = 2.0
PERIODS = 5
"""Silence of so many usual periods is one…"""
GAPS = 3
"""… if it is also so many times as long as the longest that there was before."""
AT_ONCE = 3
"""If more topics than this change together, they are told together."""
CALM_SECS = 10.0
"""So long after the last loss it is over."""
STALL_SECS = 2.0
BEHIND_SHARE, CAUGHT_UP_SHARE = 0.4, 0.2
"""Of the backlog's bound: from where on decoding gives way, and where it is over."""
LARGE_BYTES = 100_000
"""A mean size that fills shared memory made for small messages."""

_STALLS = {
    Stage.RECEIVING: "messages that are never dropped fill the backlog ({what} waits), and the middleware holds back the rest; "
    "a larger --backlog, or --drop TOPIC=oldest, mends that",
    Stage.DECODING: "making something of messages of {what} takes long; --no-decode keeps their bytes alone, from which "
    "it can be made later",
    Stage.WRITING: "the disk takes no data; a faster disk, or less to write (--throttle, --exclude-topics), mends that",
    Stage.SYNCING: "the disk does not sync: what a power cut would cost grows; a faster disk mends that",
}


@dataclass(eq=False)
class _Rhythm:
    """When messages of one topic came."""

    began: float
    last: float
    count: int
    longest_gap: float = 0.0
    is_silent: bool = False
    patience: float = 1.0
    """Grows with each silence that was told: some topics are like that."""

    def heard(self, now: float, count: int) -> float | None:
        """So many have come by now; how long a silence was that has ended by that."""
        if count == self.count:
            return None
        gap, was_silent = now - self.last, self.is_silent
        if not was_silent:
            self.longest_gap = max(self.longest_gap, gap)
        self.count, self.last, self.is_silent = count, now, False
        return gap if was_silent else None

    @property
    def period(self) -> float:
        """Between two messages, in seconds."""
        return max((self.last - self.began) / max(self.count - 1, 1), 1e-6)

    def falls_silent(self, now: float) -> bool:
        """Whether it has just been silent for longer than is usual."""
        if self.is_silent or self.count < LEAST_MESSAGES:
            return False
        usual = max(LEAST_SILENCE_SECS, PERIODS * self.period, GAPS * self.longest_gap)
        if now - self.last <= usual * self.patience:
            return False
        self.is_silent = True
        self.patience *= 2
        return True


@dataclass(eq=False)
class _Growth:
    """A number that should not grow."""

    value: int = 0
    grew: float = 0.0
    is_told: bool = False

    def look(self, now: float, value: int) -> bool | None:
        """True: it has begun to grow; False: it has been still for a while; None: neither is new."""
        if value > self.value:
            self.value, self.grew = value, now
            if not self.is_told:
                self.is_told = True
                return True
        elif self.is_told and now - self.grew > CALM_SECS:
            self.is_told = False
            return False
        return None


@dataclass(eq=False)
class Watchdog:
    """Looks at accounts, several times a second."""

    is_dds: bool = False
    """Whether what is known of Fast DDS may help."""
    decodes: bool = True
    """Whether there is decoding that could be done without."""
    _rhythms: dict[tuple[str, str], _Rhythm] = field(default_factory=dict)
    _losses: dict[tuple[str, str], _Growth] = field(default_factory=dict)
    _drops: _Growth = field(default_factory=_Growth)
    _stalled: dict[Stage, float] = field(default_factory=dict)
    """Since when, by its longest so far."""
    _is_behind: bool = False

    def look(self, now: float, snapshot: Snapshot, stages: Mapping[Stage, tuple[float, str]]) -> list[Notice]:
        """What has become new. `now` in seconds of a clock that only runs on; `stages` says for how long each has been busy with
        one thing, and with what."""
        return [
            *self._silences(now, snapshot.topics),
            *self._lost(now, snapshot.topics),
            *self._dropped(now, snapshot.topics),
            *self._behind(snapshot),
            *self._stalls(stages),
        ]

    def _silences(self, now: float, topics: tuple[TopicState, ...]) -> Iterator[Notice]:
        fallen, back = [], []
        for topic in topics:
            key = (topic.topic, topic.msgtype)
            rhythm = self._rhythms.get(key)
            if rhythm is None:
                self._rhythms[key] = _Rhythm(now, now, topic.received)
                continue
            silence = rhythm.heard(now, topic.received)
            if silence is not None:
                back.append((topic.topic, f"arrives again after {silence:.1f} s"))
            elif rhythm.falls_silent(now):
                usual = 1 / rhythm.period
                fallen.append((topic.topic, f"silent for {now - rhythm.last:.1f} s; usually {usual:.3g} Hz"))
        yield from _together(Severity.WARNING, fallen, "topics went silent")
        yield from _together(Severity.INFO, back, "topics arrive again")

    def _lost(self, now: float, topics: tuple[TopicState, ...]) -> Iterator[Notice]:
        for topic in topics:
            growth = self._losses.setdefault((topic.topic, topic.msgtype), _Growth())
            begins = growth.look(now, topic.lost or 0)
            if begins:
                text = f"{topic.lost} messages were lost between publisher and recorder; {self._remedy(topic)}"
                yield Notice(Severity.WARNING, text, topic.topic)
            elif begins is False:
                text = f"nothing more was lost for {CALM_SECS:.0f} s; {growth.value} messages in all"
                yield Notice(Severity.INFO, text, topic.topic)

    def _remedy(self, topic: TopicState) -> str:
        if not self.is_dds:
            return "a deeper queue on the publisher's side, or less load on this computer, mends that"
        if topic.received and topic.received_bytes / topic.received >= LARGE_BYTES:
            return (
                "they are large: a reliable publisher, or more shared memory on its side (Fast DDS: a transport with "
                "segment_size 33554432 in the publisher's XML profile), mends that"
            )
        return "a reliable publisher, or a deeper queue on its side, mends that"

    def _dropped(self, now: float, topics: tuple[TopicState, ...]) -> Iterator[Notice]:
        begins = self._drops.look(now, sum(topic.dropped for topic in topics))
        if begins:
            names = ", ".join(topic.topic for topic in topics if topic.dropped)
            spare = "--no-decode, " if self.decodes else ""
            text = (
                f"writing cannot keep up; messages of {names} are dropped and counted. A faster disk, {spare}--throttle or a "
                "larger --backlog mends that; --drop says what goes first"
            )
            yield Notice(Severity.WARNING, text)
        elif begins is False:
            text = f"writing keeps up again: nothing was dropped for {CALM_SECS:.0f} s; {self._drops.value} messages in all"
            yield Notice(Severity.INFO, text)

    def _behind(self, snapshot: Snapshot) -> Iterator[Notice]:
        share = snapshot.backlog_bytes / max(snapshot.backlog_limit_bytes, 1)
        if not self.decodes:
            return
        if share > BEHIND_SHARE and not self._is_behind:
            self._is_behind = True
            text = (
                "decoding cannot keep up and gives way: only bytes are written, from which the rest can be made later"
            )
            yield Notice(Severity.WARNING, text)
        elif share < CAUGHT_UP_SHARE and self._is_behind:
            self._is_behind = False
            yield Notice(Severity.INFO, "decoding keeps up again")

    def _stalls(self, stages: Mapping[Stage, tuple[float, str]]) -> Iterator[Notice]:
        for stage, remedy in _STALLS.items():
            secs, what = stages.get(stage, (0.0, ""))
            if secs > STALL_SECS:
                if stage not in self._stalled:
                    text = f"{stage.value} stalls, for {secs:.1f} s by now: {remedy.format(what=what)}"
                    yield Notice(Severity.WARNING, text)
                self._stalled[stage] = secs
            elif stage in self._stalled:
                yield Notice(Severity.INFO, f"{stage.value} goes on, after {self._stalled.pop(stage):.1f} s")


def _together(severity: Severity, found: list[tuple[str, str]], many: str) -> Iterator[Notice]:
    if len(found) > AT_ONCE:
        names = ", ".join(topic for topic, _ in found[:AT_ONCE])
        yield Notice(severity, f"{len(found)} {many}: {names} …")
    else:
        for topic, text in found:
            yield Notice(severity, text, topic)
