"""Topics of a Foxglove WebSocket server: Foxglove's bridges for ROS 1 and ROS 2, and every program that uses its SDK."""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.foxglove_protocol import (
    CLOCK,
    DATA,
    DATA_HEAD,
    PARAMETERS_ID,
    SUBPROTOCOLS,
    TIME,
    TIME_HEAD,
    advertised_connection,
    clock_batch,
    clock_connection,
    parameter_documents,
)
from rrbridge_bridge.live.source import (
    UNKNOWN,
    Announced,
    Discovered,
    Event,
    Notice,
    Received,
    Refused,
    Severity,
    SourceOptions,
)
from rrbridge_bridge.live.told import ToldOnce
from rrbridge_bridge.live.websocket import TEXT, Arrivals, TooLarge, WebSocketClient
from rrbridge_bridge.live.websocket_handshake import SocketLostError, without_password
from rrbridge_bridge.live.websocket_session import LATCHED_NAMES, Send, WebSocketSession, server_url
from rrbridge_bridge.raw import Connection, Int64s, RawBatch, distinct, gather_spans, structs_at

__all__ = ["FoxgloveDialect", "FoxgloveSource", "source"]

log = logging.getLogger(__name__)

DEFAULT_URL = "ws://localhost:8765"
MAX_CONNECTIONS = 2**16 - 1
MAX_CHANNELS = 2**16 - 1
MAX_TEXT_BYTES = 64 << 20
MAX_SCHEMA_BYTES = 256 << 20
INT64_MAX = 2**63 - 1
LEVELS = {0: Severity.INFO, 1: Severity.WARNING, 2: Severity.ERROR}


@dataclass(eq=False, slots=True)
class _Channel:
    """A channel that the server advertises now."""

    connection: Connection
    """With the server's own id of the channel."""
    schema_bytes: int


@dataclass(eq=False, slots=True)
class _Stream:
    """A connection that is recorded; it outlives the channels, which have new ids after every start of the server."""

    connection: Connection


