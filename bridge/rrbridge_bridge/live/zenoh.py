"""ROS 2 over Zenoh as `rmw_zenoh` speaks it: no ROS is needed here, and no type need be installed.

Liveliness tokens say which topics there are; each message comes with its publisher's signature, counter and clock. Samples arrive
in threads of Zenoh's, which only note them down; everything else happens in the thread that iterates `events`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.holds import Holds
from rrbridge_bridge.live.qos import offered_in_words
from rrbridge_bridge.live.source import (
    Announced,
    Discovered,
    Ended,
    Event,
    Notice,
    Severity,
    SourceOptions,
)
from rrbridge_bridge.live.zenoh_definitions import (
    DESCRIBE_SERVICE,
    DESCRIBE_TYPE,
    Definitions,
    answered_definition,
    request,
)
from rrbridge_bridge.live.zenoh_keys import (
    ATTACHMENT,
    NO_HASH,
    NODE,
    PUBLISHER,
    SERVICE,
    SUBSCRIPTION,
    Qos,
    Token,
    attachment,
    every_token,
    gid_of,
    ros_type,
    token_of,
)
from rrbridge_bridge.live.zenoh_network import Joined, join, signs_of_zenoh
from rrbridge_bridge.live.zenoh_streams import (
    Sample,
    Stream,
    batch_of,
    fitted,
    metadata_of,
    no_definition,
    node_names,
    without_repeats,
)
from rrbridge_bridge.raw import Connection

if TYPE_CHECKING:
    import zenoh

__all__ = ["ZenohSession", "ZenohSource", "source"]

log = logging.getLogger(__name__)

POLL_SECS = 0.01
"""Samples are gathered so long, at most, before they are handed on together."""
ALONE_BYTES = 1 << 16
"""A message of this size is handed on by itself, without a copy."""
BATCH_BYTES = 8 << 20
QUIET_SECS = 0.1
"""After the stop, what is on its way is waited for until nothing has come for so long …"""
STOP_SECS = 0.5
"""… or at most so long."""
MEET_SECS = 1.0
"""A node's service may be heard of a little later than its publishers."""
HOLD_SECS = 3.0
ASK_SECS = 2.0
LINK_SECS = 1.0
LOOK_BACK_SECS = (0.3, 1.5)
REPEATS_SECS = 10.0
MAX_CONNECTIONS = 2**16 - 1
MAX_DEPTH = 100_000
"""No publisher is asked for more of its history."""
NODE_NAME = "rrbridge_record"


