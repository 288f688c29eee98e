"""Compaction changes how rows are cut into chunks and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge import _compaction
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._compaction import compact
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import tuids_sorted
from rrbridge.rrd import RrdReader

X = ComponentDescriptor("Scalars:scalars", "rerun.archetypes.Scalars", "rerun.components.Scalar")
TYPES = {"f": pa.list_(pa.float64()), "t": pa.list_(pa.utf8())}


def rows_of(chunks: list[Chunk]) -> list[tuple[Any, ...]]:
    """Every row with its times and cells, as plain values, in order of row ids."""
    found: list[tuple[Any, ...]] = []
    for chunk in chunks:
        times = {name: column.values.tolist() for name, column in chunk.times.items()}
        cells = {name: column.cells.to_pylist() for name, column in chunk.components.items()}
        described = sorted(str(column.descriptor) for column in chunk.components.values())
        found += (
            (
                chunk.entity_path,
                chunk.row_ids[row].tobytes(),
                sorted((name, column[row]) for name, column in times.items()),
                sorted((name, column[row]) for name, column in cells.items()),
                described,
            )
            for row in range(chunk.num_rows)
        )
    return sorted(found, key=lambda row: row[:2])


def one(entity: str, times: list[int], cells: list[Any], datatype: pa.DataType | None = None, **kwargs: Any) -> Chunk:
    return Chunk.from_columns(
        entity,
        times=[TimeColumn.of("step", TimeKind.SEQUENCE, times)],
        components=[ComponentColumn(X, pa.array(cells, datatype or TYPES["f"]))],
        **kwargs,
    )


@st.composite
def streams(draw: st.DrawFn) -> list[Chunk]:
    order = draw(st.permutations(range(40)))
    numbers = iter(order)
    chunks = []
    for _ in range(draw(st.integers(1, 12))):
        rows = list(itertools.islice(numbers, draw(st.integers(1, 3))))
        kinds = draw(st.sampled_from(["f", "t"]))
        times = draw(st.sampled_from([(), ("step",), ("step", "clock")]))
        cell = st.none() | st.lists(st.floats(0, 9) if kinds == "f" else st.sampled_from("pq"), max_size=2)
        chunks.append(
            Chunk.from_columns(
                draw(st.sampled_from(["/a", "/b"])),
                times=[
                    TimeColumn.of(t, TimeKind.SEQUENCE, draw(st.lists(st.integers(0, 9), min_size=k, max_size=k)))
                    for t in times
                    for k in [len(rows)]
                ],
                components=[ComponentColumn(X, pa.array([draw(cell) for _ in rows], TYPES[kinds]))],
                row_ids=np.array([(1, row) for row in rows], ">u8").reshape(-1, 2),
            )
        )
    return [chunk for chunk in chunks if chunk.num_rows]


@given(streams(), st.integers(1, 8), st.integers(1, 4), st.integers(60, 2000))
@settings(deadline=None)
def test_rows_stay_what_they_are(chunks: list[Chunk], max_rows: int, unsorted: int, max_bytes: int) -> None:
    packed = list(compact(chunks, max_rows=max_rows, max_rows_if_unsorted=unsorted, max_bytes=max_bytes))
    assert rows_of(packed) == rows_of(chunks)
    given_ids = {chunk.id for chunk in chunks}
    assert len({chunk.id for chunk in packed}) == len(packed) <= len(chunks) * max_rows
    for chunk in packed:
        if chunk.id in given_ids:
            continue
        assert chunk.num_rows <= max_rows
        assert tuids_sorted(chunk.row_ids)
        in_order = {name: bool(np.all(np.diff(column.values) >= 0)) for name, column in chunk.times.items()}
        assert in_order == {name: chunk.is_sorted_on(name) for name in chunk.times}
        assert all(in_order.values()) or chunk.num_rows <= unsorted


def test_many_rows_become_few_chunks() -> None:
    chunks = [one(f"/e{n % 3}", [n], [[float(n)]]) for n in range(3 * 5000)]
    packed = list(compact(chunks))
    assert [chunk.num_rows for chunk in packed] == [4096] * 3 + [904] * 3
    assert rows_of(packed) == rows_of(chunks)


def test_large_chunks_are_left_alone() -> None:
    large = one("/a", list(range(5000)), [[0.0]] * 5000)
    heavy = one("/a", [0], [[0.0] * 50_000])
    small = one("/a", [1], [[1.0]])
    assert list(compact([large, small, heavy])) == [large, heavy, small]


def test_types_that_differ_stay_apart() -> None:
    chunks = [
        one("/a", [0], [[1.0]]),
        one("/a", [1], [["text"]], TYPES["t"]),
        one("/a", [2], [[2.0]], pa.list_(pa.field("item", pa.float64(), nullable=False))),
        one("/a", [3], [[3.0]]),
    ]
    packed = list(compact(chunks))
    assert [chunk.num_rows for chunk in packed] == [2, 1, 1]


def test_memory_stays_flat_with_many_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compaction, "WAITING_BYTES", 10_000)
    taken = 0

    def stream() -> Iterator[Chunk]:
        nonlocal taken
        for n in range(4000):
            taken += 1
            yield one(f"/e{n % 1000}", [n], [[float(n)]])

    most_held = 0
    handed_out = 0
    for chunk in compact(stream()):
        handed_out += chunk.num_rows
        most_held = max(most_held, taken - handed_out)
    assert handed_out == 4000
    assert most_held < 1000


def test_dictionaries_and_bare_columns_are_put_together() -> None:
    chunks = []
    for n in range(3):
        batch = one("/a", [n], [[1.0]]).to_record_batch()
        bare = pa.array([f"word{n}"]).dictionary_encode()
        field = pa.field("words", bare.type, metadata={"rerun:kind": "data", "rerun:component": "words"})
        schema = batch.schema.append(field)
        chunks.append(Chunk(pa.RecordBatch.from_arrays([*batch.columns, bare], schema=schema)))
    packed = list(compact(chunks))
    assert len(packed) == 1
    assert packed[0].components["words"].cells.to_pylist() == [["word0"], ["word1"], ["word2"]]


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["TheRobotStudio+SO-ARM100/so100.rrd", "nmayorov+rerun-4seasons/blueprint.rbl"])
def test_rows_of_real_files(shared_data: Path, name: str) -> None:
    with RrdReader(shared_data / name) as reader:
        chunks = [reader.chunk(index, n) for index in reader.manifests() for n in range(len(index))]
    chunks = [chunk for chunk in chunks if chunk.num_rows]
    packed = list(compact(chunks))
    assert rows_of(packed) == rows_of(chunks)
    assert len(packed) <= len(chunks)
