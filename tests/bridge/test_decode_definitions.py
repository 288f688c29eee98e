"""Definitions are found in the recording, in the folders named, in an installed ROS, or in rosbags' stores, in this order."""

from __future__ import annotations

import contextlib
import logging
import random
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode import Decode, decode_what_can, decoder_for, definition_hash, registry_for
from rrbridge_bridge.decode._idl import parse_idl
from rrbridge_bridge.decode._msg import parse_msg
from rrbridge_bridge.decode.definitions import _from_rosbags, embedded_definitions
from rrbridge_bridge.decode.tree import ArrayOf, Message, Primitive, SequenceOf
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import open_bag

LINE = "=" * 80


def connection(msgtype: str, definition: str = "", how: str = "ros2msg", encoding: str = "cdr") -> Connection:
    return Connection(1, "/topic", msgtype, encoding, definition, how if definition else "")


def cdr(code: str, *values: Any) -> bytes:
    return b"\0\1\0\0" + struct.pack(f"<{code}", *values)


def test_the_grammar_of_fields() -> None:
    text = """
    # a comment
    uint8 OK=0          # a constant
    string NAME="a # b"
    float64 x 1.5       # with a default
    string s "hello = world"
    string<=10 bounded
    wstring<=3[<=2] wide
    bool[3] flags
    int32[] many [1, 2, 3]
    int32[<=7] some
    geometry_msgs/Point p
    geometry_msgs/msg/Point[2] q
    Own own
    Header header
    time t
    duration d
    byte b
    @optional
    uint8 last
    """
    number = Primitive("int32")
    assert parse_msg(text, "pkg") == (
        ("x", Primitive("float64")),
        ("s", Primitive("string")),
        ("bounded", Primitive("string")),
        ("wide", SequenceOf(Primitive("wstring"))),
        ("flags", ArrayOf(Primitive("bool"), 3)),
        ("many", SequenceOf(number)),
        ("some", SequenceOf(number)),
        ("p", Message("geometry_msgs/msg/Point")),
        ("q", ArrayOf(Message("geometry_msgs/msg/Point"), 2)),
        ("own", Message("pkg/msg/Own")),
        ("header", Message("std_msgs/msg/Header")),
        ("t", Message("builtin_interfaces/msg/Time")),
        ("d", Message("builtin_interfaces/msg/Duration")),
        ("b", Primitive("byte")),
        ("last", Primitive("uint8")),
    )
    with pytest.raises(ValueError, match="line 2 is no field: 'what is;'"):
        parse_msg("uint8 a\nwhat is;\nthis", "pkg")


@pytest.mark.parametrize(("store", "version"), [(Stores.ROS1_NOETIC, 1), (Stores.ROS2_JAZZY, 2)])
def test_every_definition_reads_as_rosbags_reads_it(store: Any, version: int) -> None:
    typestore = get_typestore(store)
    for msgtype in sorted(typestore.fielddefs):
        if msgtype.startswith("builtin_interfaces"):
            continue
        text, _ = typestore.generate_msgdef(msgtype, ros_version=version)
        how = "ros1msg" if version == 1 else "ros2msg"
        own = embedded_definitions(connection(msgtype, text, how)) if text.strip() else {msgtype: ()}
        for name, (_, fields) in get_types_from_msg(text, msgtype).items():
            assert own[name] == _from_rosbags(fields), (msgtype, name)


IDL = f"""{LINE}
IDL: p/msg/Outer
// generated
#include "p/msg/Inner.idl"
module p {{
  module msg {{
    typedef double double__3[3];
    module Outer_Constants {{ const uint8 A = 1; }};
    @verbatim (language="comment", text="one" "\\n" "two")
    struct Outer {{
      p::msg::Inner inner;
      double__3 xyz;
      sequence<p::msg::Inner, 5> many;
      wstring w;
      @unit (value="m")
      boolean flag;
    }};
  }};
}};

{LINE}
IDL: p/msg/Inner
module p {{ module msg {{ struct Inner {{ octet a; string b; }}; }}; }};
"""


def test_idl_with_its_dependencies() -> None:
    own = embedded_definitions(connection("p/msg/Outer", IDL, "ros2idl"))
    assert own["p/msg/Outer"] == (
        ("inner", Message("p/msg/Inner")),
        ("xyz", ArrayOf(Primitive("float64"), 3)),
        ("many", SequenceOf(Message("p/msg/Inner"))),
        ("w", Primitive("wstring")),
        ("flag", Primitive("bool")),
    )
    assert own["p/msg/Inner"] == (("a", Primitive("byte")), ("b", Primitive("string")))


