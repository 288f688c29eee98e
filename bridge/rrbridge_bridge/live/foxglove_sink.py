"""A Foxglove WebSocket server for `rrbridge play`: Foxglove and Lichtblick watch whatever is played."""

from __future__ import annotations

import json
import struct
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.foxglove_protocol import (
    CONTROL,
    DATA,
    SUBPROTOCOLS,
    TIME,
    advertisement,
    parse_control,
    playback_state,
    seconds,
)
from rrbridge_bridge.live.sink import PlayState, SinkOptions, Wish
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.live.told import ToldOnce
from rrbridge_bridge.live.websocket import BINARY, TEXT
from rrbridge_bridge.live.websocket_server import LIMIT_BYTES, Listener, WebSocketServer, frame_head, objection_to
from rrbridge_bridge.raw import Connection

__all__ = ["FoxgloveSink", "FoxgloveSinkSession", "sink"]

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8765
DATA_HEAD = struct.Struct("<BIQ")
TIME_HEAD = struct.Struct("<BQ")
TIME_CHANNEL = -1
TIME_STEP_NANOS = 5_000_000
TIME_STEP_SECS = 0.01
TIME_BACK_NANOS = 1_000_000_000
"""Viewers take a time that goes back for a jump, and forget; that messages are not quite in order is none."""
CLOSE_SECS = 1.5
STATUS_SECS = 1.0
MAX_SUBSCRIPTIONS = 10_000
MAX_LATCHED_BYTES = 64 << 20
NEEDS_DEFINITION = frozenset({"cdr", "ros1", "protobuf", "flatbuffer"})
UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
WARNING_LEVEL = 1


@dataclass(eq=False, slots=True)
class _Channel:
    """What is advertised."""

    number: int
    connection: Connection
    facts: dict[str, Any]
    latched: deque[tuple[int, bytes]] | None
    """Log time and bytes of what late listeners get; None: nothing."""
    subscribers: dict[Listener, bytes] = field(default_factory=dict)
    """By listener: its subscription's id as it stands in a message."""
    latched_bytes: int = 0


@dataclass(eq=False, slots=True)
class _Client:
    """What a listener has asked for."""

    subscriptions: dict[int, _Channel] = field(default_factory=dict)
    dropped: dict[int, int] = field(default_factory=dict)
    told_at: float = 0.0
    steers: bool = False
    """Whether it has ever asked something of the player, so that it knows what the player's state means."""
    request: bytes | None = None
    """The id of its last request that is not answered yet."""


