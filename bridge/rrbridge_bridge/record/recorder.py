"""The recorder: a live session, a backlog, a file, and the threads between them."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from rrbridge.columns import Flags
from rrbridge.errors import RecorderError
from rrbridge_bridge.live.source import (
    DRAIN_SECS,
    Announced,
    Discovered,
    Document,
    Dropped,
    Ended,
    LiveSession,
    Notice,
    Received,
    Refused,
    Severity,
)
from rrbridge_bridge.live.told import why_nothing
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.record.backlog import Backlog, DropPolicy
from rrbridge_bridge.record.counters import TopicCounters, TopicState, topics_in
from rrbridge_bridge.record.output import Output, RunInfo
from rrbridge_bridge.record.parts import Parts, Ring
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.record.stages import Stage, Stages
from rrbridge_bridge.record.statics import is_static, policy_of
from rrbridge_bridge.record.throttle import Throttle, taken
from rrbridge_bridge.record.window import Window
from rrbridge_bridge.record.writing import Cuts, WriterThread
from rrbridge_bridge.topic_patterns import topic_pattern

__all__ = ["Outcome", "Recorder", "RecorderOptions", "Snapshot"]

log = logging.getLogger(__name__)

END_MARGIN_SECS = 2.5
"""How much longer than its time to drain a session may take to hand over the rest: what starts recorders (ROS launch, docker)
kills after about 10 s."""
SILENT_SECS = 3.0
"""A source that says nothing for so long, not even that it is alive, hangs."""
MISSING_SECS = 6.0
"""Finding an existing publisher may take the middleware some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderOptions:
    """How to record.

    Topics in mappings are patterns (`topic_patterns`); the first that matches a topic counts.

    A run is cut into files (`run_0000.rrd`, `run_0001.rrd` …) if `max_bytes`, `max_secs` or `snapshot_bytes` is given; of
    several outputs each has a file per part.
    """

    backlog_bytes: int = 256 << 20
    """How much may wait to be written."""
    drop: Mapping[str, DropPolicy] = field(default_factory=dict)
    """What to give up when writing cannot keep up, by topic; of topics not named see `policy_of`."""
    min_free_bytes: int = 200_000_000
    """Stop before the disk has less than this."""
    flush_secs: float = 1.0
    """What has arrived is handed to the disk at least so often."""
    sync_secs: float = 1.0
    """What was handed to the disk is made to survive a power cut at least so often (`fdatasync`)."""
    drain_secs: float = DRAIN_SECS
    """How long the session waits at most for messages that are sent again when it is stopped."""
    max_bytes: int | None = None
    """Begin another file when one has reached this size."""
    max_secs: float | None = None
    """Begin another file after this time."""
    keep_files: int | None = None
    """Delete the oldest finished parts of the run when there are more than this, the current one counted too."""
    keep_bytes: int | None = None
    """Delete the oldest finished parts while all of the run take more than this."""
    snapshot_bytes: int | None = None
    """Write nothing but what `Recorder.trigger` asks for: then the latest messages of at most this size, held in memory."""
    snapshot_secs: float | None = None
    """Of these, only messages of the last seconds; None: as many as there are."""
    snapshot_at_end: bool = False
    """Write what is held then, as if it were asked for."""
    start_paused: bool = False
    """Begin as after `Recorder.pause`."""
    throttle_hertz: Mapping[str, float] = field(default_factory=dict)
    """At most so many messages a second of a topic, above 0."""
    limit: int | None = None
    """Of each topic, take this many messages that are neither paused nor throttled; those that come later do not count."""
    name: str | None = None
    """What the recording is called, for its properties; None: as its files."""
    robot: str | None = None
    """A name of the robot, for the recording's properties."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the person notes, for the recording's properties."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How it stands."""

    elapsed_secs: float
    """From the start until now, or until the stop was asked for."""
    topics: tuple[TopicState, ...]
    file_bytes: int
    backlog_bytes: int
    backlog_limit_bytes: int
    parts: int = 1
    """How many files each output has begun."""
    window_bytes: int = 0
    """What a snapshot would be made of."""
    disk_free_bytes: int | None = None
    """Beside the files, when it was last looked; None: not yet."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended."""

    snapshot: Snapshot
    error: str
    """Empty when everything went as asked."""
    finished: bool
    """Whether all files are whole, with their index and under their own names."""
    paths: tuple[Path, ...]
    """Where the recording is, part after part; files that somebody took away are left out, and what a ring has deleted."""
    absent: tuple[str, ...] = ()
    """Topics that were asked for by name and of which no message came."""

    @property
    def path(self) -> Path | None:
        """The first file; None: there is none where it was made."""
        return self.paths[0] if self.paths else None

    @property
    def is_empty(self) -> bool:
        """Whether not one message was recorded."""
        return not any(topic.written for topic in self.snapshot.topics)

    @property
    def refused(self) -> Sequence[TopicState]:
        """Topics that were wanted and not recorded, or not to the end."""
        return [topic for topic in self.snapshot.topics if topic.refused]

    @property
    def dropped(self) -> int:
        """Messages that arrived and are not in the file."""
        return sum(topic.dropped for topic in self.snapshot.topics)


