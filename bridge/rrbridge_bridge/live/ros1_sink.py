"""Publishing to ROS 1 by its own protocol: no rospy, nothing but the standard library."""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rrbridge.errors import RecorderError, UnknownTypeError
from rrbridge_bridge.live.ros1_master import MasterBack, MasterGone, MasterWatch, Role, Told
from rrbridge_bridge.live.ros1_rpc import CallError, Slave, own_address
from rrbridge_bridge.live.ros1_server import Publication, TopicServer
from rrbridge_bridge.live.ros1_where import PRIORITY, check_master, master_uri, signs
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers._names import short_type_name

__all__ = ["Ros1Sink", "Ros1SinkSession", "sink"]

CLOSE_SECS = 1.5
CLOCK = "/clock"
CLOCK_CONNECTION = Connection(
    -1,
    CLOCK,
    "rosgraph_msgs/msg/Clock",
    "ros1",
    "time clock\n",
    "ros1msg",
    {"md5sum": "a9c97c1d230cfc112e270351a944ee47"},
)
TIME = struct.Struct("<II")
MAX_SECONDS = 2**32 - 1


class Ros1SinkSession:
    """A node that publishes."""

    encodings = frozenset({"ros1"})

    def __init__(self, uri: str, node_name: str, environment: Mapping[str, str]) -> None:
        """Raises RecorderError."""
        self.description = f"ros1, master {uri}"
        self.name = f"/{node_name}_{os.getpid()}_{time.time_ns() // 1_000_000}"
        self._publications: dict[str, Publication] = {}
        self._by_connection: dict[int, Publication] = {}
        self._keeps: dict[int, int] = {}
        self._notices: deque[Notice] = deque()
        self._slow: dict[tuple[str, str], int] = {}
        self._ended = ""
        address, self._host = own_address(environment)
        try:
            self._server = TopicServer(address, self.name, self._lost)
        except OSError as err:
            raise RecorderError(f"cannot listen at {address}: {err.strerror or err}; see ROS_IP") from err
        try:
            self._slave = Slave(address, self._host, uri, self._methods())
        except RecorderError:
            self._server.close(0.0)
            raise
        self._watch = MasterWatch(uri, self.name, self._slave.uri, self._told)
        self._watch.start()

    def advertise(self, connection: Connection, latched: bool, keep: int = 1) -> str:
        """Offer a topic; connections of one topic must have one type, for a node has one publisher of it."""
        msgtype = short_type_name(connection.msgtype)
        known = self._publications.get(connection.topic)
        try:
            md5sum = connection.metadata.get("md5sum") or md5sum_of(connection)
        except UnknownTypeError as err:
            return f"{err}; name the folder of its definition"
        if known is not None and (known.msgtype, known.md5sum) != (msgtype, md5sum):
            return f"the topic is published as {known.msgtype} ({known.md5sum}) already, this is {msgtype} ({md5sum})"
        publication = known or Publication(connection.topic, msgtype, md5sum, connection.definition)
        publication.is_latched |= latched
        if latched:
            self._keeps[connection.id] = keep
        self._by_connection[connection.id] = publication
        if known is None:
            self._publications[connection.topic] = publication
            self._server.add(publication)
            self._watch.want(Role(connection.topic, msgtype, publishes=True))
        return ""

    def publish(self, connection_id: int, payload: memoryview, log_time_nanos: int, publish_time_nanos: int) -> None:  # noqa: ARG002
        """Send a message to who listens; waits at most half a second for one who is slow. Raises RecorderError."""
        if self._ended:
            raise RecorderError(self._ended)
        self._server.publish(
            self._by_connection[connection_id], payload, connection_id, self._keeps.get(connection_id, 0)
        )

    def clock(self, nanos: int) -> None:
        """Publish it on `/clock`; times that ROS 1 cannot tell are left out."""
        if CLOCK_CONNECTION.id not in self._by_connection:
            why = self.advertise(CLOCK_CONNECTION, latched=False)
            if why:
                raise RecorderError(f"{CLOCK}: {why}")
        seconds, rest = divmod(nanos, 10**9)
        if 0 <= seconds <= MAX_SECONDS:
            self.publish(CLOCK_CONNECTION.id, memoryview(TIME.pack(seconds, rest)), nanos, nanos)

    def subscribers(self, connection_id: int) -> int | None:
        """How many are connected."""
        return len(self._by_connection[connection_id].subscribers)

    def seeked(self) -> None:
        """Nothing: ROS 1 has no word for it; `/clock` jumps, and nodes notice that."""

    def notices(self) -> Sequence[Notice]:
        """Since the last time."""
        found = []
        while self._notices:
            found.append(self._notices.popleft())
        slow, self._slow = self._slow, {}
        for (caller, topic), count in slow.items():
            text = f"{caller} takes messages too slowly: {count} were not sent to it"
            found.append(Notice(Severity.WARNING, text, topic))
        return found

    def close(self) -> None:
        """Send what waits, and leave."""
        self._server.close(CLOSE_SECS)
        self._watch.stop()
        self._slave.close()

    def _lost(self, caller: str, topic: str, count: int) -> None:
        self._slow[caller, topic] = self._slow.get((caller, topic), 0) + count

    def _told(self, told: Told) -> None:
        match told:
            case MasterGone(reason):
                text = f"the ROS master does not answer ({reason}): who listens already goes on hearing"
                self._notices.append(Notice(Severity.WARNING, text))
            case MasterBack(is_new):
                text = (
                    "the ROS master was started again, and we have registered again" if is_new else "it answers again"
                )
                self._notices.append(Notice(Severity.INFO, text))

    def _methods(self) -> Mapping[str, Any]:
        """What differs from a node that does nothing; http://wiki.ros.org/ROS/Slave_API."""

        def request_topic(_: str, topic: str, protocols: Any) -> list[Any]:
            if topic not in self._publications:
                raise CallError(f"{topic} is not published here")
            if ["TCPROS"] not in [list(protocol)[:1] for protocol in protocols]:
                raise CallError("only TCPROS is spoken here")
            return ["TCPROS", self._host, self._server.port]

        def shutdown(caller: str, reason: str = "") -> int:
            self._ended = f"{caller} asks to end{': ' + reason if reason else ''}"
            return 0

        return {
            "getBusInfo": lambda _: [[i, n, "o", "TCPROS", t, True] for i, (n, t) in enumerate(self._server.links())],
            "getPublications": lambda _: [[p.topic, p.msgtype] for p in list(self._publications.values())],
            "requestTopic": request_topic,
            "shutdown": shutdown,
        }


def md5sum_of(connection: Connection) -> str:
    """By the definition; http://wiki.ros.org/ROS/Technical%20Overview. Raises UnknownTypeError."""
    from rrbridge_bridge.writers._typestores import fields_of, store_of

    fields = fields_of(connection, (), "")
    return str(store_of(fields).generate_msgdef(connection.msgtype, 1)[1])


@dataclass(frozen=True, slots=True)
class Ros1Sink:
    """ROS 1 by its own protocol."""

    name: str = "ros1"
    priority: int = PRIORITY

    def signs(self, environment: Mapping[str, str]) -> str:
        """Of the protocol."""
        return signs(environment)

    def open(self, options: SinkOptions) -> Ros1SinkSession:
        """Find the master. Raises RecorderError."""
        uri = master_uri(options.address, os.environ)
        check_master(uri)
        return Ros1SinkSession(uri, options.node_name, os.environ)


sink = Ros1Sink()
