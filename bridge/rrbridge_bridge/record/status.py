"""How a recording stands: its account with rates, and the room that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rrbridge_bridge.format import duration, many, size
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.disk import Disk, DiskMeter
from rrbridge_bridge.record.recorder import Snapshot

__all__ = [
    "Rate",
    "State",
    "Status",
    "StatusMeter",
    "head_lines",
    "headline",
    "lost_text",
    "snapshot_facts",
    "status_facts",
]

RATE_SECS = 2.0
SEPARATOR = " · "
State = Literal["recording", "paused", "stopping"]


@dataclass(frozen=True, slots=True)
class Rate:
    """Of a topic, over the last seconds."""

    hertz: float = 0.0
    bytes_per_sec: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands."""

    snapshot: Snapshot
    state: State = "recording"
    rates: Mapping[tuple[str, str], Rate] = field(default_factory=dict)
    """By topic and type."""
    disk: Disk | None = None
    """None: it cannot be told."""

    def rate_of(self, topic: TopicState) -> Rate:
        """Nothing for one of which nothing is known yet."""
        return self.rates.get((topic.topic, topic.msgtype), Rate())


class StatusMeter:
    """Makes a status of each account, from those before it."""

    def __init__(self, disk: DiskMeter) -> None:
        self._disk = disk
        self._before: dict[tuple[str, str], tuple[float, int, int]] = {}
        self._rates: dict[tuple[str, str], Rate] = {}

    def look(self, snapshot: Snapshot, state: State) -> Status:
        """How it stands now."""
        for topic in snapshot.topics:
            self._update(snapshot.elapsed_secs, topic)
        disk = self._disk.look(snapshot.elapsed_secs, snapshot.file_bytes, snapshot.disk_free_bytes)
        return Status(snapshot, state, dict(self._rates), disk)

    def _update(self, now: float, topic: TopicState) -> None:
        key = (topic.topic, topic.msgtype)
        then, count, nbytes = self._before.setdefault(key, (now, topic.received, topic.received_bytes))
        secs = now - then
        if secs >= RATE_SECS or (key not in self._rates and secs > 0):
            self._rates[key] = Rate((topic.received - count) / secs, (topic.received_bytes - nbytes) / secs)
            if secs >= RATE_SECS:
                self._before[key] = (now, topic.received, topic.received_bytes)


def lost_text(lost: int | None) -> str:
    """Losses on the way; unknown is not zero."""
    return "?" if lost is None else str(lost)


def headline(status: Status) -> str:
    """The whole of it in a line."""
    return SEPARATOR.join(_parts(status))


def head_lines(status: Status, width: int) -> list[str]:
    """The same in lines not longer than that, where there is a place to break."""
    lines: list[str] = []
    for part in _parts(status):
        if lines and len(lines[-1]) + len(SEPARATOR) + len(part) <= width:
            lines[-1] += SEPARATOR + part
        else:
            lines.append(part)
    return lines


def _parts(status: Status) -> list[str]:
    snapshot, topics = status.snapshot, status.snapshot.topics
    minutes, seconds = divmod(int(snapshot.elapsed_secs), 60)
    lost = [topic.lost for topic in topics if topic.received or topic.lost]  # where nothing came, nothing is in doubt
    left_out = sum(topic.paused + topic.throttled for topic in topics)
    return [
        *([status.state] if status.state != "recording" else []),
        f"{minutes}:{seconds:02d}",
        many(len(topics), "topic"),
        many(sum(topic.received for topic in topics), "message"),
        f"file {size(snapshot.file_bytes)}" + (f" in {snapshot.parts} parts" if snapshot.parts > 1 else ""),
        *([f"held {size(snapshot.window_bytes)}"] if snapshot.window_bytes else []),
        f"waiting {size(snapshot.backlog_bytes)} of {size(snapshot.backlog_limit_bytes)}",
        f"lost {sum(n or 0 for n in lost)}" + (" (some unknown)" if None in lost else ""),
        f"dropped {sum(topic.dropped for topic in topics)}",
        *([f"left out {left_out}"] if left_out else []),
        *([_disk_text(status.disk)] if status.disk else []),
    ]


def _disk_text(disk: Disk) -> str:
    text = f"disk {size(disk.free_bytes)} free"
    return text if disk.secs_until_full is None else f"{text}, enough for {duration(int(disk.secs_until_full * 1e9))}"


def snapshot_facts(snapshot: Snapshot) -> dict[str, Any]:
    """An account for programs."""
    facts = asdict(snapshot)
    facts["topics"] = [asdict(topic) for topic in snapshot.topics]
    return facts


def status_facts(status: Status) -> dict[str, Any]:
    """A status for programs; the keys are documented in docs/record.md."""
    facts = snapshot_facts(status.snapshot)
    for topic, state in zip(facts["topics"], status.snapshot.topics, strict=True):
        topic |= asdict(status.rate_of(state))
    disk = status.disk
    return {
        "state": status.state,
        "secs_until_full": disk.secs_until_full if disk else None,
        **facts,
    }
