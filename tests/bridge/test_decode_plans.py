"""Decoding by plans equals what rosbags makes of each message, for every type it knows."""

from __future__ import annotations

import dataclasses
import keyword
import random
import struct
from collections.abc import Callable
from functools import cache, partial
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from rrbridge.columns import Columns, Ragged, Text
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode import BadMessagesError, Wire, _structures, plan_for
from rrbridge_bridge.decode.definitions import _from_rosbags, definition_hash
from rrbridge_bridge.decode.tree import ArrayOf, Message, Primitive, SequenceOf

STORES: dict[str, tuple[Stores, Wire]] = {
    store.value: (store, "ros1" if "ros1" in store.value else "cdr")
    for store in (Stores.ROS2_HUMBLE, *Stores)
    if store not in (Stores.EMPTY, Stores.LATEST)
}


EMPTY = "structure_needs_at_least_one_member"


@cache
def store_of(name: str) -> tuple[Typestore, dict[str, Any]]:
    store = get_typestore(STORES[name][0])
    return store, {msgtype: _from_rosbags(fields) for msgtype, (_, fields) in store.fielddefs.items()}


def all_types() -> list[tuple[str, str]]:
    """Every type of every distribution, once for each definition that it has or that something in it has."""
    seen: set[tuple[str, str, str]] = set()
    found = []
    for name, (_, wire) in STORES.items():
        definitions = store_of(name)[1]
        for msgtype in sorted(definitions):
            key = (wire, msgtype, definition_hash(definitions, msgtype))
            if key not in seen:
                seen.add(key)
                found.append((name, msgtype))
    return found


ALL_TYPES = all_types()


def test_every_type_of_every_distribution_has_a_plan() -> None:
    """There is no slower way to decode that a type could be left to."""
    assert len(STORES) >= 10
    for name, (_, wire) in STORES.items():
        definitions = store_of(name)[1]
        assert len(definitions) > 140
        for msgtype in definitions:
            plan_for(definitions, msgtype, wire)


