"""JSON messages as columns equal what `json.loads` makes of each."""

from __future__ import annotations

import base64
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import Writer

from rrbridge.columns import Columns, Octets, Ragged, Text, is_stamp, nanos, present
from rrbridge.errors import DecodeError
from rrbridge.importers import ImportOptions
from rrbridge_bridge import fields
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.decode import BadMessagesError, Decode, decode_what_can, decoder_for, json_documents
from rrbridge_bridge.raw import Connection, RawBatch

LEAVES = ["int", "float", "bool", "text", "base64"]
SCHEMAS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": ["number", "null"]},
    "bool": {"type": "boolean"},
    "text": {"type": "string"},
    "base64": {"type": "string", "contentEncoding": "base64"},
}


def connection(schema: Any = None) -> Connection:
    if schema is None:
        return Connection(1, "/topic", "", "json")
    return Connection(1, "/topic", "Thing", "json", json.dumps(schema), "jsonschema")


def batch(documents: Sequence[Any], schema: Any = None) -> RawBatch:
    payloads = [d if isinstance(d, bytes) else json.dumps(d, ensure_ascii=False).encode() for d in documents]
    return RawBatch.of(connection(schema), payloads, np.arange(len(payloads)))


def decode(documents: Sequence[Any], schema: Any = None) -> Columns:
    return decoder_for(connection(schema))(batch(documents, schema))


def as_plain(columns: Columns) -> list[dict[str, Any]]:
    return fields.struct_array(columns, list(columns)).to_pylist()  # type: ignore[no-any-return]


def random_type(rng: random.Random, depth: int = 0) -> Any:
    """A leaf's name, `[type]` or `{name: type}`."""
    shape = rng.random()
    if depth and (shape < 0.5 or depth > 3):
        return rng.choice(LEAVES)
    if depth and shape < 0.7:
        return [random_type(rng, depth + 1)]
    names = rng.sample(["a", "b", "x", "é", "with space", "a.b", "", "sec"], rng.randint(1, 6))
    return {name: random_type(rng, depth + 1) for name in names}


def schema_of(kind: Any) -> dict[str, Any]:
    if isinstance(kind, str):
        return SCHEMAS[kind]
    if isinstance(kind, list):
        return {"type": "array", "items": schema_of(kind[0])}
    return {"type": "object", "properties": {name: schema_of(inner) for name, inner in kind.items()}}


def random_value(rng: random.Random, kind: Any, *, nulls: bool = True) -> Any:
    if nulls and rng.random() < 0.15:
        return None
    if isinstance(kind, list):
        return [random_value(rng, kind[0]) for _ in range(rng.choice([0, 1, 2, 5]))]
    if isinstance(kind, dict):
        return {name: random_value(rng, inner) for name, inner in kind.items() if rng.random() < 0.8}
    if kind == "int":
        return rng.choice([0, -1, 2**63 - 1, -(2**63), rng.randint(-1000, 1000)])
    if kind == "float":
        return rng.choice([0.0, -0.0, 0.1, 1e300, 5e-324, rng.uniform(-1e9, 1e9)])
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "text":
        return "".join(rng.choices('abé€😀"\\\n\t[]{} ', k=rng.choice([0, 1, 5, 40])))
    return base64.b64encode(rng.randbytes(rng.randint(0, 20))).decode()


def known(kind: Any, values: Sequence[Any]) -> Any:
    """What documents say of a type; None of what is always null."""
    there = [value for value in values if value is not None]
    if isinstance(kind, list):
        inner = known(kind[0], [item for value in there for item in value])
        return None if inner is None else [inner]
    if isinstance(kind, dict):
        parts = {name: known(inner, [value.get(name) for value in there]) for name, inner in kind.items()}
        return {name: part for name, part in parts.items() if part is not None} if there else None
    return (kind if kind != "base64" else "text") if there else None


EMPTY = {"int": 0, "float": math.nan, "bool": False, "text": "", "base64": b""}


def shown(kind: Any, value: Any, *, in_list: bool = False) -> Any:
    """A value as our columns have it."""
    if isinstance(kind, dict):
        if value is None and not in_list:
            return None
        return {name: shown(inner, (value or {}).get(name)) for name, inner in sorted(kind.items())}
    if isinstance(kind, list):
        if value is None:
            return [] if in_list else None
        return [shown(kind[0], item, in_list=True) for item in value]
    if value is None:
        return EMPTY[kind] if in_list else None
    return base64.b64decode(value) if kind == "base64" else value


def ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def same(ours: Any, theirs: Any) -> bool:
    """Equal where the order of names does not count, NaN equals NaN and 0.0 is not -0.0."""
    return repr(ordered(ours)) == repr(ordered(theirs))


