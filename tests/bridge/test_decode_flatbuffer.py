"""FlatBuffers messages as columns equal what was put into them, and what Foxglove's own accessors read."""

from __future__ import annotations

import contextlib
import importlib
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import flatbuffers
import numpy as np
import pytest
from flatbuffers import number_types as flags_of
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge.columns import Columns, Octets, Ragged, is_stamp, nanos
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge import fields
from rrbridge_bridge.decode import BadMessagesError, Decode, _flatbuffer_values, decode_what_can, decoder_for
from rrbridge_bridge.raw import Connection, RawBatch

FORMATS = {2: "?", 3: "b", 4: "B", 5: "h", 6: "H", 7: "i", 8: "I", 9: "q", 10: "Q", 11: "f", 12: "d"}
WRITTEN_AS = dict(
    zip(
        FORMATS,
        [
            getattr(flags_of, f"{n}Flags")
            for n in [
                "Bool",
                "Int8",
                "Uint8",
                "Int16",
                "Uint16",
                "Int32",
                "Uint32",
                "Int64",
                "Uint64",
                "Float32",
                "Float64",
            ]
        ],
        strict=True,
    )
)
UTYPE, UBYTE, INT, STRING, VECTOR, OBJECT, UNION, ARRAY = 1, 4, 7, 13, 14, 15, 16, 17
COLORS = [("RED", 0), ("BLUE", 2), ("BIG", 100)]
NAMES: dict[Any, str] = {value: name for name, value in COLORS}


@dataclass
class Member:
    name: str
    base: int
    element: int = 0
    index: int = -1
    length: int = 0
    default: float = 0
    is_optional: bool = False
    is_deprecated: bool = False
    offset: int = 0


@dataclass
class Thing:
    """A table or a struct."""

    name: str
    members: list[Member] = field(default_factory=list)
    is_struct: bool = False
    size: int = 0
    align: int = 1