IDL_NAMES = {"bool": "boolean", "byte": "octet", "float32": "float", "float64": "double"}


def as_idl(msgtype: str, definition: Any) -> str:
    """A definition as rosidl writes it."""
    typedefs, members = [], []

    def name_of(kind: Any) -> str:
        if isinstance(kind, ArrayOf):
            alias = f"{name_of(kind.item).replace('::', '__')}__{kind.count}"
            typedefs.append(f"typedef {name_of(kind.item)} {alias}[{kind.count}];")
            return alias
        if isinstance(kind, SequenceOf):
            return f"sequence<{name_of(kind.item)}>"
        return kind.msgtype.replace("/", "::") if isinstance(kind, Message) else IDL_NAMES.get(kind.name, kind.name)

    for member, kind in definition:
        members.append(f'@verbatim (language="comment", text="a {{ comment" "of two")\n{name_of(kind)} {member};')
    body = f"{' '.join(typedefs)} struct {msgtype.rpartition('/')[2]} {{ {' '.join(members)} }};"
    for part in reversed(msgtype.split("/")[:-1]):
        body = f"module {part} {{ {body} }};"
    return f'#include "x.idl"\n{body}'


def test_idl_of_every_known_type() -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    for msgtype, (_, fields) in store.fielddefs.items():
        wanted = _from_rosbags(fields)
        assert parse_idl(as_idl(msgtype, wanted)) == {msgtype: wanted}


DDS_IDL = """
@bit_bound(8) enum Small { A, B };
module m {
  const unsigned short N = (1 << 1) + 0x1;
  enum Color { RED, @value(N * 2) BLUE, GREEN };
  typedef sequence<double, N> Row;
  typedef sequence<Row> Rows;
  union Choice switch (long) { case 1: long a; default: double b; };
  struct Odd { Choice c; };
  struct Pair { map<string, long> m; };
  @extensibility(APPENDABLE) struct Base { @key unsigned long id; };
  struct Thing : Base {
    Color color, other; ::Small small; Rows rows; char text[N][2]; sequence<Color> colors; Base inner[2];
  };
};
"""


def test_idl_beyond_ros() -> None:
    own = embedded_definitions(connection("m/Thing", DDS_IDL, "omgidl"))
    assert own.keys() == {"m/Base", "m/Thing"}
    assert own["m/Thing"] == (
        ("id", Primitive("uint32")),
        ("color", Primitive("int32")),
        ("other", Primitive("int32")),
        ("small", Primitive("int8")),
        ("rows", SequenceOf(SequenceOf(Primitive("float64")))),
        ("text", ArrayOf(Primitive("char"), 6)),
        ("colors", SequenceOf(Primitive("int32"))),
        ("inner", ArrayOf(Message("m/Base"), 2)),
    )
    floats = struct.pack("<IIdI", 2, 1, 2.5, 0)  # [[2.5], []]
    body = struct.pack("<Iiib3x", 7, 0, 6, 1) + floats + b"abcdef" + bytes(2) + struct.pack("<IiII", 1, 7, 8, 9)
    decode = decoder_for(connection("m/Thing", DDS_IDL, "omgidl"))
    msgs = decode(RawBatch.of(connection("m/Thing"), [b"\0\1\0\0" + body] * 3, [0, 1, 2]))
    assert (msgs.id.tolist(), msgs.other.tolist(), msgs.small.tolist()) == ([7] * 3, [6] * 3, [1] * 3)
    assert [list(row) for row in (msgs.rows[2][0], msgs.rows[2][1])] == [[2.5], []]
    assert msgs.text[1].tobytes() == b"abcdef"
    assert (msgs.colors[0].tolist(), msgs.inner[2].id.tolist()) == ([7], [8, 9])


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_idl_is_refused_or_read(seed: int) -> None:
    rng = random.Random(seed)
    tokens = re.findall(r"\w+|\S", DDS_IDL)
    for _ in range(rng.randint(1, 6)):
        tokens[rng.randrange(len(tokens))] = rng.choice(
            [*tokens, "", "(" * 50, "sequence<" * 50, "module m {" * 50, "9" * 30]
        )
    with contextlib.suppress(ValueError):  # it says what it cannot read, and never anything else
        parse_idl(" ".join(tokens))