@pytest.mark.parametrize("with_schema", [False, True])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.sampled_from([1, 5, 300]))
def test_random_documents_of_random_types(with_schema: bool, seed: int, count: int) -> None:
    rng = random.Random(seed)
    kind = random_type(rng)
    documents = [random_value(rng, kind, nulls=False) for _ in range(count)]
    if not with_schema:
        found = known(kind, documents)
        assert same(as_plain(decode(documents)), [shown(found, value) for value in documents])
        return
    ours = decode(documents, schema_of(kind))
    assert same(as_plain(ours), [shown(kind, value) for value in documents])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.sampled_from([3, 250]))
def test_damaged_documents_cost_no_others(seed: int, count: int) -> None:
    rng = random.Random(seed)
    kind = random_type(rng)
    documents = [random_value(rng, kind, nulls=False) for _ in range(count)]
    payloads = [json.dumps(value).encode() for value in documents]
    hurt = rng.sample(range(count), rng.randint(1, 3))
    for row in hurt:
        payloads[row] = rng.choice(
            [b"", b" ", b"{", b"}", b"null", b"[1]", b'"x"', b"{]}", b'{"a":}', payloads[row][:-1] or b"{"]
        )
    batch_of_all = RawBatch.of(connection(schema_of(kind)), payloads, np.arange(count))
    got = decode_what_can(decoder_for(batch_of_all.connection), batch_of_all)
    assert got.bad.tolist() == sorted(hurt)
    good = [shown(kind, value) for row, value in enumerate(documents) if row not in hurt]
    assert same(as_plain(got.columns), good)


def test_columns_are_arrays() -> None:
    schema = {
        "type": "object",
        "properties": {
            "timestamp": {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}},
            "data": {"type": "string", "contentEncoding": "base64"},
            "ranges": {"type": "array", "items": {"type": "number"}},
            "level": {"title": "Level", "oneOf": [{"title": "LOW", "const": 0}, {"title": "HIGH", "const": 1}]},
            "frame_id": {"type": "string"},
        },
    }
    first = {"timestamp": {"sec": 12, "nsec": 5}, "data": "AQI=", "ranges": [1, 2.5], "level": 1, "frame_id": "base"}
    msgs = decode([first, {"timestamp": {"sec": 13, "nsec": 0}}], schema)
    assert is_stamp(msgs.timestamp)
    assert nanos(msgs.timestamp).tolist() == [12_000_000_005, 13_000_000_000]
    assert isinstance(msgs.data, Octets)
    assert msgs.data[0].tolist() == [1, 2]
    assert isinstance(msgs.ranges, Ragged)
    assert msgs.ranges[0].tolist() == [1.0, 2.5]
    assert msgs.level.tolist() == [1, 0]
    assert isinstance(msgs.frame_id, Text)
    assert msgs.frame_id.to_list() == ["base", ""]
    assert present(msgs, "frame_id").tolist() == [True, False]


def test_types_widen_from_batch_to_batch() -> None:
    decoder = decoder_for(connection())
    batches: list[list[Any]] = [
        [{"x": 1}],
        [{"x": None}],
        [{"x": 2.5, "y": [1]}],
        [{"x": 3}],
        [{"x": 2**64}],
        [{"y": None}],
    ]
    seen = [as_plain(decoder(batch(documents))) for documents in batches]
    assert same(seen[0], [{"x": 1}])
    assert same(seen[1], [{"x": None}])
    assert same(seen[2], [{"x": 2.5, "y": [1]}])
    assert same(seen[3], [{"x": 3.0, "y": None}])
    assert same(seen[4], [{"x": 2.0**64, "y": None}])
    assert same(seen[5], [{"x": None, "y": None}])


def test_what_is_no_single_type_is_json_text() -> None:
    documents = [{"v": 1, "w": [1]}, {"v": "x"}, {"v": {"a": [1, None]}, "w": [{"k": 1}]}, {}]
    texts = ["1", '"x"', '{"a": [1, null]}', None]
    items = [["1"], None, ['{"k": 1}'], None]
    assert as_plain(decode(documents)) == [{"v": v, "w": w} for v, w in zip(texts, items, strict=True)]
    free_form = {
        "type": "object",
        "properties": {"any": {"type": "object"}, "map": {"additionalProperties": {"type": "number"}}},
    }
    assert as_plain(decode([{"any": {"x": 1}}], free_form)) == [{"any": '{"x": 1}'}]


def test_documents_of_many_names() -> None:
    """Thousands of readings in one document are fields; what has new names in every document costs only what is too much."""
    readings = {f"tag{i}": i for i in range(3_000)}
    assert as_plain(decode([readings, readings])) == [readings, readings]
    documents = [{f"id{i}_{j}": j for j in range(1_000)} for i in range(6)]
    got = decode_what_can(decoder_for(connection()), batch(documents))
    assert got.bad.tolist() == [4, 5]
    assert "more than 4096 names" in str(got.error)
    found = [{name: value for name, value in row.items() if value is not None} for row in as_plain(got.columns)]
    assert found == documents[:4]
    larger = {f"tag{i}": i for i in range(5_000)}
    assert decode_what_can(decoder_for(connection()), batch([larger])).bad.tolist() == [0]