@dataclass
class Schema:
    things: list[Thing]
    choices: list[int] = field(default_factory=list)
    """Tables that the union may be. Enum 0 is the colour, enum 1 the union."""

    @property
    def root(self) -> Thing:
        return self.things[-1]

    def connection(self) -> Connection:
        return Connection(1, "/topic", self.root.name, "flatbuffer", self.reflection().decode("latin-1"), "flatbuffer")

    def decoder(self) -> Decode:
        return decoder_for(self.connection())

    def batch(self, payloads: Sequence[bytes]) -> RawBatch:
        return RawBatch.of(self.connection(), payloads, np.arange(len(payloads)))

    def reflection(self) -> bytes:
        """As the compiler writes it, in binary."""
        builder = flatbuffers.Builder()
        things = [self._thing(builder, thing) for thing in self.things]
        colors = [_table(builder, {0: _text(builder, name), 1: ("q", value)}, 6) for name, value in COLORS]
        none = _table(builder, {0: _text(builder, "NONE")}, 6)
        choices = [
            _table(
                builder,
                {
                    0: _text(builder, self.things[i].name),
                    1: ("q", n),
                    3: _table(builder, {0: ("b", OBJECT), 2: ("i", i)}, 6),
                },
                6,
            )
            for n, i in enumerate(self.choices, 1)
        ]
        enums = [
            _table(builder, {0: _text(builder, name), 1: _vector(builder, values), 2: ("?", is_union)}, 7)
            for name, values, is_union in (("Color", colors, False), ("Choice", [none, *choices], True))
        ]
        root = {0: _vector(builder, things), 1: _vector(builder, enums), 4: things[-1]}
        builder.Finish(_table(builder, root, 8)[1], b"BFBS")
        return bytes(builder.Output())

    def _thing(self, builder: Any, thing: Thing) -> Any:
        members = []
        for number, m in enumerate(thing.members):
            kind = {0: ("b", m.base), 1: ("b", m.element), 2: ("i", m.index), 3: ("H", m.length)}
            slots = {0: _text(builder, m.name), 1: _table(builder, kind, 6), 2: ("H", number)}
            slots |= {3: ("H", m.offset if thing.is_struct else 4 + 2 * number)}
            slots |= {
                4: ("q", int(m.default)),
                5: ("d", float(m.default)),
                6: ("?", m.is_deprecated),
                11: ("?", m.is_optional),
            }
            members.append((m.name, _table(builder, slots, 14)))
        by_name = [offset for _, offset in sorted(members)]
        slots = {0: _text(builder, thing.name), 1: _vector(builder, by_name), 2: ("?", thing.is_struct)}
        return _table(builder, slots | {3: ("i", thing.align), 4: ("i", thing.size)}, 8)

    def message(self, value: dict[str, Any]) -> bytes:
        builder = flatbuffers.Builder()
        builder.Finish(self._write(builder, self.root, value))
        return bytes(builder.Output())

    def _write(self, builder: Any, thing: Thing, value: dict[str, Any]) -> int:
        slots: dict[int, Any] = {}
        for number, m in enumerate(thing.members):
            given = value.get(m.name)
            if (given is not None and m.base in (STRING, VECTOR, UNION)) or (m.base == OBJECT and not self._inline(m)):
                if given is not None:
                    slots[number] = ("o", self._referred(builder, m, given))
            elif given is not None and m.base == OBJECT:
                slots[number] = ("struct", self.things[m.index], self.packed(self.things[m.index], given))
            elif given is not None and m.base in FORMATS:
                slots[number] = (FORMATS[m.base], given["value"] if isinstance(given, dict) else given)
            elif m.base == UTYPE:
                chosen = value.get(thing.members[number + 1].name)
                slots[number] = ("B", 0 if chosen is None else self.choices.index(self._named(next(iter(chosen)))) + 1)
        return _table(builder, slots, len(thing.members))[1]  # type: ignore[no-any-return]

    def _inline(self, m: Member) -> bool:
        return self.things[m.index].is_struct

    def _named(self, name: str) -> int:
        return next(i for i, thing in enumerate(self.things) if thing.name == name)

    def _referred(self, builder: Any, m: Member, given: Any) -> int:
        if m.base == STRING:
            return builder.CreateString(given)  # type: ignore[no-any-return]
        if m.base == UNION:
            ((name, inner),) = given.items()
            return self._write(builder, self.things[self._named(name)], inner)
        if m.base == OBJECT:
            return self._write(builder, self.things[m.index], given)
        if m.element == STRING or (m.element == OBJECT and not self._inline(m)):
            inner_member = Member("", m.element, index=m.index)
            return _vector(builder, [("o", self._referred(builder, inner_member, item)) for item in given])[1]  # type: ignore[no-any-return]
        if m.element == OBJECT:
            thing = self.things[m.index]
            data, size, align = b"".join(self.packed(thing, item) for item in given), thing.size, thing.align
        else:
            values = [item["value"] if isinstance(item, dict) else item for item in given]
            data, size = (
                struct.pack(f"<{len(values)}{FORMATS[m.element]}", *values),
                struct.calcsize(FORMATS[m.element]),
            )
            align = size
        builder.StartVector(size, len(given), align)
        _put(builder, data)
        return builder.EndVector()  # type: ignore[no-any-return]

    def packed(self, thing: Thing, value: dict[str, Any]) -> bytes:
        data = bytearray(thing.size)
        for m in thing.members:
            given = value[m.name]
            if m.base == OBJECT:
                part = self.packed(self.things[m.index], given)
            elif m.base == ARRAY:
                part = struct.pack(f"<{m.length}{FORMATS[m.element]}", *given)
            else:
                part = struct.pack(f"<{FORMATS[m.base]}", given)
            data[m.offset : m.offset + len(part)] = part
        return bytes(data)


def _put(builder: Any, data: bytes) -> None:
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data


def _text(builder: Any, text: str) -> Any:
    return "o", builder.CreateString(text)


def _vector(builder: Any, items: Sequence[Any]) -> Any:
    builder.StartVector(4, len(items), 4)
    for _, offset in reversed(items):
        builder.PrependUOffsetTRelative(offset)
    return "o", builder.EndVector()


def _table(builder: Any, slots: dict[int, Any], count: int) -> Any:
    builder.StartObject(count)
    for slot, (kind, *value) in slots.items():
        if kind == "o":
            builder.PrependUOffsetTRelativeSlot(slot, value[0], 0)
        elif kind == "struct":
            builder.Prep(value[0].align, len(value[1]))
            _put(builder, value[1])
            builder.PrependStructSlot(slot, builder.Offset(), 0)
        else:
            base = next(b for b, f in FORMATS.items() if f == kind)
            builder.Prepend(WRITTEN_AS[base], value[0])
            builder.Slot(slot)
    return "o", builder.EndObject()