def test_bounds_in_idl_that_end_together() -> None:
    """`>>` closes two brackets, and is no shift; in brackets of its own it is one."""
    text = """struct T {
        sequence<string<5>> names; sequence<sequence<long, 2+1>> lists; sequence<wstring<5>, 3> wide;
        sequence<sequence<double>> more; sequence<string<(8 >> 1)>> short_ones; long numbers[1 << 2];
    };"""
    assert dict(parse_idl(text)["T"]) == {
        "names": SequenceOf(Primitive("string")),
        "lists": SequenceOf(SequenceOf(Primitive("int32"))),
        "wide": SequenceOf(Primitive("wstring")),
        "more": SequenceOf(SequenceOf(Primitive("float64"))),
        "short_ones": SequenceOf(Primitive("string")),
        "numbers": ArrayOf(Primitive("int32"), 4),
    }


def test_idl_below_a_msg() -> None:
    text = f"p/Inner inner\n{LINE}\nIDL: p/msg/Inner\nmodule p {{ module msg {{ struct Inner {{ octet a; }}; }}; }};\n"
    decode = decoder_for(connection("p/msg/Outer", text))
    assert decode(RawBatch.of(connection("p/msg/Outer"), [cdr("B", 7)], [0])).inner.a.tolist() == [7]


def test_two_definitions_of_one_type_do_not_mix() -> None:
    for text, code, value in (("uint8 a", "B", 3), ("float64 a", "d", 2.5), ("int16 a", "h", -1)):
        decode = decoder_for(connection("p/msg/T", text))
        assert decode(RawBatch.of(connection("p/msg/T"), [cdr(code, value)], [0])).a.tolist() == [value]
    hashes = {
        definition_hash(registry_for(connection("p/msg/T", text)), "p/msg/T")
        for text in ("uint8 a", "uint8 b", "int8 a")
    }
    assert len(hashes) == 3


def test_a_workspace_is_searched(tmp_path: Path) -> None:
    for package, kind, name, text in (
        ("my_msgs", "msg", "Status.msg", "Inner inner\nother_msgs/Thing[] things\n"),
        ("my_msgs", "msg", "Inner.msg", "uint8 a\n"),
        ("other_msgs", "msg", "Thing.idl", "module other_msgs { module msg { struct Thing { octet t; }; }; };"),
        ("my_msgs", "srv", "Ask.srv", "uint8 q\n---\nuint16 r\n"),
        ("my_msgs", "action", "Go.action", "uint8 goal\n---\nuint8 result\n---\nfloat32 done\n"),
    ):
        path = tmp_path / "src" / "deep" / package / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = registry_for(connection("my_msgs/msg/Status"), folders=[tmp_path])
    assert found["my_msgs/msg/Inner"] == (("a", Primitive("uint8")),)
    assert found["other_msgs/msg/Thing"] == (("t", Primitive("byte")),)
    assert found["my_msgs/srv/Ask_Request"] == (("q", Primitive("uint8")),)
    assert [name for name, _ in found["my_msgs/srv/Ask_Event"]] == ["info", "request", "response"]
    assert found["my_msgs/action/Go_Feedback"] == (("done", Primitive("float32")),)
    decode = decoder_for(connection("my_msgs/msg/Status"), definitions=[tmp_path])
    columns = decode(RawBatch.of(connection("my_msgs/msg/Status"), [cdr("BxxxIBB", 4, 2, 8, 9)], [0]))
    assert columns.things[0].t.tolist() == [8, 9]
    with pytest.raises(UnknownTypeError, match="--msgs"):
        decoder_for(connection("my_msgs/msg/Nothing"), definitions=[tmp_path])


def test_an_installed_ros_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix, text in (("one", "uint8 a\n"), ("two", "uint16 b\n")):
        path = tmp_path / prefix / "share" / "site_msgs" / "msg" / f"{prefix.title()}.msg"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'one'}:{tmp_path / 'none'}")
    monkeypatch.setenv("ROS_PACKAGE_PATH", str(tmp_path / "two" / "share"))
    assert registry_for(connection("x/msg/Y"))["site_msgs/msg/One"] == (("a", Primitive("uint8")),)
    assert registry_for(connection("x/msg/Y"))["site_msgs/msg/Two"] == (("b", Primitive("uint16")),)
    with pytest.raises(UnknownTypeError):
        registry_for(connection("x/msg/Y"))["../msg/One"]


