"""Publishes over Zenoh as `rmw_zenoh` does, written from what its sources say and apart from the bridge's own code.

Usage: publisher.py LOG SPEC MODE ENDPOINT; SPEC is a JSON list of `{topic, type, count, hertz, bytes, reliable, latched, depth,
wait, logged, node, hash, definition, skip, form, describe}`; the last `MODE ENDPOINT` are `peer tcp/127.0.0.1:7447` and the
like. LOG gets, per message: u32 index into SPEC | u64 time sent, nanos | u32 size | payload. Says `ready` when its publishers
are there, `done` when all is sent, and leaves when standard input ends.
"""

import json
import os
import struct
import sys
import threading
import time
from typing import Any

import numpy as np
import xxhash
import zenoh
import zenoh.ext
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

DOMAIN = os.environ.get("ROS_DOMAIN_ID", "0")
DESCRIBED = """bool successful
string failure_reason
type_description_interfaces/TypeDescription type_description
type_description_interfaces/TypeSource[] type_sources
type_description_interfaces/KeyValue[] extra_information
"""
log_path, spec, mode, endpoint = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
log = open(log_path, "wb", buffering=0)  # noqa: PTH123, SIM115
lock = threading.Lock()
store = get_typestore(Stores.ROS2_JAZZY)
for entry in spec:
    if "definition" in entry:
        store.register(get_types_from_msg(entry["definition"], entry["type"]))

config = zenoh.Config()
config.insert_json5("mode", json.dumps(mode))
config.insert_json5("connect/endpoints", json.dumps([endpoint]))
config.insert_json5("connect/exit_on_failure", "false")
config.insert_json5("connect/timeout_ms", "-1")
config.insert_json5("connect/retry", '{"period_init_ms": 100, "period_max_ms": 500, "period_increase_factor": 1.5}')
config.insert_json5("listen/endpoints", '["tcp/127.0.0.1:0"]' if mode == "peer" else "[]")
config.insert_json5("scouting/multicast/enabled", "false")
config.insert_json5("timestamping/enabled", "true")
session = zenoh.open(config)
zid = session.zid()
entities = iter(range(10, 1000))
nodes: dict[str, int] = {}
kept: list[Any] = []
"""Tokens, queryables and publishers end when nobody holds them."""


def mangled(name: str) -> str:
    return name.replace("/", "%")


def dds(msgtype: str) -> str:
    package, kind, name = msgtype.split("/")
    return f"{package}::{kind}::dds_::{name}_"


def token(node: str, kind: str, topic: str, msgtype: str, digest: str, qos: str) -> str:
    """Declares an endpoint of a node, and the node when it is new; the token."""
    namespace, _, name = node.rpartition("/")
    head = f"@ros2_lv/{DOMAIN}/{zid}"
    tail = f"%/{mangled(namespace) or '%'}/{name}"
    if node not in nodes:
        nodes[node] = len(nodes)
        kept.append(session.liveliness().declare_token(f"{head}/{nodes[node]}/{nodes[node]}/NN/{tail}"))
    key = f"{head}/{nodes[node]}/{next(entities)}/{kind}/{tail}/{mangled(topic)}/{dds(msgtype)}/{digest}/{qos}"
    kept.append(session.liveliness().declare_token(key))
    return key


def message(entry: dict[str, Any], number: int) -> bytes:
    types, msgtype = store.types, entry["type"]
    name = msgtype.rsplit("/", 1)[1]
    stamp = types["builtin_interfaces/msg/Time"](number, 5)
    header = types["std_msgs/msg/Header"](stamp, "base")
    size = entry.get("bytes", 16)
    if name == "String":
        made = types[msgtype](f"{number} " + "x" * size)
    elif name == "Image":
        data = np.resize((np.arange(256) + number).astype(np.uint8), size)
        made = types[msgtype](header, 1, size, "mono8", 0, size, data)
    elif name == "Imu":
        vector, quaternion = types["geometry_msgs/msg/Vector3"], types["geometry_msgs/msg/Quaternion"]
        nine = np.zeros(9)
        made = types[msgtype](
            header, quaternion(0, 0, 0, 1), nine, vector(number / 3, 0, 0), nine, vector(0, 0, 9.8), nine
        )
    elif name == "TransformStamped":
        vector, quaternion = types["geometry_msgs/msg/Vector3"], types["geometry_msgs/msg/Quaternion"]
        moved = types["geometry_msgs/msg/Transform"](vector(0.5 + number, 0, 0), quaternion(0, 0, 0, 1))
        made = types[msgtype](header, f"laser_{number}", moved)
    else:
        made = types[msgtype](*entry["values"])
    return bytes(store.serialize_cdr(made, msgtype))


def attached(entry: dict[str, Any], sequence: int, gid: bytes) -> bytes | None:
    """33 bytes; in earlier versions of other forms."""
    if entry.get("form") == "none":
        return None
    if entry.get("form") == "names":
        return b"sequence_number" + str(sequence).encode() + b"source_gid" + gid
    return struct.pack("<qqB", sequence, time.time_ns(), 16) + gid