class FoxgloveDialect:
    """The protocol from the listener's side."""

    def __init__(self, *, parameters: bool = False, max_connections: int = MAX_CONNECTIONS) -> None:
        """`parameters`: whether to ask for them."""
        self._ask_parameters = parameters
        self._clock: _Stream | None = None
        self._clock_told = False
        self._max_connections = max_connections
        self._send: Send | None = None
        self._session_id: str | None = None
        self._is_greeted = False
        self._channels: dict[int, _Channel] = {}
        self._schema_bytes = 0
        self._publishers: dict[str, frozenset[str]] = {}
        """By topic, where the server tells its connection graph."""
        self._wanted: set[tuple[str, str]] = set()
        self._by_topic: defaultdict[str, dict[int, Connection]] = defaultdict(dict)
        """Channels by topic and number."""
        self._streams: defaultdict[str, list[_Stream]] = defaultdict(list)
        """By topic."""
        self._stream_count = 0
        self._subscriptions: dict[int, _Stream] = {}
        self._subscribed: dict[int, int] = {}
        """Subscription by channel."""
        self._next_subscription = 1
        self._order = 0
        self._told = ToldOnce()

    def opened(self, send: Send) -> Iterable[Event]:
        """The server speaks first."""
        self._send = send
        self._is_greeted = False
        return ()

    def closed(self) -> None:
        """Channels and subscriptions end with the connection; what is wanted stays."""
        self._channels.clear()
        self._by_topic.clear()
        self._subscriptions.clear()
        self._subscribed.clear()
        self._publishers.clear()
        self._schema_bytes = 0

    def tick(self) -> Iterable[Event]:
        """Nothing has to be done in time."""
        return ()

    def subscribe(self, topic: str, msgtype: str) -> Iterator[Event]:
        """Subscribe to the topic's channels of that type, and to those that come later."""
        self._wanted.add((topic, msgtype))
        yield from self._subscribe_to(list(self._by_topic[topic]))
        if (topic, msgtype) == CLOCK and self._clock is None and not self._has_clock_channel():
            self._clock, _ = self._stream(clock_connection(0))
            if self._clock is not None:
                yield Announced(self._clock.connection, latched=False)

    def arrived(self, arrivals: Arrivals) -> Iterator[Event]:
        """Text is what the server tells, binary what it passes on."""
        for item in arrivals.too_large:
            yield from self._left_out(item)
        is_text = arrivals.kinds == TEXT
        if is_text.any():
            for row in np.flatnonzero(is_text).tolist():
                yield from self._text(arrivals.message(row))
        if not is_text.all():
            yield from self._binary(arrivals, np.flatnonzero(~is_text))

    def _text(self, message: memoryview) -> Iterator[Event]:
        if len(message) > MAX_TEXT_BYTES:
            yield from self._told.warning(f"the server sent a text of {len(message)} bytes, which was left out")
            return
        try:
            facts = json.loads(bytes(message))
            if not isinstance(facts, dict):
                raise TypeError("not an object")  # noqa: TRY301 - handled like what json itself finds
            yield from self._fact(facts)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as err:
            yield from self._told.warning(f"the server sent what is not of its protocol: {type(err).__name__}: {err}")

    def _fact(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        match facts.get("op"):
            case "serverInfo":
                yield from self._server_info(facts)
            case "advertise":
                yield from self._advertised(facts["channels"])
            case "unadvertise":
                yield from self._unadvertised(facts["channelIds"])
            case "connectionGraphUpdate":
                yield from self._graph(facts)
            case "parameterValues" if facts.get("id") == PARAMETERS_ID:
                yield from parameter_documents(facts["parameters"], time.time_ns())
            case "status":
                level = LEVELS.get(facts.get("level", 0), Severity.INFO)
                yield from self._told.once(Notice(level, f"the server says: {str(facts.get('message', ''))[:500]}"))
            case op:
                log.debug("not used: %s", op)

    def _server_info(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        session_id = str(facts.get("sessionId") or "")
        before, self._session_id = self._session_id, session_id
        capabilities = facts.get("capabilities") or []
        if self._is_greeted and before != session_id:
            yield Notice(Severity.INFO, "the server began a new session: its time has jumped, or its data began anew")
        elif before is not None and before != session_id:
            yield Notice(Severity.WARNING, "the server was started anew: its topics are subscribed to again")
        elif before is not None:
            yield Notice(Severity.INFO, "the server is the same as before")
        if self._is_greeted:
            return
        self._is_greeted = True
        if "connectionGraph" in capabilities:
            self._say(op="subscribeConnectionGraph")
        if "parameters" in capabilities and self._ask_parameters:
            self._say(op="getParameters", parameterNames=[], id=PARAMETERS_ID)

    def _advertised(self, channels: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
        new = []
        for facts in channels:
            try:
                number = int(facts["id"])
                connection = advertised_connection(facts, number)
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as err:
                yield from self._told.warning(f"a channel is not recorded, as it is not of the protocol: {err}")
                continue
            size = len(connection.definition)
            if len(self._channels) >= MAX_CHANNELS or self._schema_bytes + size > MAX_SCHEMA_BYTES:
                yield from self._told.warning(
                    "the server has more topics than can be listened to; the rest is left out"
                )
                break
            self._forget(number)
            self._channels[number] = _Channel(connection, size)
            self._by_topic[connection.topic][number] = connection
            self._schema_bytes += size
            new.append(number)
        for topic in dict.fromkeys(self._channels[number].connection.topic for number in new):
            yield self._discovered(topic)
        yield from self._subscribe_to([number for number in new if number in self._channels])

    def _unadvertised(self, numbers: Iterable[Any]) -> Iterator[Event]:
        topics = dict.fromkeys(
            self._channels[int(number)].connection.topic for number in numbers if int(number) in self._channels
        )
        for number in numbers:
            self._forget(int(number))
        for topic in topics:
            yield self._discovered(topic)

    def _forget(self, number: int) -> None:
        channel = self._channels.pop(number, None)
        if channel is not None:
            self._schema_bytes -= channel.schema_bytes
            del self._by_topic[channel.connection.topic][number]
            self._subscriptions.pop(self._subscribed.pop(number, -1), None)

    def _graph(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        changed = []
        for topic in facts.get("publishedTopics") or ():
            name = str(topic["name"])
            self._publishers[name] = frozenset(str(publisher) for publisher in topic["publisherIds"])
            changed.append(name)
        for name in facts.get("removedTopics") or ():
            self._publishers.pop(str(name), None)
        for name in changed:
            if self._by_topic[name]:
                yield self._discovered(name)

    def _discovered(self, topic: str) -> Discovered:
        own = self._by_topic[topic]
        channels = frozenset(f"{self._session_id}/{number}" for number in own)
        msgtypes = tuple(dict.fromkeys(connection.msgtype for connection in own.values()))
        nodes = self._publishers.get(topic, frozenset())
        return Discovered(topic, msgtypes, nodes or channels, tuple(sorted(nodes)))

    def _subscribe_to(self, numbers: Iterable[int]) -> Iterator[Event]:
        """Subscribe to those of the channels that are wanted and not subscribed to yet."""
        asked = []
        for number in numbers:
            connection = self._channels[number].connection
            if number in self._subscribed or (connection.topic, connection.msgtype) not in self._wanted:
                continue
            stream, is_new = self._stream(connection)
            if stream is None:
                text = f"more than {self._max_connections} topics do not fit into one file"
                self._wanted.discard((connection.topic, connection.msgtype))
                yield Refused(connection.topic, connection.msgtype, text)
                continue
            if is_new:
                yield Announced(stream.connection, connection.topic.rsplit("/", 1)[-1] in LATCHED_NAMES)
            subscription = self._next_subscription
            self._next_subscription += 1
            self._subscriptions[subscription] = stream
            self._subscribed[number] = subscription
            asked.append({"id": subscription, "channelId": number})
        if asked:
            self._say(op="subscribe", subscriptions=asked)

    def _stream(self, connection: Connection) -> tuple[_Stream | None, bool]:
        """What a channel is recorded as, and whether that is new: the same as before if it is the same but for its number."""
        for stream in self._streams[connection.topic]:
            if replace(connection, id=stream.connection.id) == stream.connection:
                return stream, False
        number = self._stream_count
        if number >= self._max_connections:
            return None, False
        stream = _Stream(replace(connection, id=number))
        self._streams[connection.topic].append(stream)
        self._stream_count += 1
        return stream, True

    def _say(self, **facts: Any) -> None:
        assert self._send is not None
        self._send(json.dumps(facts))

    def _binary(self, arrivals: Arrivals, rows: Int64s) -> Iterator[Event]:
        rows = rows[arrivals.sizes[rows] > 0]
        opcodes = arrivals.buffer[arrivals.starts[rows]]
        data = rows[(opcodes == DATA) & (arrivals.sizes[rows] >= DATA_HEAD.itemsize)]
        if len(data):
            yield from self._data(arrivals, data)
        if len(data) < len(rows):
            times = rows[(opcodes == TIME) & (arrivals.sizes[rows] >= TIME_HEAD.itemsize)]
            if len(times):
                yield from self._server_time(arrivals, times)
            if (((opcodes == DATA) | (opcodes == TIME)).sum()) > len(data) + len(times):
                yield from self._told.warning("the server sent messages that are too short to be messages")

    def _server_time(self, arrivals: Arrivals, rows: Int64s) -> Iterator[Event]:
        """The server's clock, which may be a simulated one: offered as `/clock`, unless the server has such a topic itself."""
        if self._has_clock_channel():
            return
        if not self._clock_told:
            self._clock_told = True
            yield Discovered(CLOCK[0], (CLOCK[1],), frozenset({f"{self._session_id}/time"}))
        if self._clock is not None:
            times = structs_at(arrivals.buffer, arrivals.starts[rows], TIME_HEAD)["time_nanos"]
            order = self._order + np.arange(len(rows), dtype=np.int64)
            self._order += len(rows)
            unknown = np.full(len(rows), UNKNOWN, np.int64)
            yield Received(
                clock_batch(self._clock.connection, times, arrivals.time_nanos[rows], order), unknown, unknown
            )

    def _has_clock_channel(self) -> bool:
        return bool(self._by_topic[CLOCK[0]])

    def _data(self, arrivals: Arrivals, rows: Int64s) -> Iterator[Event]:
        heads = structs_at(arrivals.buffer, arrivals.starts[rows], DATA_HEAD)
        subscriptions = heads["subscription"].astype(np.int64)
        order = self._order + np.arange(len(rows), dtype=np.int64)
        self._order += len(rows)
        for subscription in distinct(subscriptions):
            own = np.flatnonzero(subscriptions == subscription)
            stream = self._subscriptions.get(subscription)
            if stream is None:
                yield from self._told.warning(f"the server sent messages of subscription {subscription}, which is none")
                continue
            at = rows[own]
            starts, sizes = arrivals.starts[at] + DATA_HEAD.itemsize, arrivals.sizes[at] - DATA_HEAD.itemsize
            buffer = arrivals.buffer
            if len(own) < len(arrivals.starts):  # else the others' bytes would be held as long as these
                buffer, starts = gather_spans(buffer, starts, sizes), np.cumsum(sizes) - sizes
            times = heads["time_nanos"][own]
            received = arrivals.time_nanos[at]
            published = np.where(times <= INT64_MAX, times, received.astype(np.uint64)).astype(np.int64)
            batch = RawBatch(
                stream.connection,
                buffer,
                starts,
                sizes,
                received,
                published,
                np.zeros(len(own), np.uint32),
                order[own],
            )
            unknown = np.full(len(own), UNKNOWN, np.int64)
            yield Received(batch, unknown, unknown)

    def _left_out(self, item: TooLarge) -> Iterator[Event]:
        """A message was too large: told for the first of a topic, and whenever their number has doubled."""
        topic = ""
        if len(item.head) >= DATA_HEAD.itemsize and item.head[0] == DATA:
            stream = self._subscriptions.get(int(np.frombuffer(item.head, DATA_HEAD, 1)["subscription"][0]))
            topic = stream.connection.topic if stream else ""
        yield from self._told.counted(
            "messages were left out because of their size", f"the last of {item.size} bytes", topic
        )


@dataclass(frozen=True, slots=True)
class FoxgloveSource:
    """A Foxglove WebSocket server."""

    name: str = "foxglove"
    priority: int = 10

    def signs(self, environment: Mapping[str, str]) -> str:  # noqa: ARG002 - nothing in it speaks of such servers
        """Nothing: such a server is named."""
        return ""

    def start(self, options: SourceOptions) -> WebSocketSession:
        """Connect to `options.address`, by default this machine's port 8765. Raises RecorderError."""
        url = server_url(options.address, DEFAULT_URL)

        def connect() -> WebSocketClient:
            client = WebSocketClient.to(url, SUBPROTOCOLS)
            if client.subprotocol is None:
                client.close()
                raise SocketLostError(
                    "it is a WebSocket server, but not one of Foxglove's protocol (--from rosbridge:…?)"
                )
            return client

        shown = without_password(url)
        try:
            client = connect()
        except SocketLostError as err:
            hint = "start one there (ros2 launch foxglove_bridge foxglove_bridge_launch.xml), or name it: --from ws://HOST:PORT"
            raise RecorderError(f"no Foxglove WebSocket server at {shown}: {err}; {hint}") from None
        description = f"Foxglove WebSocket server {shown} ({client.subprotocol})"
        return WebSocketSession(
            client, connect, FoxgloveDialect(parameters=options.parameters), description, options.drain_secs
        )


source = FoxgloveSource()
