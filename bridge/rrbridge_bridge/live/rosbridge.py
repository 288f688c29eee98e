"""Topics of a rosbridge server, of ROS 1 or ROS 2: `rosbridge_suite`, and what speaks its protocol, version 2.

Messages are asked for as `cbor-raw`: their bytes as they are in ROS. Topics, types and definitions come from the services of
the node `rosapi`, which is started beside rosbridge by its own launch files. The protocol's only time of a message is when
rosbridge received it; it stands for the publish time, which is not told.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.rosbridge_cbor import CborError, RawMessage, RawMessages, raw_message
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
from rrbridge_bridge.live.websocket import TEXT, Arrivals, WebSocketClient
from rrbridge_bridge.live.websocket_handshake import SocketLostError, without_password
from rrbridge_bridge.live.websocket_session import LATCHED_NAMES, Send, WebSocketSession, server_url
from rrbridge_bridge.raw import Connection, RawBatch, gather_spans
from rrbridge_bridge.readers._names import long_type_name

__all__ = ["RosbridgeDialect", "RosbridgeSource", "source"]

log = logging.getLogger(__name__)

DEFAULT_URL = "ws://localhost:9090"
TOPICS = "/rosapi/topics"
DEFINITIONS = "/rosapi/topics_and_raw_types"
POLL_SECS = 1.0
ANSWER_SECS = 5.0
MAX_CONNECTIONS = 2**16 - 1
MAX_TEXT_BYTES = 64 << 20
LEVELS = {"error": Severity.ERROR, "warning": Severity.WARNING}
INT64_MAX = 2**63 - 1


def connection_of_type(number: int, topic: str, told: str, definition: str | None) -> Connection:
    """A topic as a bag with it would have it. ROS 1 says `std_msgs/String`, ROS 2 `std_msgs/msg/String`."""
    msgtype = long_type_name(told)
    encoding, form = ("cdr", "ros2msg") if msgtype == told else ("ros1", "ros1msg")
    spelled = "" if msgtype == told else told
    if definition is None:
        return Connection(number, topic, msgtype, encoding, schema_name=spelled)
    return Connection(number, topic, msgtype, encoding, definition, form, schema_name=spelled)


def told_type(connection: Connection) -> str:
    """Its type as rosbridge spells it."""
    return connection.schema_name or connection.msgtype


def quality_of_service(profile: QosProfile | None) -> dict[str, Any]:
    """A profile as rosbridge for ROS 2 takes it; empty if nothing was asked for that it knows."""
    if profile is None:
        return {}
    asked = {name: getattr(profile, name) for name in ("history", "depth", "reliability", "durability")}
    return {name: value for name, value in asked.items() if value not in (None, "system_default")}


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic that rosapi tells of."""

    told_type: str
    definition: str | None
    """None: rosapi does not tell."""