class FoxgloveSinkSession:
    """A server that is running."""

    encodings: frozenset[str] = frozenset()

    def __init__(self, host: str, port: int, origins: Sequence[str] = (), limit_bytes: int = LIMIT_BYTES) -> None:
        """Listen. Raises RecorderError."""
        self._lock = threading.Lock()
        self._channels: dict[int, _Channel] = {}
        self._clients: dict[Listener, _Client] = {}
        self._notices: deque[Notice] = deque(maxlen=1000)
        self._told = ToldOnce()
        self._session = uuid.uuid4().hex
        self._time_nanos: int | None = None
        self._time_told = (0, 0.0)
        self._range: tuple[int, int] | None = None
        self._wishes: deque[Wish] = deque(maxlen=1000)
        self._state: PlayState | None = None
        self._origins = tuple(origins)
        self._server = WebSocketServer(host, port, SUBPROTOCOLS, self, self._objection, limit_bytes)
        shown = f"[{host}]" if ":" in host else host
        self.port = self._server.port
        self.description = f"Foxglove WebSocket server at ws://{shown}:{self.port}"
        if host not in LOOPBACK:
            text = f"everybody who reaches this machine can watch at port {self.port}"
            self._notices.append(Notice(Severity.WARNING, text))

    def _objection(self, origin: str | None) -> str:
        reason = objection_to(origin, self._origins)
        return f"{reason}; if it may, play --to 'foxglove:ws://HOST:PORT?origin={origin}'" if reason else ""

    def advertise(self, connection: Connection, latched: bool, keep: int = 1) -> str:
        """Offer a channel; one without its definition is refused, as viewers could make nothing of it."""
        if connection.encoding in NEEDS_DEFINITION and not connection.definition_format:
            return "its message definition is missing, and Foxglove looks for none elsewhere; --msgs names folders that have it"
        with self._lock:
            number = len(self._channels) + 1
            facts = advertisement(connection, number)
            kept = deque[tuple[int, bytes]](maxlen=max(keep, 1)) if latched else None
            self._channels[connection.id] = _Channel(number, connection, facts, kept)
            for listener in self._clients:
                self._say(listener, op="advertise", channels=[facts])
        return ""

    def publish(self, connection_id: int, payload: memoryview, log_time_nanos: int, publish_time_nanos: int) -> None:  # noqa: ARG002 - the protocol has one time
        """Put a message into the queue of everybody who has subscribed."""
        channel = self._channels[connection_id]
        nanos = min(max(log_time_nanos, 0), UINT64_MAX)
        self._tell_time(nanos)
        if channel.latched is None and not channel.subscribers:
            return
        data = bytes(payload)
        with self._lock:
            if channel.latched is not None:
                self._keep(channel, nanos, data)
            head, tail = frame_head(BINARY, DATA_HEAD.size + len(data)) + bytes((DATA,)), nanos.to_bytes(8, "little")
            for listener, subscription in channel.subscribers.items():
                listener.outgoing.put(channel.number, head + subscription + tail, data, can_go=channel.latched is None)

    def clock(self, nanos: int) -> None:
        """Tell the time."""
        self._tell_time(min(max(nanos, 0), UINT64_MAX), always=True)

    def subscribers(self, connection_id: int) -> int | None:
        """How many have subscribed."""
        return len(self._channels[connection_id].subscribers)

    def seeked(self) -> None:
        """Listeners are told to forget what they have: a new session has begun."""
        with self._lock:
            self._session = uuid.uuid4().hex
            self._time_nanos = None
            for channel in self._channels.values():
                if channel.latched is not None:
                    channel.latched.clear()
                    channel.latched_bytes = 0
            for listener, client in self._clients.items():
                listener.outgoing.forget()
                if not client.steers:
                    listener.send_text(self._server_info())

    def offer(self, start_nanos: int, end_nanos: int) -> None:
        """Let listeners pause, and jump to times between these."""
        with self._lock:
            self._range = (max(start_nanos, 0), max(end_nanos, 0))
            for listener in self._clients:
                listener.send_text(self._server_info())

    def wishes(self) -> Sequence[Wish]:
        """What listeners ask of the player."""
        found = []
        while self._wishes:
            found.append(self._wishes.popleft())
        return found

    def tell(self, state: PlayState) -> None:
        """Tell listeners how the player stands, where that has changed, and answer those who asked."""
        with self._lock:
            before, self._state = self._state, replace(state, has_jumped=False)
            is_new = before is None or replace(before, position_nanos=state.position_nanos) != state
            for listener, client in self._clients.items():
                if is_new or client.request is not None:
                    self._put_state(listener, client, state)

    def _put_state(self, listener: Listener, client: _Client, state: PlayState) -> None:
        request, client.request = client.request or b"", None
        if self._range is not None and listener.subprotocol == SUBPROTOCOLS[0]:
            message = playback_state(state, request)
            listener.outgoing.put_control(frame_head(BINARY, len(message)), message)

    def notices(self) -> Sequence[Notice]:
        """Who came and went, and what was lost by slow ones."""
        self._tell_dropped()
        found = []
        while self._notices:
            found.append(self._notices.popleft())
        return found

    def close(self) -> None:
        """Hand over what waits, and let everybody go."""
        self._server.close(CLOSE_SECS)

    def joined(self, listener: Listener) -> None:
        """Greet a listener with what there is."""
        with self._lock:
            client = self._clients[listener] = _Client()
            listener.send_text(self._server_info())
            self._say(listener, op="advertise", channels=[channel.facts for channel in self._channels.values()])
            if self._time_nanos is not None:
                self._put_time(listener, self._time_nanos)
            if self._state is not None:
                self._put_state(listener, client, self._state)
        self._notices.append(Notice(Severity.INFO, f"{listener.name} watches"))

    def left(self, listener: Listener) -> None:
        """Forget a listener."""
        with self._lock:
            client = self._clients.pop(listener, _Client())
            for channel in client.subscriptions.values():
                channel.subscribers.pop(listener, None)
        self._notices.append(Notice(Severity.INFO, f"{listener.name} is gone"))

    def refused(self, name: str, reason: str) -> None:
        """Somebody was not let in."""
        self._notices.extend(self._told.warning(f"{name.rpartition(':')[0]} was refused: {reason}"))

    def said(self, listener: Listener, kind: int, message: bytes) -> None:
        """What a listener asks for."""
        try:
            if kind != TEXT:
                self._wish(listener, message)
                return
            facts = json.loads(message)
            match facts["op"]:
                case "subscribe":
                    for item in facts["subscriptions"]:
                        self._subscribe(listener, int(item["id"]), int(item["channelId"]))
                case "unsubscribe":
                    for number in facts["subscriptionIds"]:
                        self._unsubscribe(listener, int(number))
                case op:
                    self._status(listener, f"{op!r} is not offered here")
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as err:
            self._status(listener, f"not understood: {type(err).__name__}: {err}")

    def _wish(self, listener: Listener, message: bytes) -> None:
        if message[:1] != bytes((CONTROL,)) or self._range is None:
            self._status(listener, "binary messages of this kind are not understood here")
            return
        wish, request = parse_control(message)
        if wish.position_nanos is not None:
            start, end = self._range
            wish = replace(wish, position_nanos=min(max(wish.position_nanos, start), end))
        with self._lock:
            client = self._clients[listener]
            client.steers, client.request = True, request
        self._wishes.append(wish)

    def _subscribe(self, listener: Listener, subscription: int, number: int) -> None:
        with self._lock:
            client = self._clients[listener]
            channel = next((own for own in self._channels.values() if own.number == number), None)
            reason = ""
            if channel is None:
                reason = f"there is no channel {number}"
            elif not 0 <= subscription <= UINT32_MAX or subscription in client.subscriptions:
                reason = f"subscription {subscription} is taken"
            elif listener in channel.subscribers:
                reason = f"channel {number} is subscribed to already"
            elif len(client.subscriptions) >= MAX_SUBSCRIPTIONS:
                reason = "these are too many subscriptions"
            if channel is None or reason:
                self._status(listener, reason)
                return
            client.subscriptions[subscription] = channel
            channel.subscribers[listener] = subscription.to_bytes(4, "little")
            for nanos, data in channel.latched or ():
                head = frame_head(BINARY, DATA_HEAD.size + len(data))
                listener.outgoing.put(
                    channel.number, head + DATA_HEAD.pack(DATA, subscription, nanos), data, can_go=False
                )

    def _unsubscribe(self, listener: Listener, subscription: int) -> None:
        with self._lock:
            channel = self._clients[listener].subscriptions.pop(subscription, None)
            if channel is None:
                self._status(listener, f"there is no subscription {subscription}")
                return
            channel.subscribers.pop(listener, None)
            listener.outgoing.forget(channel.number)

    def _keep(self, channel: _Channel, nanos: int, data: bytes) -> None:
        kept = channel.latched
        assert kept is not None
        if len(kept) == kept.maxlen:
            channel.latched_bytes -= len(kept.popleft()[1])
        kept.append((nanos, data))
        channel.latched_bytes += len(data)
        while channel.latched_bytes > MAX_LATCHED_BYTES and len(kept) > 1:
            channel.latched_bytes -= len(kept.popleft()[1])

    def _tell_time(self, nanos: int, *, always: bool = False) -> None:
        """Viewers show what is played at its own time, not at today's."""
        told_nanos, told_at = self._time_told
        now = time.monotonic()
        is_step = not -TIME_BACK_NANOS < nanos - told_nanos < TIME_STEP_NANOS and now - told_at >= TIME_STEP_SECS
        if not (always or is_step or self._time_nanos is None):
            return
        with self._lock:
            self._time_nanos, self._time_told = nanos, (nanos, now)
            for listener in self._clients:
                self._put_time(listener, nanos)

    def _put_time(self, listener: Listener, nanos: int) -> None:
        listener.outgoing.put(TIME_CHANNEL, frame_head(BINARY, TIME_HEAD.size) + TIME_HEAD.pack(TIME, nanos))

    def _tell_dropped(self) -> None:
        """Tell listeners, and whoever plays, what was lost because they are slow; not more than once a second."""
        now = time.monotonic()
        with self._lock:
            names = {channel.number: channel.connection.topic for channel in self._channels.values()}
            for listener, client in self._clients.items():
                for number, count in listener.outgoing.dropped().items():
                    client.dropped[number] = client.dropped.get(number, 0) + count
                client.dropped.pop(TIME_CHANNEL, None)
                if not client.dropped or now - client.told_at < STATUS_SECS:
                    continue
                client.told_at = now
                for number, count in client.dropped.items():
                    text = f"{count} messages were dropped, because {listener.name} does not take them fast enough"
                    self._status(listener, f"{names[number]}: {text}")
                    self._notices.append(Notice(Severity.WARNING, text, names[number]))
                client.dropped.clear()

    def _status(self, listener: Listener, text: str) -> None:
        self._say(listener, op="status", level=WARNING_LEVEL, message=text)

    def _server_info(self) -> str:
        facts: dict[str, Any] = {"op": "serverInfo", "name": "rrbridge play", "capabilities": ["time"]}
        if self._range is not None:
            facts["capabilities"].append("playbackControl")
            facts |= {"dataStartTime": seconds(self._range[0]), "dataEndTime": seconds(self._range[1])}
        return json.dumps(facts | {"sessionId": self._session})

    @staticmethod
    def _say(listener: Listener, **facts: Any) -> None:
        listener.send_text(json.dumps(facts))


