"""What `rrbridge view --live` shows: the sources of the recorder, decoded as they arrive, with nothing written.

One thread receives and does nothing else; whoever iterates decodes. Between them stands the recorder's backlog, with its
bound and its rule of what to give up: a viewer that cannot keep up loses the heaviest topic's oldest messages, never
transforms and latched ones, and says so.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.chunk import Chunk
from rrbridge.errors import RecorderError
from rrbridge.feeds import FeedOptions
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.format import many
from rrbridge_bridge.live.choose import choose
from rrbridge_bridge.live.source import (
    ROS_PYTHON_VARIABLE,
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
    SourceOptions,
)
from rrbridge_bridge.live.told import why_nothing
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.record.backlog import Backlog, weight
from rrbridge_bridge.record.chunks import document, recording_info
from rrbridge_bridge.record.counters import TopicCounters
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.output import RunInfo
from rrbridge_bridge.record.recorder import MISSING_SECS, SILENT_SECS
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.record.statics import policy_of

__all__ = ["LiveFeed", "LiveFeeds", "feeds"]

log = logging.getLogger(__name__)

ROUND_SECS = 0.08
"""Messages are gathered so long before they are decoded together: less than an eye sees, more than one message at a time."""
ROUND_BYTES = 8 << 20
END_SECS = 3.0
Given = TypeVar("Given")


def _to_log(note: Note) -> None:
    log.warning("%s", note.text)


class LiveFeed:
    """A session, decoded."""

    def __init__(self, session: LiveSession, selection: Selection, options: FeedOptions, reason: str = "") -> None:
        """`reason` is what speaks for this session, if nobody asked for it."""
        self._reason = reason
        self.description = session.description
        self._session = session
        self._selection = selection
        self._backlog = Backlog(options.waiting_bytes)
        self._maker = DriverMaker(ImportOptions(raw=False))
        self._announced: deque[Announced] = deque()
        self._documents: deque[Document] = deque()
        self._counters: dict[int, TopicCounters] = {}
        self._asked: set[tuple[str, str]] = set()
        self._found: set[str] = set()
        self._refused: set[str] = set()
        self._told: dict[tuple[str, str], str] = {}
        self._error = ""
        self._note: Callable[[Note], None] = _to_log
        self._closed = threading.Event()
        self._closing = threading.Lock()
        self._receiver = threading.Thread(target=self._receive, name="live-receive", daemon=True)
        self._began = time.monotonic()

    def messages(self, note: Callable[[Note], None]) -> Iterator[LogMessage]:
        """The recording as it arrives. Raises RecorderError when the source fails."""
        self._note = note
        store_id = StoreId(StoreKind.RECORDING, "rrbridge", uuid.uuid4().hex)
        yield StoreInfo.new(store_id)
        for chunk in recording_info(RunInfo(start_nanos=time.time_ns(), name=self.description)):
            yield StoredChunk(store_id, chunk)
        if self._reason:
            self._tell("", f"chosen because {self._reason}", is_loss=False)
        self._receiver.start()
        try:
            while not self._closed.is_set():
                gathered = self._gather()
                for chunk in self._decode(gathered):
                    yield StoredChunk(store_id, chunk)
                self._look()
                if not gathered and self._backlog.is_finished:
                    break
        finally:
            self._look_for_missing()
            self.close()
        if self._error:
            raise RecorderError(self._error)

    def close(self) -> None:
        """Hear no more; waits a moment for the source to leave in good order."""
        with self._closing:
            if self._closed.is_set():
                return
            self._closed.set()
            self._backlog.close()
            if self._receiver.is_alive():
                self._session.stop()
                self._receiver.join(END_SECS)
            self._session.close()

    def _gather(self) -> list[RawBatch]:
        """What arrives within one round, joined by connection."""
        gathered: dict[int, list[RawBatch]] = {}
        until = time.monotonic() + ROUND_SECS
        size = 0
        while size < ROUND_BYTES and (received := self._backlog.get(max(until - time.monotonic(), 0.0))) is not None:
            gathered.setdefault(received.batch.connection.id, []).append(received.batch)
            size += weight(received)
        self._backlog.written(size)
        return [RawBatch.joined(batches) for batches in gathered.values()]

    def _decode(self, gathered: list[RawBatch]) -> Iterator[Chunk]:
        while self._documents:
            yield document(self._documents.popleft())
        while self._announced:
            connection = self._announced.popleft().connection
            yield from self._made(self._maker.announce, connection, connection.topic)
        for batch in gathered:
            yield from self._made(self._maker.convert, batch, batch.connection.topic)
        try:
            yield from self._maker.settle()
        except Exception as err:  # what a stage makes of some messages must not end the show of all others
            log.debug("settling failed", exc_info=True)
            self._tell("", f"some messages are not drawn: {type(err).__name__}: {err}")

    def _made(self, make: Callable[[Given], Iterable[Chunk]], given: Given, topic: str) -> Iterable[Chunk]:
        try:
            return list(make(given))
        except Exception as err:  # one topic that cannot be decoded must not end the show of all others
            log.debug("%s could not be decoded", topic, exc_info=True)
            self._tell(topic, f"cannot be decoded: {type(err).__name__}: {err}")
            return []

    def _tell(self, topic: str, text: str, *, is_loss: bool = True, about: str = "") -> None:
        """Say it once; of what goes on (`about`), as often as the text changes."""
        if self._told.get((topic, about or text)) != text:
            self._told[topic, about or text] = text
            key = f"{topic} {about}" if about else ""
            self._note(Note(f"{topic}: {text}" if topic else text, is_loss=is_loss, about=key))

    def _look(self) -> None:
        """Tell what a person should look into."""
        counters = list(self._counters.values())
        for each in counters:
            if lost := each.losses.lost:
                self._tell(
                    each.topic, f"{many(lost, 'message')} lost between publisher and viewer", about="counted lost"
                )
            if (each.topic, "missing") in self._told:
                self._tell(each.topic, "its publisher was found late", is_loss=False, about="missing")
            if each.dropped:
                text = f"{many(each.dropped, 'message')} left out because the viewer cannot keep up"
                self._tell(each.topic, text, about="dropped")
        for (topic, _), (_, reason) in self._maker.undecoded().items():
            if reason:
                self._tell(topic, f"cannot be decoded: {reason}")
        for topic, text in self._maker.notes():
            self._tell(topic, text, is_loss=False)
        if time.monotonic() - self._began > MISSING_SECS:
            self._look_for_missing()
            if not counters and not self._selection.topics:
                self._tell("", "no topic to look at so far")
        if self._session.silent_secs > SILENT_SECS and self._receiver.is_alive():
            self._tell("", f"no sign of life of {self.description}")

    def _look_for_missing(self) -> None:
        here = {each.topic for each in list(self._counters.values())} | self._refused
        absent = self._selection.missing(self._found)
        for topic in self._selection.missing(here):
            self._tell(topic, why_nothing(has_publisher=topic not in absent), about="missing")

    def _receive(self) -> None:
        try:
            for event in self._session.events():
                match event:
                    case Received():
                        self._take(event)
                    case Dropped(connection):
                        self._counters[connection.id].count_dropped(event)
                    case Announced():
                        self._announce(event)
                    case Discovered():
                        self._discovered(event)
                    case Document():
                        self._documents.append(event)
                    case Refused():
                        self._refused.add(event.topic)
                        self._tell(event.topic, f"not shown: {event.reason}")
                    case Notice(severity, text, topic, about) if (
                        severity is not Severity.INFO and not self._closed.is_set()
                    ):
                        self._tell(topic, text, about=about)
                    case Ended(error) if not self._closed.is_set():
                        self._error = error
        except RecorderError as err:
            self._error = str(err)
        except Exception as err:  # a source may be a stranger's plug-in: what it brought so far is shown
            log.debug("the source failed", exc_info=True)
            self._error = f"unexpected {type(err).__name__}: {err}"
        finally:
            self._backlog.close()

    def _discovered(self, event: Discovered) -> None:
        self._found.add(event.topic)
        for msgtype in event.msgtypes:
            if self._selection.wants(event.topic, msgtype) and (event.topic, msgtype) not in self._asked:
                self._asked.add((event.topic, msgtype))
                self._session.subscribe(event.topic, msgtype)

    def _announce(self, event: Announced) -> None:
        connection = event.connection
        if connection.id not in self._counters:
            self._counters[connection.id] = TopicCounters(connection.topic, connection.msgtype)
        self._backlog.set_policy(connection.id, policy_of(event))
        self._announced.append(event)

    def _take(self, event: Received) -> None:
        if self._closed.is_set():
            return  # nobody looks any more: that it is left out is no fault of the viewer's
        self._counters[event.batch.connection.id].count(event)
        for dropped in self._backlog.put(event):
            self._counters[dropped.batch.connection.id].dropped += len(dropped.batch)


@dataclass(frozen=True, slots=True)
class LiveFeeds:
    """Opens a feed from any source that the recorder has."""

    name: str = "live"

    def open(self, options: FeedOptions) -> LiveFeed:
        """Connect. Raises RecorderError."""
        try:
            selection = Selection.of(
                options.topics,
                every=not (options.topics or options.regex),
                pattern=() if options.regex is None else (options.regex,),
                exclude=() if options.exclude is None else (options.exclude,),
            )
        except re.error as err:
            raise RecorderError(f"not a regular expression: {err.pattern!r}: {err}") from err
        ros_python = options.ros_python or os.environ.get(ROS_PYTHON_VARIABLE)
        choice = choose(options.source, os.environ | ({ROS_PYTHON_VARIABLE: ros_python} if ros_python else {}))
        session = choice.source.start(
            SourceOptions(
                address=choice.address, ros_python=ros_python, drain_secs=0.0
            )  # what comes late is not awaited
        )
        return LiveFeed(session, selection, options, choice.reason)


feeds = LiveFeeds()