def random_schema(rng: random.Random) -> Schema:
    """Two structs and three tables, each of which may hold those before it."""
    schema = Schema([])
    for number in range(2):
        thing = Thing(f"S{number}", is_struct=True)
        for i in range(rng.randint(1, 4)):
            shape = rng.random()
            base = rng.choice([*FORMATS])
            if number and shape < 0.3:
                inner = schema.things[0]
                m, size, align = Member(f"m{i}", OBJECT, index=0), inner.size, inner.align
            elif shape < 0.5:
                m, align = Member(f"m{i}", ARRAY, base, length=rng.randint(1, 4)), struct.calcsize(FORMATS[base])
                size = align * m.length
            else:
                m, size = Member(f"m{i}", base), struct.calcsize(FORMATS[base])
                align = size
            m.offset = -(-thing.size // align) * align
            thing.size, thing.align = m.offset + size, max(thing.align, align)
            thing.members.append(m)
        thing.size = -(-thing.size // thing.align) * thing.align
        schema.things.append(thing)
    for number in range(3):
        thing = Thing(f"T{number}")
        for i in range(rng.randint(0 if number < 2 else 1, 7)):
            name, base, shape = f"m{i}", rng.choice([*FORMATS]), rng.random()
            objects = range(2 + number)
            if shape < 0.2:
                thing.members.append(Member(name, STRING))
            elif shape < 0.4:
                thing.members.append(Member(name, OBJECT, index=rng.choice(objects)))
            elif shape < 0.7:
                element = rng.choice([base, STRING, OBJECT])
                thing.members.append(Member(name, VECTOR, element, rng.choice(objects) if element == OBJECT else -1))
            elif shape < 0.8:
                thing.members.append(Member(name, UBYTE, index=0, default=2))
            elif shape < 0.9 and number == 2:
                schema.choices = [2, 3]
                thing.members += [Member(f"{name}_type", UTYPE, index=1), Member(name, UNION, index=1)]
            else:
                default = rng.choice([0, 1]) if base == 2 else rng.choice([0, 7])
                thing.members.append(Member(name, base, default=default, is_optional=rng.random() < 0.3))
        if rng.random() < 0.3:
            thing.members.append(Member("old", INT, is_deprecated=True))
        schema.things.append(thing)
    return schema


def random_scalar(rng: random.Random, base: int) -> Any:
    if base == 2:
        return rng.random() < 0.5
    if base in (11, 12):
        return struct.unpack("<f", struct.pack("<f", rng.uniform(-1e6, 1e6)))[0]
    bits = 8 * struct.calcsize(FORMATS[base])
    signed = FORMATS[base].islower()
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return rng.choice([low, high, rng.randint(low, high), 0, 1])


def random_value(rng: random.Random, schema: Schema, m: Member) -> Any:
    if m.base == STRING:
        return "".join(rng.choices("abé€", k=rng.choice([0, 1, 30])))
    if m.base == OBJECT:
        return random_thing(rng, schema, schema.things[m.index])
    if m.base == ARRAY:
        return [random_scalar(rng, m.element) for _ in range(m.length)]
    if m.base == VECTOR:
        inner = Member("", m.element, index=m.index)
        return [random_value(rng, schema, inner) for _ in range(rng.choice([0, 1, 2, 6]))]
    if m.base == UNION:
        index = rng.choice(schema.choices)
        return {schema.things[index].name: random_thing(rng, schema, schema.things[index])}
    return rng.choice([0, 2, 100, 77]) if m.index == 0 else random_scalar(rng, m.base)


def random_thing(rng: random.Random, schema: Schema, thing: Thing) -> dict[str, Any]:
    wanted = [m for m in thing.members if m.base != UTYPE and (thing.is_struct or rng.random() < 0.7)]
    return {m.name: random_value(rng, schema, m) for m in wanted}


def shown(schema: Schema, thing: Thing, value: dict[str, Any]) -> dict[str, Any]:
    """A value as our columns have it."""
    out: dict[str, Any] = {}
    for number, m in enumerate(thing.members):
        if m.is_deprecated:
            continue
        given = value.get(m.name)
        if m.base == UTYPE:
            chosen = value.get(thing.members[number + 1].name)
            names = ["NONE", *(schema.things[i].name for i in schema.choices)]
            name = "NONE" if chosen is None else next(iter(chosen))
            out[m.name] = {"name": name, "value": names.index(name)}
        elif m.base in FORMATS:
            if given is None and not m.is_optional:
                given = bool(m.default) if m.base == 2 else float(m.default) if m.base > 10 else int(m.default)
            if m.index == 0:
                given = {"name": NAMES.get(given), "value": given}
            out[m.name] = given
        elif given is None:
            out[m.name] = None
        elif m.base == UNION:
            every = [schema.things[i] for i in schema.choices]
            out[m.name] = {t.name: shown(schema, t, given[t.name]) if t.name in given else None for t in every}
        elif m.base == OBJECT:
            out[m.name] = shown(schema, schema.things[m.index], given)
        elif m.base == VECTOR and m.element == UBYTE:
            out[m.name] = bytes(given)
        elif m.base == VECTOR and m.element == OBJECT:
            out[m.name] = [shown(schema, schema.things[m.index], item) for item in given]
        else:
            out[m.name] = given
    return out


def as_plain(columns: Columns) -> list[dict[str, Any]]:
    return fields.struct_array(columns, list(columns)).to_pylist()  # type: ignore[no-any-return]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.sampled_from([1, 5, 60]))
def test_random_tables_of_random_types(seed: int, count: int) -> None:
    rng = random.Random(seed)
    schema = random_schema(rng)
    values = [random_thing(rng, schema, schema.root) for _ in range(count)]
    columns = schema.decoder()(schema.batch([schema.message(value) for value in values]))
    assert as_plain(columns) == [shown(schema, schema.root, value) for value in values]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.sampled_from([2, 30]))
def test_damaged_messages_cost_no_others(seed: int, count: int) -> None:
    rng = random.Random(seed)
    schema = random_schema(rng)
    values = [random_thing(rng, schema, schema.root) for _ in range(count)]
    payloads = [schema.message(value) for value in values]
    hurt = set(rng.sample(range(count), rng.randint(1, 2)))
    for row in hurt:
        damaged = bytearray(payloads[row])
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.choice([0, 1, 255, rng.randrange(256)])
        payloads[row] = bytes(damaged[: rng.choice([len(damaged), rng.randint(0, len(damaged))])])
    got = decode_what_can(schema.decoder(), schema.batch(payloads))
    assert set(got.bad.tolist()) <= hurt
    decoded = dict(zip(got.rows.tolist(), as_plain(got.columns), strict=True))
    for row in set(range(count)) - hurt:
        assert decoded[row] == shown(schema, schema.root, values[row])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_schemas_are_refused_or_read(seed: int) -> None:
    rng = random.Random(seed)
    schema = random_schema(rng)
    damaged = bytearray(schema.reflection())
    for _ in range(rng.randint(1, 5)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    connection = Connection(1, "/topic", schema.root.name, "flatbuffer", damaged.decode("latin-1"), "flatbuffer")
    payloads = [schema.message(random_thing(rng, schema, schema.root)) for _ in range(3)]
    with contextlib.suppress(DecodeError, UnknownTypeError):
        decode_what_can(decoder_for(connection), RawBatch.of(connection, payloads, np.arange(3)))


def foxglove(name: str) -> Connection:
    schema = (resources.files("foxglove_schemas_flatbuffer") / f"{name}.bfbs").read_bytes()
    return Connection(1, "/t", f"foxglove.{name}", "flatbuffer", schema.decode("latin-1"), "flatbuffer")


def accessor(name: str) -> Any:
    return getattr(importlib.import_module(f"foxglove_schemas_flatbuffer.{name}"), name)


def laser_scan(rng: random.Random) -> bytes:
    """Written by Foxglove's own code."""
    module = importlib.import_module("foxglove_schemas_flatbuffer.LaserScan")
    stamp = importlib.import_module("foxglove_schemas_flatbuffer.Time")
    builder = flatbuffers.Builder()
    frame = builder.CreateString(rng.choice(["laser", "base"]))
    ranges = builder.CreateNumpyVector(np.array([rng.random() for _ in range(rng.randint(0, 30))]))
    module.Start(builder)
    module.AddTimestamp(builder, stamp.CreateTime(builder, rng.randint(0, 2**31), rng.randint(0, 10**9)))
    module.AddFrameId(builder, frame)
    module.AddRanges(builder, ranges)
    module.AddStartAngle(builder, rng.random())
    builder.Finish(module.End(builder))
    return bytes(builder.Output())


def test_equal_to_foxglove_s_own_accessors() -> None:
    rng = random.Random(1)
    payloads = [laser_scan(rng) for _ in range(100)]
    connection = foxglove("LaserScan")
    msgs = decoder_for(connection)(RawBatch.of(connection, payloads, np.arange(100)))
    assert is_stamp(msgs.timestamp)
    stamps = nanos(msgs.timestamp)
    assert isinstance(msgs.ranges, Ragged)
    for i, payload in enumerate(payloads):
        scan = accessor("LaserScan").GetRootAs(payload, 0)
        assert stamps[i] == scan.Timestamp().Sec() * 10**9 + scan.Timestamp().Nsec()
        assert msgs.frame_id[i] == scan.FrameId().decode()
        assert msgs.ranges[i].tolist() == [scan.Ranges(j) for j in range(scan.RangesLength())]
        assert (msgs.start_angle[i], msgs.end_angle[i]) == (scan.StartAngle(), scan.EndAngle())
        assert (as_plain(msgs)[i]["pose"] is None) == (scan.Pose() is None)


@pytest.mark.parametrize(
    "name", ["SceneUpdate", "PointCloud", "ImageAnnotations", "CompressedImage", "Log", "LocationFix"]
)
def test_every_field_of_foxglove_s_types_is_there(name: str) -> None:
    connection = foxglove(name)
    builder = flatbuffers.Builder()
    builder.StartObject(0)
    builder.Finish(builder.EndObject())
    msgs = decoder_for(connection)(RawBatch.of(connection, [bytes(builder.Output())] * 3, np.arange(3)))
    offered = {n.lower() for n in vars(accessor(name)) if n[0].isupper()}
    assert {n.replace("_", "") for n in msgs} <= offered
    assert len(msgs) == 3
    if name == "CompressedImage":
        assert isinstance(msgs.data, Octets)


def nested(depth: int, width: int) -> tuple[Schema, bytes]:
    """Vectors that lead to one table again and again: width to the power of depth."""
    things = [Thing("L0", [Member("s", STRING)])]
    things += [Thing(f"L{level + 1}", [Member("many", VECTOR, OBJECT, level)]) for level in range(depth)]
    builder = flatbuffers.Builder()
    inner = _table(builder, {0: _text(builder, "x" * 100)}, 1)
    for _ in range(depth):
        inner = _table(builder, {0: _vector(builder, [inner] * width)}, 1)
    builder.Finish(inner[1])
    return Schema(things), bytes(builder.Output())


def test_one_place_referred_to_again_and_again() -> None:
    schema, bomb = nested(8, 100)
    small, fine = nested(8, 1)
    assert small.reflection() == schema.reflection()
    with pytest.raises(BadMessagesError, match="again and again"):
        schema.decoder()(schema.batch([bomb]))
    got = decode_what_can(schema.decoder(), schema.batch([fine, bomb, fine]))
    assert (got.rows.tolist(), got.bad.tolist()) == ([0, 2], [1])


def test_types_that_contain_themselves() -> None:
    schema = Schema([Thing("Node", [Member("v", INT), Member("next", OBJECT, index=0)])])
    columns = schema.decoder()(schema.batch([schema.message({"v": 1, "next": {"v": 2}})]))
    assert as_plain(columns) == [{"v": 1}]


def test_definitions_that_are_none() -> None:
    with pytest.raises(UnknownTypeError):
        decoder_for(Connection(1, "/t", "X", "flatbuffer"))
    for text in ("", "abc", "\xff" * 40):
        with pytest.raises(DecodeError, match="schema cannot be read"):
            decoder_for(Connection(1, "/t", "X", "flatbuffer", text, "flatbuffer"))


def test_steps_do_not_grow_with_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    read = _flatbuffer_values.Places.numbers

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return read(*arguments)

    monkeypatch.setattr(_flatbuffer_values.Places, "numbers", counted)
    rng = random.Random(1)
    some = [laser_scan(rng) for _ in range(50)]
    connection = foxglove("LaserScan")
    decoder = decoder_for(connection)
    needed = []
    for count in (1_000, 20_000):
        calls = 0
        decoder(RawBatch.of(connection, some * (count // 50), np.arange(count)))
        needed.append(calls)
    assert needed[1] <= needed[0] < 200