def test_the_stores_know_what_the_recording_does_not_say() -> None:
    assert registry_for(connection("sensor_msgs/msg/Imu"))["sensor_msgs/msg/Imu"]
    noetic = registry_for(connection("std_msgs/msg/Header", encoding="ros1"))["std_msgs/msg/Header"]
    assert noetic[0] == ("seq", Primitive("uint32"))
    humble, jazzy = (
        registry_for(connection("x"), ros_distro=distro)["rmw_dds_common/msg/Gid"] for distro in ("humble", "jazzy")
    )
    assert humble != jazzy


def test_other_encodings_are_named() -> None:
    with pytest.raises(DecodeError, match="'cbor' are kept as bytes"):
        decoder_for(connection("foxglove.Log", encoding="cbor"))


def test_a_definition_that_messages_do_not_follow_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    message = store.types["std_msgs/msg/String"]("hello")
    wrong = connection("std_msgs/msg/String", "uint8 level")
    batch = RawBatch.of(wrong, [bytes(store.serialize_cdr(message, "std_msgs/msg/String"))] * 3, np.arange(3))
    decode = decoder_for(wrong)
    with caplog.at_level(logging.WARNING):
        assert decode(batch).data.to_list() == ["hello"] * 3
        assert decode(batch).data.to_list() == ["hello"] * 3
    assert len(caplog.records) == 1
    # Once messages have followed a definition it stays, whatever comes.
    right = connection("std_msgs/msg/UInt8", "uint8 data")
    decode = decoder_for(right)
    assert decode(RawBatch.of(right, [cdr("B", 1)], [0])).data.tolist() == [1]
    assert decode_what_can(decode, RawBatch.of(right, [cdr("d", 1.0)], [0])).bad.tolist() == [0]


def test_texts_that_cannot_be_read_are_said_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        broken = connection("std_msgs/msg/UInt8", "this; is { no definition", "ros2idl")
        assert decoder_for(broken)(RawBatch.of(broken, [cdr("B", 5)], [0])).data.tolist() == [5]
    assert any("cannot be read" in record.message for record in caplog.records)


UNKNOWN = {
    "rosbag2_2025_12_05-14_46_48_0.db3": {"vicon_receiver/msg/Position"},
    "test_bad_schema.mcap": {"broken_msgs/msg/THIS"},
    "rosbag2_2023_11_28-00_00_10_0.db3": {"gazebo_msgs/msg/PerformanceMetrics"},
    "bag-with-empty-message-definition.bag": {"led_array_msgs/msg/Status"},
    "rewriter_a_0.db3": {"test_msgs/msg/Empty", "test_msgs/msg/BasicTypes"},
    "wrong_rmw_test_0.db3": {"test_msgs/msg/Arrays", "test_msgs/msg/BasicTypes"},
}
"""Types whose definition nobody has."""


@pytest.mark.real_data
def test_every_message_of_every_recording_is_decoded(shared_data: Path) -> None:
    files = [
        p for s in ("*.bag", "*.active", "*.db3", "*.mcap", "*.zstd", "*.bz2") for p in sorted(shared_data.rglob(s))
    ]
    decoded = 0
    unknown: dict[str, set[str]] = {}
    for path in files:
        if path.is_dir() or "conformance" in str(path) or "foxglove+mcap" in str(path):
            continue
        with open_bag(path) as reader:
            decoders: dict[int, Decode | None] = {}
            for batch in reader.batches():
                c = batch.connection
                if c.encoding not in ("cdr", "ros1"):
                    continue
                if c.id not in decoders:
                    try:
                        decoders[c.id] = decoder_for(c, ros_distro=reader.ros_distro)
                    except UnknownTypeError as err:
                        unknown.setdefault(path.name, set()).add(err.msgtype)
                        decoders[c.id] = None
                decode = decoders[c.id]
                if decode is not None:
                    got = decode_what_can(decode, batch)
                    assert len(got.bad) == 0, (path, got.error)
                    decoded += len(got.rows)
    assert unknown == UNKNOWN
    assert decoded > 150_000