@pytest.mark.parametrize(
    "msgtype",
    [
        "sensor_msgs/msg/Imu",
        "tf2_msgs/msg/TFMessage",
        "sensor_msgs/msg/JointState",
        "diagnostic_msgs/msg/DiagnosticArray",
        "visualization_msgs/msg/MarkerArray",
    ],
)
def test_cost_per_message_does_not_grow_with_their_number(msgtype: str) -> None:
    store, definitions = store_of("ros2_humble")
    rng = random.Random(msgtype)
    messages = [random_value(rng, store, (Nodetype.NAME, msgtype)) for _ in range(10)]
    blobs = [bytes(store.serialize_cdr(message, msgtype)) for message in messages]
    plan = plan_for(definitions, msgtype)

    def seconds_per_message(count: int, rounds: int) -> float:
        given = packed(blobs * (count // len(blobs)))
        costs = []
        for _ in range(rounds):
            began = process_time()
            plan.decode(*given)
            costs.append(process_time() - began)
        return min(costs) / count

    few, many = seconds_per_message(1_000, 9), seconds_per_message(20_000, 5)
    assert many < 2 * few  # the few stay in the processor's cache, which is worth up to half


def random_value(rng: random.Random, store: Typestore, description: Any) -> Any:
    kind, argument = description
    if kind == Nodetype.BASE:
        name, bound = argument
        if name == "string":
            return "".join(rng.choices("abcé €", k=rng.randint(0, min(bound or 9, 9))))
        if name == "bool":
            return rng.random() < 0.5
        if name.startswith("float"):
            return struct.unpack("<f", struct.pack("<f", rng.uniform(-1e6, 1e6)))[0]
        if name == "byte":
            return rng.randint(0, 127)  # what is signed of it is tested below
        dtype = np.dtype({"octet": "u1", "byte": "u1", "char": "u1"}.get(name, name))
        return rng.randint(np.iinfo(dtype).min, np.iinfo(dtype).max)
    if kind == Nodetype.NAME:
        fields = store.fielddefs[argument][1]
        parts = {f"{n}_" if keyword.iskeyword(n) else n: random_value(rng, store, d) for n, d in fields}
        if argument.startswith("builtin_interfaces/"):
            # ROS 1 has unsigned seconds and signed nanoseconds where rosbags has it the other way round.
            parts = {"sec": abs(parts["sec"]) % 2**31, "nanosec": parts["nanosec"] % 10**9}
        return store.types[argument](**parts)
    item, count = argument
    if kind == Nodetype.SEQUENCE:
        count = rng.choice([0, 1, 1, 2, 3, rng.randint(0, 40)]) if not count else rng.randint(0, min(count, 8))
    values = [random_value(rng, store, item) for _ in range(count)]
    if item[0] == Nodetype.BASE and item[1][0] != "string":
        name = item[1][0]
        return np.array(values, {"octet": "u1", "byte": "u1", "char": "u1"}.get(name, name))
    return values


def row(column: Any, i: int) -> Any:
    """One message of a column, as plain values."""
    if isinstance(column, Columns):
        return {name: row(column[name], i) for name in column}
    if isinstance(column, Text):
        return column[i]
    if isinstance(column, Ragged):
        a, b = column.offsets[i], column.offsets[i + 1]
        if isinstance(column.values, np.ndarray):
            return column.values[a:b]
        return [row(column.values, j) for j in range(a, b)]
    return column[i]


def assert_same(got: Any, want: Any, where: str = "") -> None:
    if hasattr(want, "__msgtype__"):
        names = [f.name for f in dataclasses.fields(want) if "ClassVar" not in str(f.type) and f.name != EMPTY]
        assert [f"{n}_" if keyword.iskeyword(n) else n for n in got] == names, where
        for name in got:
            assert_same(got[name], getattr(want, f"{name}_" if keyword.iskeyword(name) else name), f"{where}.{name}")
    elif isinstance(want, list):
        assert len(got) == len(want), where
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    elif isinstance(want, np.ndarray):
        np.testing.assert_array_equal(got, want, where)
        assert np.asarray(got).dtype == want.dtype or want.dtype == np.int8, where
    else:
        assert got == want, where


def packed(blobs: list[bytes], gap: bytes = b"") -> tuple[Any, Any, Any]:
    """Buffer, starts and sizes of byte strings with something between them."""
    sizes = np.array([len(b) for b in blobs])
    starts = np.cumsum(sizes + len(gap)) - sizes
    return np.frombuffer(b"".join(gap + b for b in blobs), np.uint8), starts, sizes


@pytest.mark.parametrize(("name", "msgtype"), ALL_TYPES)
def test_equals_rosbags_for_random_ragged_values(name: str, msgtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, definitions = store_of(name)
    wire = STORES[name][1]
    rng = random.Random(f"{name} {msgtype}")
    messages = [random_value(rng, store, (Nodetype.NAME, msgtype)) for _ in range(7)]
    if wire == "cdr":
        blobs = [bytes(store.serialize_cdr(m, msgtype, little_endian=i % 3 != 1)) for i, m in enumerate(messages)]
        wanted = [store.deserialize_cdr(b, msgtype) for b in blobs]
    else:
        blobs = [bytes(store.serialize_ros1(m, msgtype)) for m in messages]
        wanted = [store.deserialize_ros1(b, msgtype) for b in blobs]
    plan = plan_for(definitions, msgtype, wire)
    columns = plan.decode(*packed(blobs, gap=b"xyz"))
    assert len(columns) == len(blobs)
    for i, want in enumerate(wanted):
        assert_same(row(columns, i), want)
    # Elements of unequal size are found in two ways, by their number; both find the same.
    monkeypatch.setattr(_structures, "MIN_PARALLEL", 0)
    columns = plan.decode(*packed(blobs))
    for i, want in enumerate(wanted):
        assert_same(row(columns, i), want)
    # One message at a time, and none, give the same kinds of columns.
    single = plan.decode(*packed(blobs[:1]))
    assert_same_shape(columns, single)
    assert_same_shape(columns, plan.decode(np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64)))


def assert_same_shape(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, Columns):
        assert list(a) == list(b)
        for name in a:
            assert_same_shape(a[name], b[name])
    elif isinstance(a, Ragged):
        assert_same_shape(a.values, b.values)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert a.shape[1:] == b.shape[1:]


PRIMITIVES = ["bool", "uint8", "int16", "uint32", "float32", "float64", "int64", "string"]


@st.composite
def definitions_of_anything(draw: st.DrawFn) -> dict[str, str]:
    """A few message types, each made of primitives and of the types before it."""
    texts = {}
    for number in range(draw(st.integers(1, 4))):
        lines = []
        for field in range(draw(st.integers(1, 5))):
            known = [*PRIMITIVES, *(f"p/T{n}" for n in range(number))]
            kind = draw(st.sampled_from(known))
            array = draw(st.sampled_from(["", "", "[]", "[<=3]", "[2]", "[3]"]))
            lines.append(f"{kind}{array} f{field}")
        texts[f"p/msg/T{number}"] = "\n".join(lines) + "\n"
    return texts


@settings(max_examples=150, deadline=None)
@given(definitions_of_anything(), st.randoms(use_true_random=False), st.integers(1, 40))
def test_equals_rosbags_for_random_definitions(texts: dict[str, str], rng: random.Random, count: int) -> None:
    store = get_typestore(Stores.EMPTY)
    for msgtype, text in texts.items():
        store.register(get_types_from_msg(text, msgtype))
    definitions = {msgtype: _from_rosbags(fields) for msgtype, (_, fields) in store.fielddefs.items()}
    msgtype = list(texts)[-1]
    messages = [random_value(rng, store, (Nodetype.NAME, msgtype)) for _ in range(count)]
    wires: list[tuple[Wire, Callable[..., Any], Callable[..., Any]]] = [
        ("cdr", store.serialize_cdr, store.deserialize_cdr),
        ("ros1", store.serialize_ros1, store.deserialize_ros1),
    ]
    for wire, write, read in wires:
        blobs = [bytes(write(m, msgtype)) for m in messages]
        columns = plan_for(definitions, msgtype, wire).decode(*packed(blobs))
        for i, blob in enumerate(blobs):
            assert_same(row(columns, i), read(blob, msgtype))


def test_wide_strings() -> None:
    definitions = {
        "p/msg/W": (("a", Primitive("wstring")), ("b", SequenceOf(Primitive("wstring"))), ("c", Primitive("uint8")))
    }

    def wide(text: str) -> bytes:
        units = np.frombuffer(text.encode("utf-16-le"), "<u2").astype("<u4")
        return struct.pack("<I", len(units)) + units.tobytes()

    blob = b"\0\1\0\0" + wide("héllo 🤖") + struct.pack("<I", 2) + wide("") + wide("x") + b"\7"
    columns = plan_for(definitions, "p/msg/W").decode(*packed([blob, blob]))
    assert columns.a.to_list() == ["héllo 🤖"] * 2
    assert columns.b[1].to_list() == ["", "x"]
    assert columns.c.tolist() == [7, 7]


class Xcdr2:
    """Writes CDR version 2 by the rules of DDS-XTypes 7.4.3: what the reader is held against, as no ROS tool writes it."""

    def __init__(self, delimited: bool) -> None:
        self.delimited = delimited
        self.out = b""

    def align(self, to: int) -> None:
        self.out += b"\0" * (-len(self.out) % to)

    def number(self, code: str, value: Any) -> None:
        size = struct.calcsize(code)
        self.align(min(size, 4))
        self.out += struct.pack(f"<{code}", value)

    def string(self, text: str) -> None:
        raw = text.encode() + b"\0"
        self.number("I", len(raw))
        self.out += raw

    def sized(self, write: Callable[[], object], *, when: bool = True) -> None:
        if when:
            self.align(4)
            self.out += b"\0\0\0\0"
        at = len(self.out)
        write()
        if when:
            self.out = self.out[: at - 4] + struct.pack("<I", len(self.out) - at) + self.out[at:]


@pytest.mark.parametrize(("kind", "delimited"), [(7, False), (0x11, False), (9, True), (0x15, True)])
def test_cdr_version_2(kind: int, delimited: bool) -> None:
    definitions = {
        "p/msg/A": (("n", Primitive("uint8")), ("d", Primitive("float64")), ("s", Primitive("string"))),
        "p/msg/B": (
            ("first", Message("p/msg/A")),
            ("many", SequenceOf(Message("p/msg/A"))),
            ("names", ArrayOf(Primitive("string"), 2)),
            ("values", SequenceOf(Primitive("float64"))),
            ("last", Primitive("uint16")),
        ),
    }
    blobs = []
    for extra in range(3):
        w = Xcdr2(delimited)

        def a(number: int, w: Xcdr2 = w) -> None:
            w.number("B", number)
            w.number("d", number / 2)
            w.string("x" * number)

        def many(w: Xcdr2 = w, a: Any = a, extra: int = extra) -> None:
            w.number("I", extra)
            for i in range(extra):
                w.sized(partial(a, i), when=delimited)

        def b(w: Xcdr2 = w, a: Any = a, many: Any = many) -> None:
            w.sized(lambda: a(3), when=delimited)
            w.sized(many)
            w.sized(names)
            w.number("I", 2)
            w.number("d", 1.5)
            w.number("d", 2.5)
            w.number("H", 77)

        def names(w: Xcdr2 = w) -> None:
            w.string("one")
            w.string("two")

        w.sized(b, when=delimited)
        blobs.append(bytes([0, kind, 0, 0]) + w.out)
    columns = plan_for(definitions, "p/msg/B").decode(*packed(blobs))
    assert columns.last.tolist() == [77] * 3
    assert columns.first.d.tolist() == [1.5] * 3
    assert [columns.many[i].s.to_list() for i in range(3)] == [[], [""], ["", "x"]]
    assert columns.many[2].d.tolist() == [0, 0.5]
    assert columns.names[2].to_list() == ["one", "two"]
    assert columns["values"][0].tolist() == [1.5, 2.5]


def test_strings_without_final_zero_are_read_whole() -> None:
    definitions = {"p/msg/S": (("s", Primitive("string")), ("t", Primitive("string")))}
    blob = b"\0\1\0\0" + struct.pack("<I", 0) + struct.pack("<I", 3) + b"abc"
    columns = plan_for(definitions, "p/msg/S").decode(*packed([blob]))
    assert columns.s.to_list() == [""]
    assert columns.t.to_list() == ["abc"]


def test_ros1_times_beyond_2038_and_negative_durations() -> None:
    definitions = {
        "p/msg/T": (("t", Message("builtin_interfaces/msg/Time")), ("d", Message("builtin_interfaces/msg/Duration")))
    }
    columns = plan_for(definitions, "p/msg/T", "ros1").decode(
        *packed([struct.pack("<IIii", 2**32 - 1, 5, -1, 999_999_999)])
    )
    assert columns.t.sec.tolist() == [2**32 - 1]
    assert columns.d.sec.tolist() == [-1]


def test_a_byte_is_signed_in_ros1_and_not_in_ros2() -> None:
    definitions = {
        "p/msg/B": (("b", Primitive("byte")), ("many", ArrayOf(Primitive("byte"), 2)), ("c", Primitive("char")))
    }
    ros1 = plan_for(definitions, "p/msg/B", "ros1").decode(*packed([b"\xff\xfe\xfd\xfc"]))
    ros2 = plan_for(definitions, "p/msg/B").decode(*packed([b"\0\1\0\0\xff\xfe\xfd\xfc"]))
    assert (ros1.b.tolist(), ros1.many.tolist(), ros1.c.tolist()) == ([-1], [[-2, -3]], [252])
    assert (ros2.b.tolist(), ros2.many.tolist(), ros2.c.tolist()) == ([255], [[254, 253]], [252])


def test_lists_of_empty_messages_in_ros1() -> None:
    """They take no bytes, however many there are; that many are claimed costs nothing."""
    nil = Message("a/msg/Nil")
    definitions = {"a/msg/Nil": (), "a/msg/T": (("many", SequenceOf(nil)), ("two", ArrayOf(nil, 2)))}
    plan = plan_for(definitions, "a/msg/T", "ros1")
    got = plan.decode(*packed([struct.pack("<I", count) for count in (0, 3, 1)]))
    assert got.many.lengths.tolist() == [0, 3, 1]
    assert got.two.lengths.tolist() == [2, 2, 2]
    with pytest.raises(BadMessagesError, match="elements are claimed"):
        plan.decode(*packed([struct.pack("<I", 2**32 - 1)]))


def test_empty_messages_take_one_byte_in_ros2_and_none_in_ros1() -> None:
    definitions = {"p/msg/E": (), "p/msg/H": (("e", Message("p/msg/E")), ("n", Primitive("uint8")))}
    assert plan_for(definitions, "p/msg/H").decode(*packed([b"\0\1\0\0\0\5"])).n.tolist() == [5]
    assert plan_for(definitions, "p/msg/H", "ros1").decode(*packed([b"\5"])).n.tolist() == [5]
    assert list(plan_for(definitions, "p/msg/E").decode(*packed([b"\0\1\0\0\0\0\0\0"]))) == []


def test_definitions_that_cannot_be_expressed_are_refused_with_facts() -> None:
    with pytest.raises(DecodeError, match="contains itself"):
        plan_for({"p/msg/R": (("r", SequenceOf(Message("p/msg/R"))),)}, "p/msg/R")
    with pytest.raises(DecodeError, match="float128"):
        plan_for({"p/msg/R": (("r", Primitive("float128")),)}, "p/msg/R")
    with pytest.raises((UnknownTypeError, KeyError)):
        plan_for({"p/msg/R": (("r", Message("p/msg/None")),)}, "p/msg/R")
    wide: dict[str, Any] = {
        f"p/msg/L{i}": tuple((f"f{j}", Message(f"p/msg/L{i + 1}")) for j in range(10)) for i in range(9)
    }
    wide["p/msg/L9"] = (("x", Primitive("uint8")),)
    with pytest.raises(DecodeError, match="more than"):
        plan_for(wide, "p/msg/L0")


def test_parameter_lists_are_refused_in_words() -> None:
    definitions = {"p/msg/S": (("s", Primitive("uint8")),)}
    with pytest.raises(BadMessagesError, match="parameter list") as caught:
        plan_for(definitions, "p/msg/S").decode(*packed([b"\0\1\0\0\1", b"\0\3\0\0\1"]))
    assert caught.value.rows.tolist() == [1]


def test_every_element_phase_is_found() -> None:
    """Elements whose size depends on where they begin: `uint8, uint16, uint8` alternates."""
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg("uint8 a\nuint16 b\nuint8 c\n", "p/msg/Odd"))
    store.register(get_types_from_msg("uint8[] lead\np/Odd[] odd\np/Holder2[] more\n", "p/msg/Holder"))
    store.register(get_types_from_msg("p/Odd[] odd\nstring s\n", "p/msg/Holder2"))
    definitions = {msgtype: _from_rosbags(fields) for msgtype, (_, fields) in store.fielddefs.items()}
    rng = random.Random(3)
    messages = [random_value(rng, store, (Nodetype.NAME, "p/msg/Holder")) for _ in range(60)]
    blobs = [bytes(store.serialize_cdr(m, "p/msg/Holder")) for m in messages]
    columns = plan_for(definitions, "p/msg/Holder").decode(*packed(blobs))
    for i, blob in enumerate(blobs):
        assert_same(row(columns, i), store.deserialize_cdr(blob, "p/msg/Holder"))


@given(
    names=st.lists(st.lists(st.sampled_from(["", "a", "wheel_left", "é"]), max_size=3), min_size=1, max_size=3),
    order=st.lists(st.integers(0, 2), min_size=1, max_size=6),
    wire=st.sampled_from(["cdr", "ros1"]),
)
def test_names_that_are_mostly_alike(names: list[list[str]], order: list[int], wire: Wire) -> None:
    """As those of a robot's joints: where all messages have the same, they are looked at once."""
    store, definitions = store_of("ros2_humble")
    msgtype = "sensor_msgs/msg/JointState"
    want = [names[i % len(names)] for i in order]
    blobs = []
    for i, one in enumerate(want):
        header = store.types["std_msgs/msg/Header"](store.types["builtin_interfaces/msg/Time"](i, 0), "")
        numbers = [np.arange(n, dtype=np.float64) for n in (len(one), i, 0)]
        blob = store.serialize_cdr(store.types[msgtype](header, one, *numbers), msgtype)
        blobs.append(bytes(blob if wire == "cdr" else store.cdr_to_ros1(blob, msgtype)))
    if wire == "ros1":
        definitions = {
            **definitions,
            "std_msgs/msg/Header": (("seq", Primitive("uint32")), *definitions["std_msgs/msg/Header"]),
        }
    msgs = plan_for(definitions, msgtype, wire).decode(*packed(blobs, b"\7"))
    assert [msgs.name[i].to_list() for i in range(len(want))] == want
    assert [len(msgs.position[i]) for i in range(len(want))] == list(map(len, want))
    assert msgs.velocity.lengths.tolist() == list(range(len(want)))