def test_schemas_that_refer_to_themselves() -> None:
    node = {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}}
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    assert as_plain(decode([{"v": 1, "next": {"v": 2}}], schema)) == [{"v": 1, "next": '{"v": 2}'}]


def test_documents_that_contradict_their_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"type": "string"}, "o": schema_of({"x": "int"})},
    }
    documents = [{"n": 1}, {"n": "1"}, {"s": 5}, {"n": 1.5}, {"o": 3}, {"more": True}, {"n": 2, "o": {"x": "y"}}]
    got = decode_what_can(decoder_for(connection(schema)), batch(documents, schema))
    assert got.bad.tolist() == [1, 2, 4, 6]
    assert got.error is not None
    assert "a string where the schema has an integer" in str(got.error)
    assert got.error.field == "n"
    nothing = {"n": None, "s": None, "o": None, "more": None}
    assert same(as_plain(got.columns), [nothing | {"n": 1.0}, nothing | {"n": 1.5}, nothing | {"more": True}])


BOMB = 200_000
LIES = {
    "lists in lists": b'{"a":' + b"[" * BOMB + b"]" * BOMB + b"}",
    "objects in objects": b'{"a":' * BOMB + b"1" + b"}" * BOMB,
    "an open end": b'{"a":' + b"[" * BOMB + b"}",
    "two in one": b'{"a":1}{"a":2}',
    "a name twice": b'{"a":1,"a":2}',
    "half a surrogate": b'{"b":"\\ud800"}',
    "a number too large": b'{"a":1e999}',
    "an open string": b'{"b":"}',
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("with_schema", [False, True])
def test_a_lie_costs_only_its_message(lie: str, with_schema: bool) -> None:
    schema = schema_of({"a": "float", "b": "text"}) if with_schema else None
    good = [{"a": 1.5, "b": "x"}] * 3
    got = decode_what_can(decoder_for(connection(schema)), batch([*good, LIES[lie], *good], schema))
    assert got.bad.tolist() == [3]
    assert same(as_plain(got.columns), good * 2)


def test_bad_base64_is_refused() -> None:
    schema = schema_of({"raw": ["base64"]})
    texts = [["AQI="], ["AQI"], ["A==="], ["AQ=="], ["A=Q="], ["AQI=", "éQI="], ["=QIB"], [], ["_-8="], None]
    got = decode_what_can(decoder_for(connection(schema)), batch([{"raw": text} for text in texts], schema))
    assert got.bad.tolist() == [1, 2, 4, 5, 6]
    assert [item["raw"] for item in as_plain(got.columns)] == [[b"\x01\x02"], [b"\x01"], [], [b"\xff\xef"], None]


def test_a_schema_that_is_none() -> None:
    with pytest.raises(DecodeError, match="schema cannot be read"):
        decoder_for(Connection(1, "/t", "X", "json", "{", "jsonschema"))


def test_documents_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    load = json_documents._loaded

    def counted(*arguments: Any) -> Any:
        nonlocal looked
        looked += 1
        return load(*arguments)

    monkeypatch.setattr(json_documents, "_loaded", counted)
    documents = [{"x": i, "pose": {"y": 0.5}, "names": ["a"] * (i % 3)} for i in range(5_000)]
    decoder: Decode = decoder_for(connection())
    for _ in range(3):
        assert decoder(batch(documents)).x[4_999] == 4_999
    assert looked == json_documents.FIRST_LOOK
    looked = 0
    decode(documents, schema_of({"x": "int", "pose": {"y": "float"}, "names": ["text"]}))
    assert looked == 0


def test_fields_in_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "json.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start("", "test")
        schema = writer.register_schema("Thing", "jsonschema", json.dumps(schema_of({"x": "int"})).encode())
        channels = [writer.register_channel(f"/{i}", "json", i and schema) for i in (0, 1)]
        for i in range(10):
            writer.add_message(channels[i % 2], i, json.dumps({"x": i, "timestamp": {"sec": i, "nsec": 1}}).encode(), i)
        writer.finish()  # type: ignore[no-untyped-call]
    conversion = Conversion([path], ImportOptions())
    chunks = [chunk for chunk in conversion.chunks() if not chunk.is_static]
    assert [(chunk.entity_path, *chunk.components) for chunk in chunks] == [
        ("/0", "json:message"),
        ("/1", "Thing:message"),
    ]
    stamps = chunks[1].to_record_batch().column("timestamp").cast(pa.int64())
    assert stamps.to_pylist() == [i * 10**9 + 1 for i in (1, 3, 5, 7, 9)]
    kept = Conversion([path], ImportOptions(mapping="reference")).chunks()  # the reference knows no more than the bytes
    assert all("McapMessage:data" in chunk.components for chunk in kept if not chunk.is_static)
    with pytest.raises(BadMessagesError):
        decode([b"{"])
