"""Hears ROS 2 over DDS by Cyclone DDS, without ROS, and hands raw messages to the recorder over a pipe.

A process of its own: a C library listens to the network in it. Started by `rrbridge_bridge.live.dds` under our own Python;
commands and frames are those of `rclpy_worker`, which says how they are laid out.

Bytes come from the C layer as they were sent, whatever the type. A publisher that says nothing about its type (Fast DDS of ROS 2
Jazzy and before, rmw_cyclonedds) is matched by the type's name alone. Newer ones describe it (XTypes), and the reader needs a
type that fits: it is built from the definitions that `rosbags` knows. Where Cyclone cannot take what Fast DDS describes
(sequences without a bound), nothing matches, and that is told.
"""

from __future__ import annotations

import importlib.metadata
import os
import queue
import signal
import sys
import time
from typing import Any

from cyclonedds._clayer import ddspy_take
from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication
from cyclonedds.core import InstanceState, Policy, Qos, SampleState, ViewState
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import annotations as annotate
from cyclonedds.idl import make_idl_struct
from cyclonedds.idl import types as idl
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

from rclpy_side.pipe import RECORD, Pipe
from rclpy_side.process import first_line, leave_soon, listen, open_pipe
from rclpy_side.quality import fitted_kinds

POLL_SECS = 0.002
SCAN_SECS = 0.1
ALIVE_SECS = 1.0
BLOCK_SECS = 0.05
BLOCK_BYTES = 512 << 10
MATCH_SECS = 4.0
QUIET_SECS = 0.3
TAKE = 500
DEPTH = 10_000
MASK = int(SampleState.Any | ViewState.Any | InstanceState.Any)
INFINITE = 2**63 - 1
PREFIX = "rt/"
LOOPBACK = """<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>
<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex><Peers><Peer address="127.0.0.1"/></Peers></Discovery>
</Domain></CycloneDDS>"""
"""Finds Fast DDS with LOCALHOST range; multicast on `lo` does not."""
BASIC = {
    **{f"{kind}{bits}": getattr(idl, f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    "bool": bool,
    "byte": idl.byte,
    "octet": idl.byte,
    "char": idl.uint8,
    "string": str,
    "float32": idl.float32,
    "float64": idl.float64,
}
UNMATCHED = (
    "its publisher describes the type in a way that Cyclone DDS cannot take (Fast DDS 3 does, for sequences without a bound), "
    "or no definition of it is known here; record it by rclpy: --from rclpy"
)


def main() -> int:
    """Run; returns the exit status."""
    pipe = open_pipe()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    domain = int(os.environ.get("ROS_DOMAIN_ID", "") or 0)
    local = (
        os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") == "LOCALHOST" or os.environ.get("ROS_LOCALHOST_ONLY") == "1"
    )
    if local:
        os.environ.setdefault("CYCLONEDDS_URI", LOOPBACK)
    try:
        worker = Worker(pipe, domain)
    except Exception as err:  # noqa: BLE001 - whatever the C library says about the network; the text tells it
        pipe.event("no_dds", text=first_line(err))
        return 3
    version = importlib.metadata.version("cyclonedds")
    pipe.event("hello", distro="", rmw=f"Cyclone DDS {version}", domain=domain, prefixes=[])
    commands: queue.Queue[dict[str, Any]] = queue.Queue()
    listen(commands)
    worker.run(commands)
    leave_soon(0)
    return 0


class Reader:
    """One recorded topic and type."""

    def __init__(self, command: dict[str, Any]) -> None:
        self.number = command["id"]
        self.topic = command["topic"]
        self.msgtype = command["type"]
        self.asked: dict[str, Any] = command.get("asked") or {}
        self.since = time.monotonic()
        self.told = False
        self.kinds: set[tuple[bool, bool]] = set()
        self.entities: list[tuple[Any, Any]] = []
        self.publishers: dict[int, int] = {}
        self.records: list[bytes] = []
        self.payloads: list[bytes] = []
        self.size = 0
        self.first = 0.0
        self.recent: dict[tuple[int, int], None] = {}

    def flush(self, pipe: Pipe) -> None:
        """Send on what was taken."""
        if self.payloads:
            pipe.messages(self.number, self.records, self.payloads, self.size)
        self.records, self.payloads, self.size = [], [], 0


class Worker:
    """The graph as Cyclone DDS sees it, and what is recorded of it."""

    def __init__(self, pipe: Pipe, domain: int) -> None:
        self.pipe = pipe
        self.participant = DomainParticipant(domain)
        self.discovery = BuiltinDataReader(self.participant, BuiltinTopicDcpsPublication)
        self.publishers: dict[str, dict[str, dict[str, Any]]] = {}
        self.readers: dict[int, Reader] = {}
        self.described: dict[tuple[str, str], bool] = {}
        self.next_alive = 0.0

    def run(self, commands: queue.Queue[dict[str, Any]]) -> None:
        """Until told to stop."""
        next_scan = 0.0
        while True:
            while not commands.empty():
                command = commands.get()
                if command["do"] == "stop":
                    self.finish()
                    return
                if command["do"] == "subscribe":
                    self.start(command)
                if command["do"] == "describe":
                    text = "over DDS nobody is asked"
                    facts = {"id": command["id"], "type": command["type"], "sources": [], "text": text}
                    self.pipe.event("description", **facts)
            now = time.monotonic()
            if now >= next_scan:
                self.scan()
                self.look_at_matches(now)
                next_scan = now + SCAN_SECS
            if now >= self.next_alive:
                self.next_alive = now + ALIVE_SECS
                self.pipe.event("alive")
            if not self.drain():
                time.sleep(POLL_SECS)

    def finish(self) -> None:
        """Hand over what is on its way."""
        began = quiet = time.monotonic()
        while time.monotonic() < min(quiet + QUIET_SECS, began + 3 * QUIET_SECS):
            if self.drain():
                quiet = time.monotonic()
            else:
                time.sleep(POLL_SECS)
        for reader in self.readers.values():
            reader.flush(self.pipe)
        self.pipe.event("bye", unsettled=[])

    def scan(self) -> None:
        """Tell of topics whose publishers have changed."""
        changed = set()
        for found in self.discovery.take(N=TAKE):
            gid = found.key.hex
            if found.topic_name is None:  # it has gone: only its key is known
                for topic, known in self.publishers.items():
                    if known.pop(gid, None) is not None:
                        changed.add(topic)
            elif found.topic_name.startswith(PREFIX) and "::dds_::" in found.type_name:
                topic = found.topic_name[len(PREFIX) - 1 :]
                publisher = described_publisher(found, gid)
                self.described[topic, publisher["type"]] = publisher.pop("describes")
                self.publishers.setdefault(topic, {})[gid] = publisher
                changed.add(topic)
        for topic in changed:
            publishers = list(self.publishers[topic].values())
            self.pipe.event("topic", topic=topic, types=[], publishers=publishers)
            for reader in self.readers.values():
                if reader.topic == topic:
                    self.fit(reader)

    def start(self, command: dict[str, Any]) -> None:
        """Begin to record one topic and type."""
        reader = Reader(command)
        try:
            self.fit(reader)
        except Exception as err:  # noqa: BLE001 - what one type does must not end the recording of the others
            self.refuse(reader, first_line(err))
            return
        self.readers[reader.number] = reader

    def fit(self, reader: Reader) -> None:
        """Listen so that every publisher is heard."""
        known = self.publishers.get(reader.topic, {}).values()
        kinds = fitted_kinds([p for p in known if p["type"] == reader.msgtype], reader.asked)
        if not kinds - reader.kinds:
            return
        kind_class = self.kind_class(reader)
        for reliable, transient in kinds - reader.kinds:
            qos = Qos(
                Policy.Reliability.Reliable(duration(seconds=1)) if reliable else Policy.Reliability.BestEffort,
                Policy.Durability.TransientLocal if transient else Policy.Durability.Volatile,
                Policy.History.KeepLast(DEPTH),
                Policy.DataRepresentation(use_cdrv0_representation=True),
            )
            topic = Topic(self.participant, PREFIX + reader.topic.lstrip("/"), kind_class)
            reader.entities.append((DataReader(self.participant, topic, qos=qos), topic))
        again = bool(reader.kinds) and reader.told
        reader.kinds |= kinds
        if again:
            self.tell(reader, again=True)

    def kind_class(self, reader: Reader) -> Any:
        """A type that fits what publishers say of theirs."""
        if self.described.get((reader.topic, reader.msgtype)):
            return described_type(reader.msgtype)
        package, kind, name = reader.msgtype.split("/")
        return annotate.final(make_idl_struct("Raw", f"{package}.{kind}.dds_.{name}_", {"octet": idl.uint8}))

    def look_at_matches(self, now: float) -> None:
        """Tell which readers hear their publishers, and which never will."""
        for reader in list(self.readers.values()):
            if reader.told:
                continue
            if any(entity.get_matched_publications() for entity, _ in reader.entities):
                reader.told = True
                self.tell(reader, again=False)
            elif now > reader.since + MATCH_SECS and self.publishers.get(reader.topic):
                del self.readers[reader.number]
                self.refuse(reader, UNMATCHED)

    def tell(self, reader: Reader, *, again: bool) -> None:
        """That a topic is recorded."""
        profiles = [{"reliable": r, "transient_local": t} for r, t in sorted(reader.kinds)]
        self.pipe.event("subscribed", id=reader.number, topic=reader.topic, again=again, profiles=profiles)

    def refuse(self, reader: Reader, text: str) -> None:
        """That it is not."""
        facts = {"id": reader.number, "topic": reader.topic, "type": reader.msgtype}
        self.pipe.event("refused", **facts, missing=False, text=text)

    def drain(self) -> int:
        """One turn for every topic; how many messages were taken."""
        taken = 0
        now = time.monotonic()
        for reader in self.readers.values():
            if not reader.told:
                continue
            for entity, _ in reader.entities:
                samples = ddspy_take(entity._ref, MASK, TAKE)
                if isinstance(samples, int):
                    continue
                taken += len(samples)
                for payload, info in samples:
                    if info.valid_data:
                        self.take(reader, payload, info)
            if reader.payloads and now - reader.first > BLOCK_SECS:
                reader.flush(self.pipe)
        return taken

    def take(self, reader: Reader, payload: bytes, info: Any) -> None:
        """Put one message into the block."""
        if len(reader.entities) > 1:
            key = (info.source_timestamp, hash(payload))
            if key in reader.recent:
                return
            reader.recent[key] = None
            if len(reader.recent) > DEPTH:
                reader.recent.pop(next(iter(reader.recent)))
        received = time.time_ns()
        published = info.source_timestamp if info.source_timestamp > 0 else received
        publisher = reader.publishers.setdefault(info.publication_handle, len(reader.publishers) + 1)
        reader.records.append(RECORD.pack(received, published, -1, len(payload), publisher))
        if not reader.payloads:
            reader.first = time.monotonic()
        reader.payloads.append(payload)
        reader.size += len(payload)
        if reader.size >= BLOCK_BYTES:
            reader.flush(self.pipe)


def described_publisher(found: Any, gid: str) -> dict[str, Any]:
    """What is known of a publisher, as JSON takes it."""
    policies = {str(policy).partition("(")[0]: policy for policy in found.qos}
    hashed = bytes(getattr(policies.get("Policy.Userdata"), "data", b""))
    told = dict(part.split("=", 1) for part in hashed.decode("ascii", "replace").split(";") if "=" in part)
    space, _, name = found.type_name.rpartition("::dds_::")

    def nanos(kind: str, field: str) -> int:
        value = getattr(policies.get(f"Policy.{kind}"), field, INFINITE)
        return int(min(value, INFINITE))

    return {
        "node": "_NODE_NAME_UNKNOWN_",  # as rmw names it
        "namespace": "",
        "type": "/".join([*space.split("::"), name.removesuffix("_")]),
        "gid": gid,
        "hash": told.get("typehash"),
        "history": "unknown",  # publishers do not tell
        "depth": 0,
        "reliability": "best_effort" if "Policy.Reliability.BestEffort" in policies else "reliable",
        "durability": "transient_local" if "Policy.Durability.TransientLocal" in policies else "volatile",
        "liveliness": "automatic",
        "deadline": nanos("Deadline", "deadline"),
        "lifespan": nanos("Lifespan", "lifespan"),
        "liveliness_lease_duration": INFINITE,
        "describes": found.type_id is not None,
    }


def described_type(msgtype: str) -> Any:
    """The type as Cyclone has it, built from what `rosbags` knows of it. Raises KeyError."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_KILTED)
    if msgtype not in store.fielddefs:
        raise KeyError(f"{msgtype} describes itself, and no definition of it is known here; use --from rclpy")
    return struct_of(store.fielddefs, msgtype, {})


def struct_of(definitions: Any, msgtype: str, made: dict[str, Any]) -> Any:
    """A structure and those within it."""
    if msgtype not in made:
        package, kind, name = msgtype.split("/")
        fields = {field: kind_of(definitions, described, made) for field, described in definitions[msgtype][1]}
        fields = fields or {"structure_needs_at_least_one_member": idl.uint8}
        made[msgtype] = annotate.final(make_idl_struct(f"{name}_", f"{package}.{kind}.dds_.{name}_", fields))
    return made[msgtype]


def kind_of(definitions: Any, described: Any, made: dict[str, Any]) -> Any:
    """The type of a field."""
    from rosbags.interfaces import Nodetype

    node, argument = described
    if node == Nodetype.BASE:
        name, limit = argument
        return idl.bounded_str[limit] if name == "string" and limit else BASIC[name]
    if node == Nodetype.NAME:
        return struct_of(definitions, argument, made)
    inner, count = argument
    item = kind_of(definitions, inner, made)
    if node == Nodetype.ARRAY:
        return idl.array[item, count]
    return idl.sequence[item, count] if count else idl.sequence[item]


if __name__ == "__main__":
    sys.exit(main())
