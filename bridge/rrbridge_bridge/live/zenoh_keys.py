"""How `rmw_zenoh` spells ROS 2 in Zenoh: keys of topics, liveliness tokens, quality of service, attachments.

Source: ros2/rmw_zenoh, docs/design.md, `liveliness_utils.cpp`, `attachment_helpers.cpp`. Pure functions; nothing here knows
the network.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from rrbridge_bridge.live.source import UNKNOWN

__all__ = [
    "ATTACHMENT",
    "CLIENT",
    "NODE",
    "NO_HASH",
    "PUBLISHER",
    "SERVICE",
    "SUBSCRIPTION",
    "Qos",
    "Token",
    "attachment",
    "attachments",
    "dds_type",
    "every_token",
    "gid_of",
    "node_names",
    "qos_of",
    "read_attachment",
    "ros_type",
    "token_of",
    "topic_key",
]

ADMIN_SPACE = "@ros2_lv"
NODE, PUBLISHER, SUBSCRIPTION, SERVICE, CLIENT = "NN", "MP", "MS", "SS", "SC"
NO_HASH = "TypeHashNotSupported"
"""What Humble, which has no type hashes, puts in their place."""
MAX_TOKEN_CHARS = 4096
NODE_PARTS, ENDPOINT_PARTS = 9, 13
_INFINITE_SECS, _INFINITE_NANOS = 9223372036, 854775807

ATTACHMENT = np.dtype([("sequence", "<i8"), ("published", "<i8"), ("gid_size", "u1"), ("gid", "V16")])
"""What comes with each message, 33 bytes."""

_ATTACHMENT = struct.Struct("<qqB16s")
LEFT_OPEN = ("system_default", "best_available")

_RELIABILITY = MappingProxyType({1: "reliable", 2: "best_effort"})
_DURABILITY = MappingProxyType({1: "transient_local", 2: "volatile"})
_HISTORY = MappingProxyType({1: "keep_last", 2: "keep_all"})
_LIVELINESS = MappingProxyType({1: "automatic", 2: "manual_by_node", 3: "manual_by_topic"})


@dataclass(frozen=True, slots=True)
class Qos:
    """A quality of service with the names of rosbag2; what is left out of a token is `rmw_zenoh`'s default."""

    reliability: str = "reliable"
    durability: str = "volatile"
    history: str = "keep_last"
    depth: int = 42
    deadline: int = _INFINITE_SECS * 10**9 + _INFINITE_NANOS
    """Nanoseconds, as are the next ones."""
    lifespan: int = _INFINITE_SECS * 10**9 + _INFINITE_NANOS
    liveliness: str = "automatic"
    liveliness_lease_duration: int = _INFINITE_SECS * 10**9 + _INFINITE_NANOS

    @property
    def is_latched(self) -> bool:
        """Whether late listeners get what was sent before."""
        return self.durability == "transient_local"

    def asked(self, quality: Mapping[str, Any]) -> Qos:
        """This with what was asked for instead, as far as Zenoh has it; not what is left to the middleware."""
        chosen = {name: quality[name] for name in self.__slots__ if quality.get(name) not in (None, *LEFT_OPEN)}
        return replace(self, **chosen)

    def facts(self) -> Mapping[str, Any]:
        """As `rrbridge_bridge.live.qos` takes it."""
        return {name: getattr(self, name) for name in self.__slots__}

    def encoded(self) -> str:
        """The last part of a token."""
        default = Qos()

        def number(kinds: Mapping[int, str], name: str) -> str:
            value = getattr(self, name)
            return "" if value == getattr(default, name) else str(next(n for n, kind in kinds.items() if kind == value))

        def duration(name: str) -> str:
            nanos = getattr(self, name)
            parts = (nanos // 10**9, _INFINITE_SECS), (nanos % 10**9, _INFINITE_NANOS)
            return ",".join("" if value == usual else str(value) for value, usual in parts)

        depth = "" if self.depth == default.depth else str(self.depth)
        return ":".join(
            [
                number(_RELIABILITY, "reliability"),
                number(_DURABILITY, "durability"),
                f"{number(_HISTORY, 'history')},{depth}",
                duration("deadline"),
                duration("lifespan"),
                f"{number(_LIVELINESS, 'liveliness')},{duration('liveliness_lease_duration')}",
            ]
        )


def qos_of(text: str) -> Qos:
    """Out of the last part of a token. Fields that are missing or make no sense are as by default."""
    default = Qos()
    parts = [part.split(",") for part in text.split(":")]

    def number(part: int, position: int) -> int | None:
        try:
            value = parts[part][position]
        except IndexError:
            return None
        return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None

    def kind(kinds: Mapping[int, str], part: int, usual: str) -> str:
        return kinds.get(number(part, 0) or 0, usual)

    def nanos(part: int, position: int = 0) -> int:
        secs, rest = number(part, position), number(part, position + 1)
        return (_INFINITE_SECS if secs is None else secs) * 10**9 + (_INFINITE_NANOS if rest is None else rest)

    depth = number(2, 1)
    return Qos(
        kind(_RELIABILITY, 0, default.reliability),
        kind(_DURABILITY, 1, default.durability),
        kind(_HISTORY, 2, default.history),
        default.depth if depth is None else depth,
        nanos(3),
        nanos(4),
        kind(_LIVELINESS, 5, default.liveliness),
        nanos(5, 1),
    )


@dataclass(frozen=True, slots=True)
class Token:
    """What a liveliness token says: there is a node, or an endpoint of a node."""

    domain: int
    zid: str
    """Of the Zenoh session that the node is in."""
    nid: str
    """Of the node within the session."""
    eid: str
    """Of the endpoint within the session."""
    kind: str
    namespace: str
    node: str
    topic: str = ""
    """Or the name of a service; empty for a node."""
    type_name: str = ""
    """As DDS spells it, `std_msgs::msg::dds_::String_`."""
    type_hash: str = ""
    qos: Qos = field(default_factory=Qos)
    enclave: str = ""

    @property
    def full_node_name(self) -> str:
        """With its namespace."""
        return f"{self.namespace.rstrip('/')}/{self.node}"

    @property
    def endpoint(self) -> str:
        """A name that no other endpoint has, and that a restarted one does not have again."""
        return f"{self.zid}/{self.nid}/{self.eid}"

    @property
    def key(self) -> str:
        """The token itself."""
        parts = [ADMIN_SPACE, str(self.domain), self.zid, self.nid, self.eid, self.kind]
        parts += [_mangled(self.enclave), _mangled(self.namespace), self.node]
        if self.kind != NODE:
            parts += [_mangled(self.topic), _mangled(self.type_name), self.type_hash, self.qos.encoded()]
        return "/".join(parts)

    @property
    def data_key(self) -> str:
        """Where the endpoint's messages or requests go."""
        return topic_key(self.domain, self.topic, self.type_name, self.type_hash)


def token_of(key: str) -> Token | None:
    """What a token says; None if it is none, or of a form that is not known. Further parts are left alone."""
    parts = key.split("/", ENDPOINT_PARTS)
    if len(key) > MAX_TOKEN_CHARS or len(parts) < NODE_PARTS or parts[0] != ADMIN_SPACE or not parts[1].isdigit():
        return None
    domain, kind = int(parts[1]), parts[5]
    enclave, namespace, node = (_plain(part) for part in parts[6:9])
    if kind == NODE:
        return Token(domain, parts[2], parts[3], parts[4], kind, namespace, node, enclave=enclave)
    if kind not in (PUBLISHER, SUBSCRIPTION, SERVICE, CLIENT) or len(parts) < ENDPOINT_PARTS:
        return None
    topic, type_name = _plain(parts[9]), _plain(parts[10])
    qos = qos_of(parts[12])
    return Token(domain, parts[2], parts[3], parts[4], kind, namespace, node, topic, type_name, parts[11], qos, enclave)


def node_names(publishers: Sequence[Token]) -> list[str]:
    """Each node once."""
    return sorted({publisher.full_node_name for publisher in publishers})


def every_token(domain: int) -> str:
    """The key expression of all tokens of a ROS domain."""
    return f"{ADMIN_SPACE}/{domain}/**"


def topic_key(domain: int, topic: str, type_name: str, type_hash: str) -> str:
    """Where the messages of a topic go."""
    return f"{domain}/{topic.strip('/')}/{type_name}/{type_hash}"


def dds_type(msgtype: str) -> str:
    """`std_msgs/msg/String` → `std_msgs::msg::dds_::String_`."""
    *spaces, name = msgtype.split("/")
    return "::".join([*spaces, "dds_", f"{name}_"])


def ros_type(type_name: str) -> str:
    """`std_msgs::msg::dds_::String_` → `std_msgs/msg/String`."""
    parts = type_name.split("::")
    if len(parts) >= 3 and parts[-2] == "dds_" and parts[-1].endswith("_"):
        return "/".join([*parts[:-2], parts[-1][:-1]])
    return "/".join(parts)


def gid_of(token_key: str) -> bytes:
    """The 16 bytes by which an endpoint signs its messages."""
    low, high = (xxhash.xxh3_128_intdigest(token_key.encode()) >> shift & 2**64 - 1 for shift in (0, 64))
    return struct.pack("<QQ", low, high)


def attachment(sequence: int, published_nanos: int, gid: bytes) -> bytes:
    """What goes with a message."""
    return _ATTACHMENT.pack(sequence, published_nanos, 16, gid)


def read_attachment(found: bytes | None) -> tuple[bytes, int]:
    """Signature and sequence number of one message; empty and `UNKNOWN` where the form is another."""
    if found is None or len(found) != _ATTACHMENT.size or found[16] != 16:
        return b"", UNKNOWN
    sequence, _, _, gid = _ATTACHMENT.unpack(found)
    return gid, max(sequence, UNKNOWN)


def attachments(
    found: Sequence[bytes | None],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.void]]:
    """Sequence numbers, publish times and signatures of N messages; `UNKNOWN`, 0 and zeros where the form is another.

    Before 0.2.4 (2025-04-20) `rmw_zenoh` wrote other forms.
    """
    size = ATTACHMENT.itemsize
    known = np.array([a is not None and len(a) == size and a[16] == 16 for a in found], bool)
    records = np.zeros(len(found), ATTACHMENT)
    records["sequence"] = UNKNOWN
    records[known] = np.frombuffer(
        b"".join(a for a, good in zip(found, known.tolist(), strict=True) if a is not None and good), ATTACHMENT
    )
    negative = records["sequence"] < 0
    records["sequence"][negative] = UNKNOWN
    return records["sequence"].astype(np.int64), records["published"].astype(np.int64), records["gid"]


def _mangled(name: str) -> str:
    return name.replace("/", "%") or "%"


def _plain(name: str) -> str:
    return name.replace("%", "/")