_T = TypeVar("_T")


class _ByTopic(Generic[_T]):
    """What was asked for by patterns of topics."""

    def __init__(self, asked: Mapping[str, _T]) -> None:
        """Raises InvalidValueError for what is no pattern."""
        self._asked = [(topic_pattern(text), value) for text, value in asked.items()]

    def of(self, topic: str) -> _T | None:
        return next((value for pattern, value in self._asked if pattern.search(topic)), None)


class Recorder:
    """Records what a session brings until it is stopped."""

    def __init__(
        self,
        session: LiveSession,
        path: Path,
        outputs: Sequence[Output],
        selection: Selection,
        options: RecorderOptions,
        stages: Stages | None = None,
    ) -> None:
        """`path`: what the files are called, with or without the suffix of an output. At least one output.

        Raises RecorderError when there are such files, FileError when they cannot be made, InvalidValueError for a pattern
        that is none.
        """
        self._session = session
        self._selection = selection
        self._backlog = Backlog(options.backlog_bytes)
        self._drop = _ByTopic(options.drop)
        self._throttle_hertz = _ByTopic(options.throttle_hertz)
        self._throttles: dict[str, Throttle] = {}
        """By topic, which several connections may share."""
        self._limit = options.limit
        self._taken: Counter[str] = Counter()
        """Messages by topic, where there is a limit."""
        self._statics: set[int] = set()
        self._paused = options.start_paused
        self._counters: dict[int, TopicCounters] = {}
        self._publishers: dict[str, frozenset[str]] = {}
        self._asked: set[tuple[str, str]] = set()
        self._notices: deque[Notice] = deque()
        self._parts = Parts(
            path,
            outputs,
            RunInfo(
                start_nanos=time.time_ns(),
                name=options.name or path.stem,
                robot=options.robot,
                metadata=options.metadata,
            ),
            is_numbered=not (options.max_bytes is options.max_secs is options.snapshot_bytes is None),
            ring=Ring(options.keep_files, options.keep_bytes),
            notify=self._notices.append,
        )
        window = None if options.snapshot_bytes is None else Window(options.snapshot_bytes, options.snapshot_secs)
        cuts = Cuts(
            flush_secs=options.flush_secs,
            sync_secs=options.sync_secs,
            max_bytes=options.max_bytes,
            max_secs=options.max_secs,
            min_free_bytes=options.min_free_bytes,
            snapshot_at_end=options.snapshot_at_end,
        )
        self._stages = stages or Stages()
        self._writer = WriterThread(
            self._parts, outputs, self._backlog, self._counters, self._notices.append, cuts, window, self._stages
        )
        self._receiver = threading.Thread(target=self._receive, name="record-receive", daemon=True)
        self._end_secs = options.drain_secs + END_MARGIN_SECS
        self._source_error = ""
        self._aborted = False
        self._began = time.monotonic()
        self._stop_asked = 0.0
        self._told_silent = False
        self._told_missing = False

    def start(self) -> None:
        """Begin to record."""
        self._began = time.monotonic()
        self._writer.start()
        self._receiver.start()

    def stop(self) -> None:
        """Ask for an orderly end: what has arrived is written, the file is finished."""
        if not self._stop_asked:
            self._stop_asked = time.monotonic()
            self._session.stop()

    def abort(self) -> None:
        """End at once; the file keeps what was written, without an index and under its unfinished name."""
        self._aborted = True
        self._writer.abort()
        self._session.close()

    @property
    def is_at_limit(self) -> bool:
        """Whether every topic that is recorded has brought the messages that it may, and there is one."""
        topics = {counters.topic for counters in topics_in(self._counters)}
        return self._limit is not None and bool(topics) and all(self._taken[topic] >= self._limit for topic in topics)

    @property
    def is_paused(self) -> bool:
        """Whether messages are left out, except static ones."""
        return self._paused

    def pause(self) -> None:
        """Leave out what arrives from now on, and count it; latched and static messages are recorded all the same."""
        self._paused = True

    def resume(self) -> None:
        """Record again."""
        self._paused = False

    def split(self) -> None:
        """Begin another file soon, if the current one has messages."""
        self._writer.ask_split()

    def trigger(self) -> None:
        """Write a snapshot soon: the latest messages, and what was latched before. Only with `snapshot_bytes`."""
        self._writer.ask_snapshot()

    @property
    def holds_messages(self) -> bool:
        """Whether there is something that a snapshot, or the current part, would get."""
        return bool(self._writer.window_bytes or self._backlog.held_bytes)

    def wait(self, timeout_secs: float) -> bool:
        """Wait for the end, but no longer than this; whether it has ended. To be called again and again."""
        if self._writer.ended.wait(timeout_secs):
            return True
        if self._stop_asked and time.monotonic() - self._stop_asked > self._end_secs and self._receiver.is_alive():
            self._session.close()
        return False

    def notices(self) -> list[Notice]:
        """What happened since the last call."""
        found = self._worries()
        while self._notices:
            found.append(self._notices.popleft())
        return found

    def _worries(self) -> list[Notice]:
        """What a person should look into; each is told once."""
        found = []
        if not self._told_missing and time.monotonic() - self._began > MISSING_SECS:
            self._told_missing = True
            here = {counters.topic for counters in topics_in(self._counters)}
            missing = sorted(self._selection.missing(here))
            absent = self._selection.missing(self._publishers)
            for topic in missing:
                why = why_nothing(self._where, has_publisher=topic not in absent)
                if topic in self._selection.services - self._selection.topics:
                    why += "; a service publishes its calls where its introspection is switched on (configure_introspection)"
                found.append(Notice(Severity.WARNING, f"nothing is recorded: {why}", topic))
            if not here and not missing:
                found.append(Notice(Severity.WARNING, f"nothing is recorded: no topic to record on {self._where}"))
        silent_secs = self._session.silent_secs
        if silent_secs > SILENT_SECS and not self._told_silent and self._receiver.is_alive():
            text = f"no sign of life of {self._where} for {silent_secs:.0f} s: nothing is recorded meanwhile"
            found.append(Notice(Severity.WARNING, text))
        elif silent_secs <= SILENT_SECS and self._told_silent:
            found.append(Notice(Severity.INFO, f"{self._where} is alive again"))
        self._told_silent = silent_secs > SILENT_SECS
        return found

    @property
    def _where(self) -> str:
        return self._session.description

    def snapshot(self) -> Snapshot:
        """How it stands now."""
        return Snapshot(
            (self._stop_asked or time.monotonic()) - self._began,
            tuple(counters.state() for counters in topics_in(self._counters)),
            self._parts.bytes_written,
            self._backlog.held_bytes,
            self._backlog.limit_bytes,
            self._parts.count,
            self._writer.window_bytes,
            self._writer.free_bytes,
        )

    def outcome(self) -> Outcome:
        """How it ended; waits for the end."""
        self._writer.join()
        if self._writer.error:
            self._session.close()
        self._receiver.join(self._end_secs)
        errors = [error for error in (self._writer.error, self._source_error) if error]
        snapshot = self.snapshot()
        came = {topic.topic for topic in snapshot.topics if topic.received}
        absent = tuple(sorted(self._selection.missing(came)))
        return Outcome(snapshot, "; ".join(errors), self._parts.is_finished, self._parts.kept_paths, absent)

    def _receive(self) -> None:
        try:
            for event in self._session.events():
                match event:
                    case Received():
                        self._take(event)
                    case Dropped(connection):
                        self._counters[connection.id].count_dropped(event)
                    case Announced():
                        self._announced(event)
                    case Discovered():
                        self._discovered(event)
                    case Refused():
                        self._refused(event)
                    case Notice():
                        self._notices.append(event)
                    case Document():
                        self._writer.add(event)
                    case Ended(error):
                        self._source_error = self._reason(error)
        except RecorderError as err:
            self._source_error = str(err)
        except Exception as err:  # a session that fails must not keep what has arrived from being written
            log.exception("the receiver failed")
            self._source_error = f"unexpected {type(err).__name__}: {err}"
        finally:
            self._backlog.close()

    def _reason(self, error: str) -> str:
        """Why the source ended; nothing when it was told to leave because nobody writes any more."""
        if not error or self._aborted or self._writer.error:
            return ""
        if self._stop_asked and time.monotonic() - self._stop_asked > self._end_secs:
            silent_secs = self._session.silent_secs
            return (
                f"{error}: it did not finish within {self._end_secs:g} s of the stop and had last been heard "
                f"{silent_secs:.1f} s ago; what was published since then is missing"
            )
        return error

    def _discovered(self, event: Discovered) -> None:
        self._publishers[event.topic] = self._publishers.get(event.topic, frozenset()) | event.publishers
        for counters in topics_in(self._counters):
            if counters.topic == event.topic:
                counters.losses.publishers(event.publishers)
        for msgtype in event.msgtypes:
            if (event.topic, msgtype) not in self._asked and self._selection.wants(event.topic, msgtype):
                self._asked.add((event.topic, msgtype))
                self._session.subscribe(event.topic, msgtype)

    def _announced(self, event: Announced) -> None:
        connection = event.connection
        if connection.id not in self._counters:
            self._counters[connection.id] = self._counters_of(connection)
            if hertz := self._throttle_hertz.of(connection.topic):
                self._throttles.setdefault(connection.topic, Throttle(hertz))
        if is_static(event):
            self._statics.add(connection.id)
        self._backlog.set_policy(connection.id, self._drop.of(connection.topic) or policy_of(event))
        self._writer.announce(event)

    def _refused(self, event: Refused) -> None:
        self._notices.append(event.notice("recorded"))
        for counters in topics_in(self._counters):
            if (counters.topic, counters.msgtype) == (event.topic, event.msgtype):
                counters.refused = event.reason
                return
        self._counters[-1 - len(self._counters)] = TopicCounters(event.topic, event.msgtype, refused=event.reason)

    def _counters_of(self, connection: Connection) -> TopicCounters:
        """The account of its topic and type, which another connection may have opened: in ROS 1 each publisher is one."""
        for known in topics_in(self._counters):
            if (known.topic, known.msgtype) == (connection.topic, connection.msgtype):
                return known
        counters = TopicCounters(connection.topic, connection.msgtype)
        counters.losses.publishers(self._publishers.get(connection.topic, frozenset()))
        self._notices.append(Notice(Severity.INFO, f"recording {connection.msgtype}", connection.topic))
        return counters

    def _take(self, event: Received) -> None:
        connection = event.batch.connection.id
        counters = self._counters[connection]
        is_paused = self._paused and connection not in self._statics
        keep = np.full(len(event.batch), not is_paused)
        if not is_paused and (throttle := self._throttles.get(event.batch.connection.topic)):
            keep = throttle.keeps(event.batch.log_time_nanos)
        if self._limit is not None:
            event, keep = self._limited(event, keep, self._limit)
        counters.count(event)
        left_out = len(keep) - int(keep.sum())
        if is_paused:
            counters.paused += left_out
            return
        if left_out:
            counters.throttled += left_out
            event = taken(event, keep)
        if not len(event.batch):
            return
        with self._stages.doing(Stage.RECEIVING, event.batch.connection.topic):
            given_up = self._backlog.put(event)
        for dropped in given_up:
            self._counters[dropped.batch.connection.id].dropped += len(dropped.batch)

    def _limited(self, event: Received, keep: Flags, limit: int) -> tuple[Received, Flags]:
        """Without what comes after the last message that may be kept."""
        topic = event.batch.connection.topic
        kept = np.cumsum(keep)
        left = limit - self._taken[topic]
        end = int(np.searchsorted(kept, left)) + 1 if left else 0
        self._taken[topic] += min(left, int(keep.sum()))
        return (event, keep) if end >= len(keep) else (taken(event, np.arange(len(keep)) < end), keep[:end])
