"""ROS 2 over Zenoh as `rmw_zenoh` speaks it: no ROS is needed here, and no type need be installed.

Liveliness tokens say which topics there are; each message comes with its publisher's signature, counter and clock. Samples arrive
in threads of Zenoh's, which only note them down; everything else happens in the thread that iterates `events`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.holds import Holds
from rrbridge_bridge.live.qos_overrides import QosProfile, asked_quality
from rrbridge_bridge.live.source import Announced, Ended, Event, Notice, Severity, SourceOptions
from rrbridge_bridge.live.zenoh_asking import MEET_SECS, Asking
from rrbridge_bridge.live.zenoh_definitions import Definitions
from rrbridge_bridge.live.zenoh_graph import Graph
from rrbridge_bridge.live.zenoh_history import History
from rrbridge_bridge.live.zenoh_inbox import Inbox, Sample
from rrbridge_bridge.live.zenoh_keys import NO_HASH, SUBSCRIPTION, Qos, Token, ros_type
from rrbridge_bridge.live.zenoh_network import Joined, join, signs_of_zenoh
from rrbridge_bridge.live.zenoh_node import Node
from rrbridge_bridge.live.zenoh_streams import (
    Stream,
    batch_of,
    depth_of,
    dropped,
    fitted,
    metadata_of,
    no_definition,
    without_repeats,
)
from rrbridge_bridge.raw import Connection

__all__ = ["ZenohSession", "ZenohSource", "source"]

POLL_SECS = 0.01
"""Samples are gathered so long, at most, before they are handed on together."""
ALONE_BYTES = 1 << 16
"""A message of this size is handed on by itself, without a copy."""
QUIET_SECS = 0.1
"""After the stop, what is on its way is waited for until nothing has come for so long …"""
STOP_SECS = 0.5
"""… or at most so long."""
LINK_SECS = 1.0
MAX_CONNECTIONS = 2**16 - 1
NODE_NAME = "rrbridge_record"


class ZenohSession:
    """Hears one ROS graph through one Zenoh session."""

    def __init__(self, joined: Joined, definitions: Definitions, options: SourceOptions) -> None:
        self.description = joined.description
        self._joined = joined
        self._session = joined.session
        self._definitions = definitions
        self._drain_secs = options.drain_secs
        self._overrides: Mapping[str, QosProfile] = options.qos_overrides
        self._streams: dict[int, Stream] = {}
        self._holds = Holds()
        """Connections that are not announced yet, as their definition was asked for."""
        self._wanted: set[tuple[str, str]] = set()
        self._inbox = Inbox()
        self._outbox: deque[Event] = deque(joined.notices)
        self._order = 0
        self._stop_asked = 0.0
        self._closed = threading.Event()
        self._linked = False
        self._next_look = 0.0
        self._linked_at = time.monotonic()
        self._node = Node(joined, NODE_NAME)
        self._graph = Graph(joined)
        self._asking = Asking(joined.session, self._graph, self._holds)
        self._history = History(joined.session)

    @property
    def silent_secs(self) -> float:
        """How long nobody has been linked to this session, once somebody was."""
        return time.monotonic() - self._linked_at if self._linked and not self._joined.is_router else 0.0

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Record a topic, in each of the definitions that its publishers have of the type."""
        self._wanted.add((topic, msgtype))
        self._subscribe_wanted(topic)

    def stop(self) -> None:
        """Hand over what is on its way, then end."""
        self._stop_asked = self._stop_asked or time.monotonic()

    def close(self) -> None:
        """End now."""
        self._closed.set()
        self._leave()

    def events(self) -> Generator[Event, None, None]:
        """Everything that happens, until the end."""
        error = ""
        try:
            heard = time.monotonic()
            while not self._closed.is_set():
                if self._inbox:
                    heard = time.monotonic()
                yield from self._happened()
                if self._session.is_closed():
                    error = "the Zenoh session has ended by itself"
                    break
                if self._stop_asked and self._is_drained(heard):
                    break
                if not self._inbox:
                    self._closed.wait(POLL_SECS)
            else:
                error = "the Zenoh session was ended before everything was handed over"
            for stream in self._streams.values():
                yield from self._release(stream)
        finally:
            self._leave()
        yield Ended(error)

    def _is_drained(self, heard: float) -> bool:
        now = time.monotonic()
        limit = self._stop_asked + min(STOP_SECS, self._drain_secs)
        return not self._inbox and (now > limit or now - max(heard, self._stop_asked) > QUIET_SECS)

    def _leave(self) -> None:
        if not self._session.is_closed():
            self._session.close()  # type: ignore[no-untyped-call]

    def _happened(self) -> Iterator[Event]:
        # samples first: those of a publisher that is seen to leave have come before
        yield from self._received()
        yield from self._given_up()
        for topic in self._graph.changes():
            self._publishers_changed(topic)
            yield from self._told()
            yield self._graph.discovered(topic)
        yield from self._awaited()
        self._history.ask(self._streams.values())
        self._look_at_links()
        yield from self._told()

    def _told(self) -> Iterator[Event]:
        while self._outbox:
            yield self._outbox.popleft()

    def _quality(self, topic: str, publishers: Iterable[Token]) -> Qos:
        """What to listen with: as fits the publishers, but for what was asked for."""
        return fitted(list(publishers)).asked(asked_quality(self._overrides.get(topic)))

    def _publishers_changed(self, topic: str) -> None:
        self._subscribe_wanted(topic)
        for stream in self._streams.values():
            own = self._graph.publishers(topic, stream.key)
            if not own:
                continue
            wider = self._quality(topic, own)
            is_latched = stream.is_latched or fitted(own).is_latched
            again = wider.is_latched and not (stream.qos.is_latched and depth_of(wider) <= depth_of(stream.qos))
            if again:
                text = "publishers changed, now subscribed with what they sent before"
                self._outbox.append(Notice(Severity.INFO, text, topic))
                self._listen(stream, wider)
            elif wider.is_latched:
                self._history.expect(stream)
            metadata = metadata_of(own)
            if is_latched != stream.is_latched or metadata != stream.connection.metadata:
                stream.is_latched = is_latched
                stream.connection = replace(stream.connection, metadata=metadata)
                if stream.connection.id not in self._holds:
                    self._outbox.append(Announced(stream.connection, stream.is_latched))

    def _subscribe_wanted(self, topic: str) -> None:
        known = {stream.key for stream in self._streams.values()}
        for publisher in self._graph.publishers(topic):
            msgtype = ros_type(publisher.type_name)
            if (topic, msgtype) in self._wanted and publisher.data_key not in known:
                known.add(publisher.data_key)
                self._open(msgtype, self._graph.publishers(topic, publisher.data_key))

    def _open(self, msgtype: str, publishers: list[Token]) -> None:
        number = len(self._streams)
        if number > MAX_CONNECTIONS:
            raise RecorderError(f"more than {MAX_CONNECTIONS} topics cannot be recorded into one file")
        topic, type_hash, key = publishers[0].topic, publishers[0].type_hash, publishers[0].data_key
        definition = self._definitions.find(msgtype, type_hash)
        form = "ros2msg" if definition else ""
        connection = Connection(number, topic, msgtype, "cdr", definition, form, metadata_of(publishers))
        qos = self._quality(topic, publishers)
        if any(
            (s.connection.topic, s.connection.msgtype) == (topic, msgtype) and s.type_hash != type_hash
            for s in self._streams.values()
        ):
            text = f"publishers have different definitions of {msgtype}; each is recorded with its own"
            self._outbox.append(Notice(Severity.WARNING, text, topic))
        stream = self._streams[number] = Stream(connection, type_hash, key, qos, fitted(publishers).is_latched)
        self._holds.wait(number, MEET_SECS)
        if not definition and type_hash != NO_HASH:
            self._asking.ask(stream)
        else:
            self._outbox.extend(self._release(stream))
        self._listen(stream, qos)

    def _listen(self, stream: Stream, qos: Qos) -> None:
        """Subscribe, or subscribe again when publishers with another quality of service have come."""
        import zenoh.ext

        if stream.subscriber is not None:
            stream.subscriber.undeclare()
            stream.token.undeclare()
        stream.qos = qos
        self._history.expect(stream)
        listener = self._inbox.listener(stream.connection.id)
        if qos.is_latched:
            stream.subscriber = zenoh.ext.declare_advanced_subscriber(
                self._session,
                stream.key,
                listener,
                history=zenoh.ext.HistoryConfig(detect_late_publishers=True, max_samples=depth_of(qos)),
                recovery=zenoh.ext.RecoveryConfig(periodic_queries=None, heartbeat=True),
                subscriber_detection=True,
            )
        else:
            stream.subscriber = self._session.declare_subscriber(stream.key, listener)
        type_name, type_hash = stream.key.rsplit("/", 2)[1:]
        # publishers that work only for somebody, cameras above all, look for this
        token = self._node.token(SUBSCRIPTION, stream.connection.topic, type_name, type_hash, qos)
        stream.token = self._node.declare(token)

    def _received(self) -> Iterator[Event]:
        """What has arrived, gathered by connection; large messages by themselves."""
        gathered: dict[int, list[Sample]] = {}
        for sample in self._inbox.take():
            if len(sample[2]) < ALONE_BYTES:
                gathered.setdefault(sample[0], []).append(sample)
                continue
            yield from self._handed_on(sample[0], gathered.pop(sample[0], []))
            yield from self._handed_on(sample[0], [sample])
        for number, samples in gathered.items():
            yield from self._handed_on(number, samples)
        for sample in self._history.answers():
            yield from self._handed_on(sample[0], [sample], kept=True)

    def _handed_on(self, number: int, samples: list[Sample], *, kept: bool = False) -> Iterator[Event]:
        if not samples:
            return
        stream = self._streams[number]
        received = batch_of(stream, samples, self._order)
        self._order += len(samples)
        drop = kept or time.monotonic() < stream.repeats_until
        received = without_repeats(stream, received, drop=drop)
        if not len(received.batch):
            return
        if not self._holds.take(received):
            yield received

    def _given_up(self) -> Iterator[Event]:
        """What had no room in the inbox, once its connection is announced."""
        for number, stream in list(self._streams.items()):
            if number not in self._holds:
                for signature, given_up in self._inbox.given_up(number).items():
                    yield dropped(stream, signature, given_up)

    def _awaited(self) -> Iterator[Event]:
        """Definitions that were asked for."""
        for number, definition, reason in self._asking.answers():
            stream = self._streams[number]
            if definition:
                stream.connection = replace(stream.connection, definition=definition, definition_format="ros2msg")
                if number not in self._holds:  # too late to hold anything
                    yield Announced(stream.connection, stream.is_latched)
            yield from self._release(stream, reason)
        for number in self._holds.overdue():
            yield from self._release(self._streams[number])
        for number, stream in self._streams.items():
            if number in self._holds:
                self._asking.ask(stream)

    def _release(self, stream: Stream, reason: str = "") -> Iterator[Event]:
        """Announce what the definition was waited for, with or without it, and hand over what came meanwhile."""
        if stream.connection.id not in self._holds:
            return
        held = self._holds.end(stream.connection)
        yield Announced(stream.connection, stream.is_latched)
        if not stream.connection.definition:
            yield Notice(Severity.WARNING, no_definition(stream, reason), stream.connection.topic)
        yield from held

    def _look_at_links(self) -> None:
        """Whether somebody is linked to the session."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + LINK_SECS
            info = self._session.info
            if info.routers_zid() or info.peers_zid():
                self._linked_at, self._linked = now, True


@dataclass(frozen=True, slots=True)
class ZenohSource:
    """ROS 2 over Zenoh."""

    name: str = "zenoh"
    priority: int = 70
    """Above `rclpy`: where RMW_IMPLEMENTATION says Zenoh, both could hear it, and this needs no ROS."""
    definitions: Definitions | None = None
    """Where definitions are looked for; None: where the environment says."""

    def signs(self, environment: Mapping[str, str]) -> str:
        """That ROS is told to use Zenoh, or Zenoh is given settings."""
        return signs_of_zenoh(environment)

    def start(self, options: SourceOptions) -> ZenohSession:
        """Join the network. Raises RecorderError with a sentence that says what to do."""
        return ZenohSession(join(options.address), self.definitions or Definitions(os.environ), options)


source = ZenohSource()