def parse_address(address: str) -> tuple[str, int, tuple[str, ...]]:
    """Host, port and allowed origins of `HOST`, `:PORT`, `HOST:PORT` or `ws://HOST:PORT?origin=…`. Raises RecorderError."""
    if address.isdigit():
        address = f":{address}"
    parts = urlsplit(address if "://" in address else f"ws://{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as err:
        raise RecorderError(f"{address!r} is no address to listen at: {err}") from None
    if parts.scheme != "ws":
        raise RecorderError(f"{address!r}: only ws:// is served; a web server before it can make wss:// of it")
    origins = tuple(parse_qs(parts.query).get("origin", ()))
    host = DEFAULT_HOST if host in (None, "localhost") else host  # which may mean ::1 alone
    return host, DEFAULT_PORT if port is None else port, origins


@dataclass(frozen=True, slots=True)
class FoxgloveSink:
    """A Foxglove WebSocket server of our own."""

    name: str = "foxglove"
    priority: int = 10

    def signs(self, environment: Mapping[str, str]) -> str:  # noqa: ARG002 - nothing in it speaks of viewers
        """Nothing: it is named."""
        return ""

    def open(self, options: SinkOptions) -> FoxgloveSinkSession:
        """Listen at `options.address`, by default at port 8765 for this machine alone. Raises RecorderError."""
        host, port, origins = parse_address(options.address)
        try:
            return FoxgloveSinkSession(host, port, origins)
        except RecorderError as err:
            hint = f"another port can be named: --to foxglove:{host}:{port + 1}"
            raise RecorderError(f"{err}; {hint}") from None


sink = FoxgloveSink()
