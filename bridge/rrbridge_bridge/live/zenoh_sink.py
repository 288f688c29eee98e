"""Playing to ROS 2 over Zenoh, as a node of `rmw_zenoh` publishes: no ROS is needed here."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.qos import profile_to_offer
from rrbridge_bridge.live.qos_overrides import asked_quality
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.live.source import Notice
from rrbridge_bridge.live.zenoh import source
from rrbridge_bridge.live.zenoh_definitions import Definitions, hash_of
from rrbridge_bridge.live.zenoh_keys import (
    PUBLISHER,
    SUBSCRIPTION,
    Qos,
    attachment,
    dds_type,
    every_token,
    gid_of,
    token_of,
)
from rrbridge_bridge.live.zenoh_network import Joined, join, told
from rrbridge_bridge.live.zenoh_node import Node
from rrbridge_bridge.raw import Connection

if TYPE_CHECKING:
    import zenoh

__all__ = ["ZenohSink", "ZenohSinkSession", "sink"]

CLOCK_TYPE = "rosgraph_msgs/msg/Clock"
CLOCK_ID = -1
VOLATILE_DEPTH = 1000
HASH_KEYS = ("topic_type_hash", "type_description_hash")
"""Where recordings keep the hash of a type."""
LATE_SECS = 0.7
"""A latched publisher tells its last number so much later, by which a listener learns what it lacks."""


@dataclass(slots=True, eq=False)
class _Publisher:
    zenoh: Any
    token: zenoh.LivelinessToken
    data_key: str
    gid: bytes
    sequence: int = 0


class ZenohSinkSession:
    """A node that publishes."""

    encodings = frozenset({"cdr"})

    def __init__(self, joined: Joined, options: SinkOptions, definitions: Definitions) -> None:
        self._session = joined.session
        self._domain = joined.domain
        self._overrides = options.qos_overrides
        self._definitions = definitions
        self._notices: deque[Notice] = deque(joined.notices)
        self._node = Node(joined, f"{options.node_name}_{os.getpid()}")
        self._publishers: dict[int, _Publisher] = {}
        self._listeners: dict[str, str] = {}
        """What each subscription listens to, by its token."""
        self._lock = threading.Lock()
        self._late_until = 0.0
        self._closed = False
        self.description = joined.description
        self._graph = self._session.liveliness().declare_subscriber(
            every_token(self._domain), self._saw_token, history=True
        )

    def advertise(self, connection: Connection, latched: bool, keep: int = 1) -> str:
        """Get ready to publish; empty, or why it cannot be played."""
        type_hash = self._hash_of(connection)
        if not type_hash:
            return (
                f"there is no definition of {connection.msgtype}, without whose hash no listener finds it; source the "
                f"workspace that has {connection.msgtype.partition('/')[0]}"
            )
        offered = connection.metadata.get("offered_qos_profiles", "")
        asked = profile_to_offer(offered, latched=latched, depth=keep if latched else VOLATILE_DEPTH)
        asked |= asked_quality(self._overrides.get(connection.topic))
        self._publishers[connection.id] = self._publisher(
            connection.topic, connection.msgtype, type_hash, Qos().asked(asked)
        )
        return ""

    def publish(
        self,
        connection_id: int,
        payload: memoryview,
        log_time_nanos: int,  # noqa: ARG002 - messages carry their own stamps
        publish_time_nanos: int,  # noqa: ARG002 - listeners measure delays against the time of now
    ) -> None:
        """Send a message. Raises RecorderError when the session has ended."""
        self._put(self._publishers[connection_id], bytes(payload))

    def clock(self, nanos: int) -> None:
        """Publish `/clock`."""
        if CLOCK_ID not in self._publishers:
            qos = Qos(reliability="best_effort", depth=1)
            type_hash = self._definitions.standard_hash(CLOCK_TYPE)
            self._publishers[CLOCK_ID] = self._publisher("/clock", CLOCK_TYPE, type_hash, qos)
        payload = struct.pack("<4siI", b"\0\1\0\0", nanos // 10**9, nanos % 10**9)
        self._put(self._publishers[CLOCK_ID], payload)

    def subscribers(self, connection_id: int) -> int | None:
        """How many listen now."""
        key = self._publishers[connection_id].data_key
        with self._lock:
            return sum(listened == key for listened in self._listeners.values())

    def seeked(self) -> None:
        """Nothing in ROS 2 tells of a jump but `/clock` itself."""

    def notices(self) -> Sequence[Notice]:
        """What has happened since this was last asked."""
        found = list(self._notices)
        self._notices.clear()
        return found

    def close(self) -> None:
        """Leave the graph. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        time.sleep(max(self._late_until - time.monotonic(), 0.0))
        self._session.close()  # type: ignore[no-untyped-call]

    def _hash_of(self, connection: Connection) -> str:
        recorded = (connection.metadata.get(key, "") for key in HASH_KEYS)
        if found := next((text for text in recorded if text.startswith("RIHS01_")), ""):
            return found
        if connection.definition and connection.definition_format == "ros2msg":
            return hash_of(connection.msgtype, connection.definition)
        return self._definitions.standard_hash(connection.msgtype)

    def _publisher(self, topic: str, msgtype: str, type_hash: str, qos: Qos) -> _Publisher:
        import zenoh
        import zenoh.ext

        token = self._node.token(PUBLISHER, topic, dds_type(msgtype), type_hash, qos)
        reliable = qos.reliability == "reliable"
        more: dict[str, Any] = {}
        if qos.is_latched:
            more = {"cache": zenoh.ext.CacheConfig(max(qos.depth, 1)), "publisher_detection": True}
            if reliable:
                more["sample_miss_detection"] = zenoh.ext.MissDetectionConfig(heartbeat=None, sporadic_heartbeat=0.5)
        # rmw_zenoh blocks only for publishers that keep everything; what is played should arrive
        congestion = zenoh.CongestionControl.BLOCK if reliable else zenoh.CongestionControl.DROP
        publisher = zenoh.ext.declare_advanced_publisher(
            self._session,
            token.data_key,
            congestion_control=congestion,
            reliability=zenoh.Reliability.RELIABLE if reliable else zenoh.Reliability.BEST_EFFORT,
            **more,
        )
        declared = self._node.declare(token)
        if qos.is_latched:
            self._late_until = time.monotonic() + LATE_SECS
        return _Publisher(publisher, declared, token.data_key, gid_of(token.key))

    def _put(self, publisher: _Publisher, payload: bytes) -> None:
        import zenoh

        publisher.sequence += 1
        try:
            publisher.zenoh.put(payload, attachment=attachment(publisher.sequence, time.time_ns(), publisher.gid))
        except zenoh.ZError as err:
            text = f"{publisher.data_key} could not be published: {told(err)}; the Zenoh session has ended, play again"
            raise RecorderError(text) from err

    def _saw_token(self, sample: zenoh.Sample) -> None:
        import zenoh

        key = str(sample.key_expr)
        token = token_of(key)
        if token is not None and token.kind == SUBSCRIPTION:
            with self._lock:
                if sample.kind == zenoh.SampleKind.PUT:
                    self._listeners[key] = token.data_key
                else:
                    self._listeners.pop(key, None)


@dataclass(frozen=True, slots=True)
class ZenohSink:
    """ROS 2 over Zenoh."""

    name: str = source.name
    priority: int = source.priority

    def signs(self, environment: Mapping[str, str]) -> str:
        """What speaks for recording from it speaks for playing to it."""
        return source.signs(environment)

    def open(self, options: SinkOptions) -> ZenohSinkSession:
        """Join the network. Raises RecorderError with a sentence that says what to do."""
        return ZenohSinkSession(join(options.address), options, Definitions(os.environ))


sink = ZenohSink()