def describe(node: str) -> None:
    """Answers what types are made of, as every node of ROS 2 does since Iron."""
    store.register(get_types_from_msg(DESCRIBED, "type_description_interfaces/msg/Described"))
    service, msgtype = f"{node}/get_type_description", "type_description_interfaces/srv/GetTypeDescription"
    digest = "RIHS01_" + "0123456789abcdef" * 4
    token(node, "SS", service, msgtype, digest, "::,1000:,:,:,,")
    types = store.types

    def fields(name: str) -> Any:
        kind = types["type_description_interfaces/msg/FieldType"](4, 0, 0, "")
        field = types["type_description_interfaces/msg/Field"]("some_field", kind, "")
        return types["type_description_interfaces/msg/IndividualTypeDescription"](name, [field, field])

    def answer(query: zenoh.Query) -> None:
        assert query.payload is not None
        asked = query.payload.to_bytes()
        assert asked[:4] == b"\0\1\0\0"
        name, at = text_at(asked, 4)
        digest, at = text_at(asked, at)
        assert asked[at:] == b"\1"
        known = name in store.fielddefs and store.hash_rihs01(name) == digest
        used = [name] if known else []
        for one in used:
            used += [t for t in references(one) if t not in used]
        sources = [types["type_description_interfaces/msg/TypeSource"](t, "msg", own_text(t)) for t in used]
        described = types["type_description_interfaces/msg/TypeDescription"](fields(name), [fields(t) for t in used])
        made = types["type_description_interfaces/msg/Described"](
            known, "" if known else "unknown hash", described, sources, []
        )
        payload = bytes(store.serialize_cdr(made, "type_description_interfaces/msg/Described"))
        query.reply(query.key_expr, payload, attachment=query.attachment)

    key = f"{DOMAIN}/{service.strip('/')}/{dds(msgtype)}/{digest}"
    kept.append(session.declare_queryable(key, answer, complete=True))


def text_at(data: bytes, at: int) -> tuple[str, int]:
    at += -at % 4
    (size,) = struct.unpack_from("<I", data, at)
    return data[at + 4 : at + 3 + size].decode(), at + 4 + size


def own_text(msgtype: str) -> str:
    return str(store.generate_msgdef(msgtype, ros_version=2)[0]).split("=" * 80)[0]


def references(msgtype: str) -> list[str]:
    parts = store.generate_msgdef(msgtype, ros_version=2)[0].split("MSG: ")[1:]
    return ["/msg/".join(part.split("\n", 1)[0].split("/")) for part in parts]


def wanted(key: tuple[str, str, str]) -> bool:
    """Whether some subscription of this topic, type and hash is there."""
    topic, msgtype, digest = key
    found = session.liveliness().get(f"@ros2_lv/{DOMAIN}/*/*/*/MS/*/*/*/{mangled(topic)}/{dds(msgtype)}/{digest}/*")
    return any(reply.ok is not None for reply in found)


def run(index: int, entry: dict[str, Any], key: tuple[str, str, str], publisher: Any, gid: bytes) -> None:
    while entry.get("wait", True) and not wanted(key):
        time.sleep(0.02)
    if entry.get("wait", True):
        time.sleep(0.2)
    began, sequence = time.monotonic(), 0
    same = message(entry, 0) if entry.get("same") else None
    for number in range(entry["count"]):
        payload = same or message(entry, number)
        sequence += 1
        if entry.get("skip") and number % entry["skip"] == entry["skip"] - 1:
            continue  # as if it had been lost on the way
        if entry.get("logged", True):
            with lock:
                log.write(struct.pack("<IQI", index, time.time_ns(), len(payload)) + payload)
        publisher.put(payload, attachment=attached(entry, sequence, gid))
        pause = began + (number + 1) / entry.get("hertz", 50) - time.monotonic()
        if pause > 0:
            time.sleep(pause)


threads = []
for index, entry in enumerate(spec):
    node = entry.get("node", "/talker")
    if entry.get("describe"):
        describe(node)
    digest = entry.get("hash") or store.hash_rihs01(entry["type"])
    reliable, latched, depth = entry.get("reliable", True), entry.get("latched", False), entry.get("depth", 100)
    qos = f"{'' if reliable else 2}:{1 if latched else ''}:,{depth}:,:,:,,"
    topic = entry["topic"]
    options: dict[str, Any] = {}
    if latched:
        options = {"cache": zenoh.ext.CacheConfig(depth), "publisher_detection": True}
        if reliable:
            options["sample_miss_detection"] = zenoh.ext.MissDetectionConfig(heartbeat=None, sporadic_heartbeat=0.5)
    publisher = zenoh.ext.declare_advanced_publisher(
        session,
        f"{DOMAIN}/{topic.strip('/')}/{dds(entry['type'])}/{digest}",
        congestion_control=zenoh.CongestionControl.BLOCK,  # else it drops by itself what a busy machine does not take at once,
        reliability=zenoh.Reliability.RELIABLE,  # as it does what is not reliable, however congested it is
        **options,
    )
    kept.append(publisher)
    key = token(node, "MP", topic, entry["type"], digest, qos)
    hashed = xxhash.xxh3_128(key.encode()).intdigest()
    gid = struct.pack("<QQ", hashed & (2**64 - 1), hashed >> 64)
    arguments = (index, entry, (topic, entry["type"], digest), publisher, gid)
    threads.append(threading.Thread(target=run, args=arguments, daemon=True))
for thread in threads:
    thread.start()
print("ready", flush=True)
for thread in threads:
    thread.join()
print("done", flush=True)
sys.stdin.read()
session.close()  # type: ignore[no-untyped-call]
