"""Messages that lie about their lengths: they are found, named, left out, and cost no memory."""

from __future__ import annotations

import random
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from rrbridge.errors import DecodeError
from rrbridge_bridge.decode import BadMessagesError, Decode, Wire, decode_what_can, decoder_for, plan_for, registry_for
from rrbridge_bridge.decode.tree import ArrayOf, Message, Primitive, SequenceOf
from rrbridge_bridge.raw import Connection, RawBatch

STORE = get_typestore(Stores.ROS2_HUMBLE)
TYPES = STORE.types
FRAMES = ["", "map", "base_link"]


def connection(msgtype: str, encoding: str = "cdr") -> Connection:
    return Connection(1, "/topic", msgtype, encoding)


def header(i: int) -> Any:
    return TYPES["std_msgs/msg/Header"](TYPES["builtin_interfaces/msg/Time"](i, i), FRAMES[i % 3])


def joint_state(i: int) -> Any:
    names = [f"joint{k}" for k in range(i % 5)]
    numbers = np.arange(i % 5, dtype=np.float64)
    return TYPES["sensor_msgs/msg/JointState"](header(i), names, numbers, numbers, numbers[:0])


def transforms(i: int) -> Any:
    geometry = TYPES["geometry_msgs/msg/Transform"](
        TYPES["geometry_msgs/msg/Vector3"](i, 0, 0), TYPES["geometry_msgs/msg/Quaternion"](0, 0, 0, 1)
    )
    one = TYPES["geometry_msgs/msg/TransformStamped"](header(i), "child", geometry)
    return TYPES["tf2_msgs/msg/TFMessage"]([one] * (i % 4))


MAKERS = {"sensor_msgs/msg/JointState": joint_state, "tf2_msgs/msg/TFMessage": transforms}


def blobs_of(msgtype: str, count: int) -> list[bytes]:
    return [bytes(STORE.serialize_cdr(MAKERS[msgtype](i), msgtype)) for i in range(count)]


def test_a_lying_length_is_named_with_its_facts() -> None:
    blobs = blobs_of("sensor_msgs/msg/JointState", 6)
    bad = bytearray(blobs[4])
    bad[12:16] = struct.pack("<I", 0xFFFFFFF0)
    blobs[4] = bytes(bad)
    batch = RawBatch.of(connection("sensor_msgs/msg/JointState"), blobs, np.arange(6))
    with pytest.raises(BadMessagesError) as caught:
        decoder_for(batch.connection)(batch)
    assert caught.value.rows.tolist() == [4]
    assert caught.value.topic == "/topic"
    assert caught.value.msgtype == "sensor_msgs/msg/JointState"
    assert caught.value.field == "header.frame_id"
    assert "4294967280 bytes" in str(caught.value)


def test_what_is_good_of_a_batch_is_kept() -> None:
    msgtype = "tf2_msgs/msg/TFMessage"
    blobs = blobs_of(msgtype, 50)
    good = decoder_for(connection(msgtype))(RawBatch.of(connection(msgtype), blobs, np.arange(50)))
    blobs[3] = blobs[3][:-9]
    blobs[10] = blobs[10][:2]
    blobs[20] += bytes(40)
    blobs[30] = b"\0\x77" + blobs[30][2:]
    got = decode_what_can(decoder_for(connection(msgtype)), RawBatch.of(connection(msgtype), blobs, np.arange(50)))
    assert got.bad.tolist() == [3, 10, 20, 30]
    assert got.rows.tolist() == [i for i in range(50) if i not in (3, 10, 20, 30)]
    assert isinstance(got.error, BadMessagesError)
    assert len(got.columns) == 46
    assert got.columns.transforms.lengths.tolist() == good.transforms.lengths[got.rows].tolist()


def test_a_batch_of_nothing_but_bad_messages() -> None:
    msgtype = "sensor_msgs/msg/JointState"
    batch = RawBatch.of(connection(msgtype), [b"", b"abc", b"\0\1\0\0x"], np.arange(3))
    got = decode_what_can(decoder_for(connection(msgtype)), batch)
    assert got.bad.tolist() == [0, 1, 2]
    assert len(got.columns) == 0
    assert "position" in got.columns


def test_lengths_are_checked_before_memory_is_taken() -> None:
    """Four billion elements are claimed by messages of a few bytes; decoding takes next to nothing."""
    definitions = {
        "p/msg/In": (("s", Primitive("string")), ("n", SequenceOf(Primitive("float64")))),
        "p/msg/A": (("many", SequenceOf(Message("p/msg/In"))),),
        "p/msg/B": (("many", SequenceOf(Primitive("float64"))),),
        "p/msg/C": (("many", SequenceOf(Primitive("string"))),),
        "p/msg/D": (("s", Primitive("string")),),
        "p/msg/E": (("many", SequenceOf(Primitive("wstring"))),),
        "p/msg/Empty": (),
        "p/msg/F": (("many", SequenceOf(Message("p/msg/Empty"))),),
    }
    blob = b"\0\1\0\0" + b"\xff\xff\xff\xff" + bytes(32)
    wires: list[tuple[Wire, bytes]] = [("cdr", blob), ("ros1", blob[4:])]
    for wire, data in wires:
        for msgtype in ("p/msg/A", "p/msg/B", "p/msg/C", "p/msg/D", "p/msg/E", "p/msg/F"):
            plan = plan_for(definitions, msgtype, wire)
            tracemalloc.start()
            with pytest.raises(DecodeError):
                plan.decode(np.frombuffer(data, np.uint8), np.array([0]), np.array([len(data)]))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 200_000, (msgtype, peak)


def test_huge_fixed_arrays_are_refused_or_bounded() -> None:
    with pytest.raises(DecodeError):
        plan_for({"p/msg/A": (("x", ArrayOf(Primitive("uint8"), 1 << 40)),)}, "p/msg/A")
    plan = plan_for({"p/msg/A": (("x", ArrayOf(Primitive("string"), 1 << 30)),)}, "p/msg/A")
    with pytest.raises(DecodeError):
        plan.decode(np.zeros(100, np.uint8), np.array([0]), np.array([100]))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(MAKERS)), st.randoms(use_true_random=False), st.sampled_from(["cdr", "ros1"]))
def test_flipped_and_missing_bytes_only_ever_give_decode_errors(msgtype: str, rng: random.Random, wire: str) -> None:
    blobs = blobs_of(msgtype, 12)
    if wire == "ros1":
        blobs = [bytes(STORE.cdr_to_ros1(blob, msgtype)) for blob in blobs]
    for _ in range(rng.randint(1, 6)):
        which = rng.randrange(len(blobs))
        data = bytearray(blobs[which])
        if rng.random() < 0.3 or not data:
            data = data[: rng.randint(0, len(data))]
        else:
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        blobs[which] = bytes(data)
    decode = decoder_for(connection(msgtype)) if wire == "cdr" else _ros1_decoder(msgtype)
    got = decode_what_can(decode, RawBatch.of(connection(msgtype, wire), blobs, np.arange(12)))
    assert sorted([*got.rows.tolist(), *got.bad.tolist()]) == list(range(12))
    assert len(got.columns) == len(got.rows)


def _ros1_decoder(msgtype: str) -> Decode:
    plan = plan_for(registry_for(connection(msgtype)), msgtype, "ros1")
    return lambda batch: plan.decode(batch.buffer, batch.starts, batch.sizes)