class ZenohSession:
    """Hears one ROS graph through one Zenoh session."""

    def __init__(self, joined: Joined, definitions: Definitions, drain_secs: float) -> None:
        self._joined = joined
        self._session = joined.session
        self._domain = joined.domain
        self._definitions = definitions
        self._drain_secs = drain_secs
        self.description = joined.description
        self._streams: dict[int, Stream] = {}
        self._holds = Holds()
        self._wanted: set[tuple[str, str]] = set()
        self._tokens: dict[str, Token] = {}
        """Of publishers, by the token itself."""
        self._services: dict[tuple[str, str], Token] = {}
        """Those that describe types, by session and node."""
        self._inbox: deque[Sample] = deque()
        self._kept: deque[Sample] = deque()
        self._seen_tokens: deque[tuple[bool, str]] = deque()
        self._answers: deque[tuple[int, str, str]] = deque()
        self._outbox: deque[Event] = deque(joined.notices)
        self._order = 0
        self._entities = 0
        self._stop_asked = 0.0
        self._closed = threading.Event()
        self._linked = False
        self._next_look = 0.0
        self._linked_at = time.monotonic()
        self._node_token = self._session.liveliness().declare_token(self._own(NODE, "", "", "", Qos()).key)
        self._discovery = self._session.liveliness().declare_subscriber(
            every_token(self._domain), self._saw_token, history=True
        )

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

    # what Zenoh's threads call

    def _saw_token(self, sample: zenoh.Sample) -> None:
        import zenoh

        self._seen_tokens.append((sample.kind == zenoh.SampleKind.PUT, str(sample.key_expr)))

    def _listener(self, number: int) -> Any:
        note, now = self._inbox.append, time.time_ns

        def arrived(sample: zenoh.Sample) -> None:
            told = sample.attachment
            note((number, now(), sample.payload.to_bytes(), None if told is None else told.to_bytes()))

        return arrived

    # in the thread of `events`

    def _happened(self) -> Iterator[Event]:
        # samples first: those of a publisher that is seen to leave have come before
        yield from self._received()
        yield from self._graph_changed()
        while self._answers:
            yield from self._described(*self._answers.popleft())
        for number in self._holds.overdue():
            yield from self._release(self._streams[number])
        self._ask_for_kept()
        self._look_at_links()
        while self._outbox:
            yield self._outbox.popleft()

    def _graph_changed(self) -> Iterator[Event]:
        topics: dict[str, None] = {}
        while self._seen_tokens:
            came, key = self._seen_tokens.popleft()
            token = token_of(key)
            if token is None:
                log.debug("not a token of rmw_zenoh: %s", key)
            elif token.kind == PUBLISHER:
                if came:
                    self._tokens[key] = token
                else:
                    self._tokens.pop(key, None)
                topics[token.topic] = None
            elif token.kind == SERVICE and token.topic.endswith(f"/{DESCRIBE_SERVICE}"):
                if came and ros_type(token.type_name) == DESCRIBE_TYPE:
                    self._services[token.zid, token.nid] = token
                else:
                    self._services.pop((token.zid, token.nid), None)
        for topic in topics:
            publishers = self._publishers_of(topic)
            self._publishers_changed(topic)
            while self._outbox:
                yield self._outbox.popleft()
            types = tuple(dict.fromkeys(ros_type(p.type_name) for p in publishers))
            endpoints = frozenset(p.endpoint for p in publishers)
            yield Discovered(
                topic,
                types,
                endpoints,
                tuple(node_names(publishers)),
                offered_in_words([p.qos.facts() for p in publishers]),
            )
        for number, stream in self._streams.items():
            if number in self._holds and not stream.asked:
                self._ask(stream)

    def _publishers_of(self, topic: str) -> list[Token]:
        return [token for token in self._tokens.values() if token.topic == topic]

    def _publishers_changed(self, topic: str) -> None:
        self._subscribe_wanted(topic)
        for stream in self._streams.values():
            own = [p for p in self._publishers_of(topic) if p.data_key == stream.key]
            if not own:
                continue
            wider = fitted(own)
            again = wider.is_latched and not (stream.qos.is_latched and wider.depth <= stream.qos.depth)
            metadata = metadata_of(own)
            if again:
                self._listen(stream, wider)
            if wider.is_latched:
                self._expect_kept(stream)
            if again or metadata != stream.connection.metadata:
                stream.connection = replace(stream.connection, metadata=metadata)
                if stream.connection.id not in self._holds:
                    self._outbox.append(Announced(stream.connection, stream.qos.is_latched))

    def _subscribe_wanted(self, topic: str) -> None:
        known = {stream.key for stream in self._streams.values()}
        for publisher in self._publishers_of(topic):
            msgtype = ros_type(publisher.type_name)
            if (topic, msgtype) in self._wanted and publisher.data_key not in known:
                known.add(publisher.data_key)
                self._open(msgtype, [p for p in self._publishers_of(topic) if p.data_key == publisher.data_key])

    def _open(self, msgtype: str, publishers: list[Token]) -> None:
        number = len(self._streams)
        if number > MAX_CONNECTIONS:
            raise RecorderError(f"more than {MAX_CONNECTIONS} topics cannot be recorded into one file")
        first = publishers[0]
        definition = self._definitions.find(msgtype, first.type_hash)
        form = "ros2msg" if definition else ""
        metadata = metadata_of(publishers)
        connection = Connection(number, first.topic, msgtype, "cdr", definition, form, metadata)
        stream = Stream(connection, first.type_hash, first.data_key, fitted(publishers))
        self._streams[number] = stream
        others = {s.type_hash for s in self._streams.values() if s.connection.topic == first.topic} - {first.type_hash}
        if any(s.connection.msgtype == msgtype and s.type_hash in others for s in self._streams.values()):
            text = f"publishers have different definitions of {msgtype}; each is recorded with its own"
            self._outbox.append(Notice(Severity.WARNING, text, first.topic))
        if not definition and first.type_hash != NO_HASH:
            self._holds.wait(number, MEET_SECS)
            self._ask(stream)
        else:
            self._outbox.append(Announced(connection, stream.qos.is_latched))
            if not definition:
                self._outbox.append(Notice(Severity.WARNING, no_definition(stream, ""), first.topic))
        self._listen(stream, stream.qos)

    def _listen(self, stream: Stream, qos: Qos) -> None:
        """Subscribe, or subscribe again when publishers with another quality of service have come."""
        import zenoh.ext

        if stream.subscriber is not None:
            stream.subscriber.undeclare()
            stream.token.undeclare()
            text = "publishers changed, now subscribed with what they sent before"
            self._outbox.append(Notice(Severity.INFO, text, stream.connection.topic))
        stream.qos = qos
        self._expect_kept(stream)
        listener = self._listener(stream.connection.id)
        if qos.is_latched:
            stream.subscriber = zenoh.ext.declare_advanced_subscriber(
                self._session,
                stream.key,
                listener,
                history=zenoh.ext.HistoryConfig(
                    detect_late_publishers=True, max_samples=min(max(qos.depth, 1), MAX_DEPTH)
                ),
                recovery=zenoh.ext.RecoveryConfig(periodic_queries=None, heartbeat=True),
                subscriber_detection=True,
            )
        else:
            stream.subscriber = self._session.declare_subscriber(stream.key, listener)
        type_name, type_hash = stream.key.rsplit("/", 2)[1:]
        # publishers that work only for somebody, cameras above all, look for this
        token = self._own(SUBSCRIPTION, stream.connection.topic, type_name, type_hash, qos)
        stream.token = self._session.liveliness().declare_token(token.key)

    def _expect_kept(self, stream: Stream) -> None:
        """Look again, a little later, whether Zenoh has brought everything that publishers kept.

        Now and then it brings only the last of several messages (seen with 1.10, one time in twenty).
        """
        if stream.qos.is_latched:
            now = time.monotonic()
            stream.repeats_until = now + REPEATS_SECS
            stream.look_back = [now + secs for secs in LOOK_BACK_SECS]

    def _ask_for_kept(self) -> None:
        import zenoh

        now = time.monotonic()
        for number, stream in self._streams.items():
            if not stream.look_back or now < stream.look_back[0]:
                continue
            stream.look_back.pop(0)
            note, clock = self._kept.append, time.time_ns

            def kept(reply: zenoh.Reply, number: int = number, note: Any = note, clock: Any = clock) -> None:
                if reply.ok is not None and reply.ok.attachment is not None:
                    note((number, clock(), reply.ok.payload.to_bytes(), reply.ok.attachment.to_bytes()))

            depth = min(max(stream.qos.depth, 1), MAX_DEPTH)
            self._session.get(
                f"{stream.key}/@adv/pub/**?_anyke;_max={depth}",
                kept,
                consolidation=zenoh.ConsolidationMode.NONE,  # the last of each key alone, by default
                timeout=ASK_SECS,
            )

    def _own(self, kind: str, topic: str, type_name: str, type_hash: str, qos: Qos) -> Token:
        entity = self._entities
        self._entities += 1
        zid = str(self._session.zid())
        return Token(self._domain, zid, "0", str(entity), kind, "/", NODE_NAME, topic, type_name, type_hash, qos, "/")

    def _received(self) -> Iterator[Event]:
        """Everything that has arrived, gathered by connection; large messages by themselves."""
        gathered: dict[int, list[Sample]] = {}
        size = 0
        for _ in range(len(self._inbox)):
            sample = self._inbox.popleft()
            if len(sample[2]) >= ALONE_BYTES:
                yield from self._handed_on(sample[0], gathered.pop(sample[0], []))
                yield from self._handed_on(sample[0], [sample])
                continue
            gathered.setdefault(sample[0], []).append(sample)
            size += len(sample[2])
            if size > BATCH_BYTES:
                break
        for number, samples in gathered.items():
            yield from self._handed_on(number, samples)
        while self._kept:
            sample = self._kept.popleft()
            if sample[3] is not None and len(sample[3]) == ATTACHMENT.itemsize:  # else nobody could tell repeats
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

    def _ask(self, stream: Stream) -> None:
        """Ask a publisher's node what its type is made of, once the node's service is known."""
        import zenoh

        asked = next(
            (
                (publisher, service)
                for publisher in self._publishers_of(stream.connection.topic)
                if publisher.data_key == stream.key and (service := self._services.get((publisher.zid, publisher.nid)))
            ),
            None,
        )
        if asked is None:
            return
        publisher, service = asked
        stream.asked = True
        number, msgtype, answers = stream.connection.id, stream.connection.msgtype, self._answers
        self._holds.wait(number, HOLD_SECS)

        def answered(reply: zenoh.Reply) -> None:
            if reply.ok is not None:
                definition, reason = answered_definition(reply.ok.payload.to_bytes(), msgtype)
            else:
                definition, reason = "", "no answer"
            answers.append((number, definition, f"asked {publisher.full_node_name}: {reason}" if reason else ""))

        self._session.get(
            service.data_key,
            answered,
            target=zenoh.QueryTarget.ALL_COMPLETE,
            consolidation=zenoh.ConsolidationMode.NONE,
            timeout=ASK_SECS,
            payload=request(msgtype, stream.type_hash),
            attachment=attachment(1, time.time_ns(), gid_of(f"{self._session.zid()}/{number}")),
        )

    def _described(self, number: int, definition: str, reason: str) -> Iterator[Event]:
        stream = self._streams[number]
        if definition:
            stream.connection = replace(stream.connection, definition=definition, definition_format="ros2msg")
            if number not in self._holds:
                yield Announced(stream.connection, stream.qos.is_latched)
        yield from self._release(stream, reason)

    def _release(self, stream: Stream, reason: str = "") -> Iterator[Event]:
        """Announce what the definition was waited for, with or without it, and hand over what came meanwhile."""
        if stream.connection.id not in self._holds:
            return
        yield Announced(stream.connection, stream.qos.is_latched)
        if not stream.connection.definition:
            yield Notice(Severity.WARNING, no_definition(stream, reason), stream.connection.topic)
        yield from self._holds.end(stream.connection)

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
        joined = join(options.address)
        return ZenohSession(joined, self.definitions or Definitions(os.environ), options.drain_secs)


source = ZenohSource()
