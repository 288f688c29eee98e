"""Structs without members become booleans on their way into Parquet; nothing else changes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge_bridge.writers._storable import storable_batch, storable_type


def random_type(rng: random.Random, depth: int = 0) -> pa.DataType:
    kind = rng.choice(["empty", "int", "text", "struct", "list", "map"] if depth < 4 else ["empty", "int"])
    if kind == "struct":
        return pa.struct([(f"f{i}", random_type(rng, depth + 1)) for i in range(rng.randint(1, 3))])
    if kind == "list":
        return pa.list_(random_type(rng, depth + 1))
    if kind == "map":
        return pa.map_(pa.utf8(), random_type(rng, depth + 1))
    return {"empty": pa.struct([]), "int": pa.int64(), "text": pa.utf8()}[kind]


def random_value(rng: random.Random, kind: pa.DataType) -> Any:
    if rng.random() < 0.2:
        return None
    if pa.types.is_struct(kind):
        return {field.name: random_value(rng, field.type) for field in kind}
    if pa.types.is_map(kind):
        return [(f"k{i}", random_value(rng, kind.item_type)) for i in range(rng.randint(0, 3))]
    if pa.types.is_list(kind):
        return [random_value(rng, kind.value_type) for _ in range(rng.randint(0, 3))]
    return rng.randint(0, 9) if pa.types.is_integer(kind) else "é"


def stored(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: stored(inner) for name, inner in value.items()} or True
    if isinstance(value, list):
        return [stored(item) for item in value]
    return (value[0], stored(value[1])) if isinstance(value, tuple) else value


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_only_structs_without_members_change(seed: int, tmp_path_factory: Any) -> None:
    rng = random.Random(seed)
    kinds = [random_type(rng) for _ in range(3)]
    arrays = [pa.array([random_value(rng, kind) for _ in range(12)], kind) for kind in kinds]
    batch = pa.RecordBatch.from_arrays(arrays, ["a", "b", "c"]).slice(rng.randint(0, 3))
    schema = pa.schema([field.with_type(storable_type(field.type)) for field in batch.schema])
    path: Path = tmp_path_factory.getbasetemp() / "storable.parquet"
    pq.write_table(pa.Table.from_batches([storable_batch(batch, schema)]), path)
    assert pq.read_table(path).to_pylist() == [{k: stored(v) for k, v in row.items()} for row in batch.to_pylist()]