class RosbridgeDialect:
    """The protocol from the listener's side."""

    def __init__(
        self, overrides: Mapping[str, QosProfile] | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        """`overrides`: quality of service to ask for, by topic."""
        self._overrides = overrides or {}
        self._max_connections = max_connections
        self._send: Send | None = None
        self._topics: dict[str, _Topic] = {}
        self._offers: dict[str, str] = {}
        """Types by topic, as rosapi told them last."""
        self._definitions: dict[str, str | None] = {}
        """By type as rosapi spells it; None where it does not tell."""
        self._streams: dict[str, Connection] = {}
        """By topic: rosbridge tells messages apart by nothing else."""
        self._asked: tuple[str, str, float] | None = None
        """The service that was called: its call's id, its name, and when."""
        self._calls = 0
        self._next_poll = 0.0
        self._order = 0
        self._told = ToldOnce()
        self._messages = RawMessages()

    def opened(self, send: Send) -> Iterable[Event]:
        """Subscribe again to what was subscribed to before, and ask for topics."""
        self._send = send
        for topic in self._streams:
            self._subscribe(topic)
        self._asked, self._next_poll = None, 0.0
        yield from self.tick()

    def closed(self) -> None:
        """Nothing ends with the connection but the calls under way."""

    def tick(self) -> Iterator[Event]:
        """Ask for topics every second."""
        now = time.monotonic()
        if self._asked is not None and now - self._asked[2] > ANSWER_SECS:
            _, service, _ = self._asked
            self._asked = None
            yield from self._failed(service, f"no answer within {ANSWER_SECS:g} s")
        if self._asked is None and now >= self._next_poll:
            self._call(TOPICS)

    def subscribe(self, topic: str, msgtype: str) -> Iterator[Event]:
        """Subscribe to a topic."""
        known = self._topics.get(topic)
        if known is None or long_type_name(known.told_type) != msgtype or topic in self._streams:
            yield Refused(topic, msgtype, "rosbridge does not offer it in this type")
            return
        number = len(self._streams)
        if number >= self._max_connections:
            yield Refused(topic, msgtype, f"more than {number} topics do not fit into one file")
            return
        connection = connection_of_type(number, topic, known.told_type, known.definition)
        self._streams[topic] = connection
        yield Announced(connection, topic.rsplit("/", 1)[-1] in LATCHED_NAMES)
        self._subscribe(topic)

    def arrived(self, arrivals: Arrivals) -> Iterator[Event]:
        """Text is what rosbridge and rosapi tell, binary the messages."""
        for item in arrivals.too_large:
            yield from self._told.counted(
                "messages were left out because of their size", f"the last of {item.size} bytes"
            )
        binary = []
        for row, kind in enumerate(arrivals.kinds.tolist()):
            if kind == TEXT:
                yield from self._text(arrivals.message(row))
            else:
                binary.append(row)
        if binary:
            yield from self._binary(arrivals, binary)

    def _text(self, message: memoryview) -> Iterator[Event]:
        if len(message) > MAX_TEXT_BYTES:
            yield from self._told.warning(f"rosbridge sent a text of {len(message)} bytes, which was left out")
            return
        try:
            yield from self._fact(json.loads(bytes(message)))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as err:
            yield from self._told.warning(f"rosbridge sent what is not of its protocol: {type(err).__name__}: {err}")

    def _fact(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        match facts.get("op"):
            case "service_response":
                yield from self._answered(facts)
            case "status":
                level = LEVELS.get(str(facts.get("level")), Severity.INFO)
                yield from self._told.once(Notice(level, f"rosbridge says: {str(facts.get('msg', ''))[:500]}"))
            case "publish":
                text = "rosbridge does not send raw bytes (cbor-raw); only servers that do can be recorded"
                yield from self._told.once(Notice(Severity.ERROR, text, str(facts.get("topic", ""))))
            case op:
                log.debug("not used: %s", op)

    def _say(self, **facts: Any) -> None:
        assert self._send is not None
        self._send(json.dumps(facts))

    def _call(self, service: str) -> None:
        self._calls += 1
        call = f"rrbridge-{self._calls}"
        self._asked = (call, service, time.monotonic())
        self._say(op="call_service", id=call, service=service)

    def _subscribe(self, topic: str) -> None:
        connection = self._streams[topic]
        # A queue of length 0 is none: rosbridge passes messages on at once, instead of dropping the oldest of a queue.
        facts = {
            "id": f"rrbridge-{connection.id}",
            "topic": topic,
            "type": told_type(connection),
            "compression": "cbor-raw",
            "queue_length": 0,
        }
        if quality := quality_of_service(self._overrides.get(topic)):
            facts["qos"] = quality  # servers that do not know it leave it alone
        self._say(op="subscribe", **facts)

    def _answered(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        if self._asked is None or facts.get("id") != self._asked[0]:
            return  # too late
        _, service, _ = self._asked
        self._asked = None
        if not facts.get("result", True):
            yield from self._failed(service, str(facts.get("values", "")))
            return
        values = facts["values"]
        types = zip(values["topics"], values["types"], strict=True)
        self._offers = {str(topic): str(told) for topic, told in types if topic and told}
        if service == DEFINITIONS:
            texts = zip(values["types"], values["typedefs_full_text"], strict=True)
            self._definitions |= {str(told): str(text) for told, text in texts}
        elif any(told not in self._definitions for told in self._offers.values()):
            self._call(DEFINITIONS)
            return
        yield from self._offered()

    def _failed(self, service: str, reason: str) -> Iterator[Event]:
        self._next_poll = time.monotonic() + POLL_SECS
        if service == TOPICS:
            text = (
                f"rosapi does not tell what topics there are ({reason[:300]}): start it beside rosbridge, "
                "as rosbridge's own launch file does"
            )
            yield from self._told.once(Notice(Severity.ERROR, text))
        else:
            yield from self._told.warning(f"rosapi does not tell what the types are made of: {reason[:300]}")
            self._definitions = dict.fromkeys(self._offers.values()) | self._definitions
            yield from self._offered()

    def _offered(self) -> Iterator[Event]:
        """What topics there are now."""
        self._next_poll = time.monotonic() + POLL_SECS
        for topic in [topic for topic in self._topics if topic not in self._offers]:
            del self._topics[topic]
            yield Discovered(topic, (), frozenset())
        for topic, told in self._offers.items():
            known = _Topic(told, self._definitions.get(told))
            if self._topics.get(topic) == known:
                continue
            self._topics[topic] = known
            yield Discovered(topic, (long_type_name(told),), frozenset({"rosbridge"}))
            stream = self._streams.get(topic)
            if (
                stream is not None
                and known.definition
                and not stream.definition
                and known.told_type == told_type(stream)
            ):
                self._streams[topic] = connection_of_type(stream.id, topic, told, known.definition)
                yield Announced(self._streams[topic], topic.rsplit("/", 1)[-1] in LATCHED_NAMES)

    def _binary(self, arrivals: Arrivals, rows: list[int]) -> Iterator[Event]:
        data = arrivals.buffer.tobytes() if len(rows) > 1 else b""
        whole, starts, sizes = arrivals.buffer.data, arrivals.starts.tolist(), arrivals.sizes.tolist()
        by_topic: dict[str, tuple[list[int], list[RawMessage]]] = {}
        for row in rows:
            start = starts[row]
            end = start + sizes[row]
            try:
                message = self._messages.read(data, start, end) if data else raw_message(whole, start, end)
            except CborError as err:
                yield from self._told.counted("messages could not be read", f"the last: {err}")
                continue
            if message is None:
                continue
            own = by_topic.setdefault(message.topic, ([], []))
            own[0].append(row)
            own[1].append(message)
        for topic, (at, messages) in by_topic.items():
            connection = self._streams.get(topic)
            if connection is None:
                yield from self._told.warning(f"rosbridge sent messages of {topic[:200]!r}, which was not asked for")
            else:
                yield self._received(arrivals, connection, at, messages)
        self._order += len(arrivals.starts)

    def _received(
        self, arrivals: Arrivals, connection: Connection, rows: list[int], messages: list[RawMessage]
    ) -> Received:
        count = len(rows)
        starts = np.array([message.payload.start for message in messages], np.int64)
        sizes = np.array([message.payload.size for message in messages], np.int64)
        buffer = arrivals.buffer
        if count < len(arrivals.starts):  # else the others' bytes would be held as long as these
            buffer, starts = gather_spans(buffer, starts, sizes), np.cumsum(sizes) - sizes
        received = arrivals.time_nanos[rows]
        told = [m.time_nanos if 0 <= m.time_nanos <= INT64_MAX else -1 for m in messages]
        times = np.array(told, np.int64)
        batch = RawBatch(
            connection,
            buffer,
            starts,
            sizes,
            received,
            np.where(times >= 0, times, received),
            np.zeros(count, np.uint32),
            self._order + np.array(rows, np.int64),
        )
        unknown = np.full(count, UNKNOWN, np.int64)
        return Received(batch, unknown, unknown)


@dataclass(frozen=True, slots=True)
class RosbridgeSource:
    """A rosbridge server."""

    name: str = "rosbridge"
    priority: int = 5

    def signs(self, environment: Mapping[str, str]) -> str:  # noqa: ARG002 - nothing in it speaks of such servers
        """Nothing: such a server is named."""
        return ""

    def start(self, options: SourceOptions) -> WebSocketSession:
        """Connect to `options.address`, by default this machine's port 9090. Raises RecorderError."""
        url = server_url(options.address, DEFAULT_URL)
        shown = without_password(url)
        try:
            client = WebSocketClient.to(url)
        except SocketLostError as err:
            hint = (
                "start it there (ros2 launch rosbridge_server rosbridge_websocket_launch.xml, or for ROS 1 roslaunch "
            )
            hint += "rosbridge_server rosbridge_websocket.launch), or name it: --from rosbridge:ws://HOST:PORT"
            raise RecorderError(f"no rosbridge server at {shown}: {err}; {hint}") from None
        dialect = RosbridgeDialect(options.qos_overrides)
        description = f"rosbridge server {shown}"
        return WebSocketSession(client, lambda: WebSocketClient.to(url), dialect, description, options.drain_secs)


source = RosbridgeSource()
