"""Lenses make the chunks that the reference's make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import rerun as rr
import rerun.chunk as reference

import rrbridge
import rrbridge.chunk as ours
from rrbridge.errors import LensError, RrbridgeError

STRUCT = pa.struct([("a", pa.int64()), ("b", pa.int64()), ("l", pa.list_(pa.int64())), ("f", pa.float64())])
ROWS = [
    [{"a": 1, "b": 1, "l": [3, 2], "f": 1.5}],
    [{"a": 5, "b": 9, "l": [], "f": 2.5}],
    [{"a": 2, "b": 2, "l": [7], "f": None}],
    [{"a": 2, "b": 1, "l": [8, 9, 10], "f": 0.5}],
]
GAPS = [*ROWS, None, [], [None], [{"a": None, "b": None, "l": None, "f": None}], [*ROWS[0], *ROWS[2]]]


def batch(rows: Sequence[Any], *, static: bool = False) -> pa.RecordBatch:
    """A chunk with a component of structs, one of numbers and one of text."""
    count = len(rows)
    columns: dict[str, tuple[pa.Array, dict[str, str]]] = {
        "frame": (pa.array(range(10, 10 + count)), {"rerun:kind": "index", "rerun:index_name": "frame"}),
        "time": (
            pa.array(np.arange(count) // 2, pa.int64()).cast(pa.duration("ns")),
            {"rerun:kind": "index", "rerun:index_name": "time"},
        ),
        "Imu:sample": (
            pa.array(rows, pa.list_(STRUCT)),
            {"rerun:component": "Imu:sample", "rerun:archetype": "Imu", "rerun:component_type": "my.Sample"},
        ),
        "number": (pa.array([[float(i)] for i in range(count)]), {"rerun:component": "number"}),
        "text": (pa.array([["x", "y"]] * count), {"rerun:component": "text"}),
    }
    if static:
        del columns["frame"], columns["time"]
    fields = [pa.field(name, column.type, metadata=metadata) for name, (column, metadata) in columns.items()]
    schema = pa.schema(fields, metadata={"rerun:entity_path": "/robot/imu"})
    made = pa.RecordBatch.from_arrays([column for column, _ in columns.values()], schema=schema)
    chunk = reference.Chunk.from_record_batch(made, index=None if static else rr._send_dataframe.AUTO_INDEX)[0]
    return chunk.to_record_batch()


def described(made: pa.RecordBatch, source: pa.RecordBatch) -> dict[str, Any]:
    """What a chunk holds, whatever the order of columns and the ids that are new."""
    columns: dict[str, Any] = {
        field.name: (field.type, field.metadata, column.to_pylist())
        for field, column in zip(made.schema, made.columns, strict=True)
        if not field.name.startswith("rerun.controls")
    }
    return {
        "entity": made.schema.metadata[b"rerun:entity_path"],
        "is the same chunk": made.schema.metadata[b"rerun:id"] == source.schema.metadata[b"rerun:id"],
        "has the same row ids": made.column(0).equals(source.column(0)),
        "row ids": made.schema.field(0).metadata,
        "columns": columns,
    }


Lenses = Callable[[Any], Any]
"""Lenses made with the module that is given: ours, or the reference's."""


def sdk(module: Any) -> Any:
    return rrbridge if module is ours else rr


LENSES: dict[str, Lenses] = {
    "nothing reads it": lambda m: m.MutateLens("other", "."),
    "mutate": lambda m: m.MutateLens("Imu:sample", ".a"),
    "mutate with the same ids": lambda m: m.MutateLens("Imu:sample", ".a!", keep_row_ids=True),
    "mutate away": lambda m: m.MutateLens("Imu:sample", ".missing"),
    "mutate to longer rows": lambda m: m.MutateLens("Imu:sample", ".l[]"),
    "mutate two": lambda m: [m.MutateLens("Imu:sample", ".a", keep_row_ids=True), m.MutateLens("number", '"k"')],
    "mutate by function": lambda m: m.MutateLens("number", m.Selector(".").pipe(lambda v: pc.multiply(v, 2))),
    "derive": lambda m: m.DeriveLens("Imu:sample").to_component("out:a", ".a"),
    "derive two": lambda m: (
        m.DeriveLens("Imu:sample")
        .to_component("out:a", ".a")
        .to_component(sdk(m).Scalars.descriptor_scalars(), m.Selector(".f"))
    ),
    "derive nothing": lambda m: m.DeriveLens("Imu:sample").to_component("out", ".missing"),
    "derive over another": lambda m: m.DeriveLens("Imu:sample").to_component("number", ".f"),
    "derive over a mutated": lambda m: [
        m.DeriveLens("Imu:sample").to_component("text", ".f"),
        m.MutateLens("text", ".", keep_row_ids=True),
    ],
    "derive and mutate": lambda m: [
        m.MutateLens("Imu:sample", ".a"),
        m.DeriveLens("Imu:sample").to_component("x", ".f"),
    ],
    "to another entity": lambda m: m.DeriveLens("Imu:sample", output_entity="out/x").to_component("x", ".f"),
    "to its own entity by name": lambda m: m.DeriveLens("number", output_entity="/robot/imu").to_component("x", "."),
    "some results": lambda m: (
        m.DeriveLens("Imu:sample", output_entity="/o").to_component("x", ".missing").to_component("y", ".f")
    ),
    "two to one entity": lambda m: [
        m.DeriveLens("Imu:sample", output_entity="/o").to_component("x", ".f"),
        m.DeriveLens("number", output_entity="/o").to_component("y", "."),
    ],
    "cast": lambda m: m.DeriveLens("Imu:sample").to_component("x", ".f", cast_to=pa.int8()),
    "cast to text": lambda m: m.DeriveLens("Imu:sample").to_component("x", ".a", cast_to=pa.string()),
    "cast to lists": lambda m: m.DeriveLens("Imu:sample").to_component("x", ".a", cast_to=pa.list_(pa.float32())),
    "cast inside of lists": lambda m: m.DeriveLens("Imu:sample").to_component("x", ".l", cast_to=pa.list_(pa.int16())),
    "cast as the component": lambda m: (
        m.DeriveLens("Imu:sample").to_component(sdk(m).Points3D.descriptor_colors(), ".a", cast_to="auto")
    ),
    "translation": lambda m: m.DeriveLens("Imu:sample").to_translation("f", "f", "f"),
    "quaternion": lambda m: m.DeriveLens("Imu:sample").to_quaternion("f", "f", "f", "f"),
    "scale": lambda m: m.DeriveLens("Imu:sample").to_scale("f", "f", "f"),
    "scalars": lambda m: m.DeriveLens("Imu:sample").to_scalars("a"),
    "scalars of several": lambda m: m.DeriveLens("Imu:sample").to_scalars("f", "f"),
    "packed": lambda m: m.DeriveLens("Imu:sample").to_packed_component("x", "a", "b", cast_to=None),
    "scatter": lambda m: m.DeriveLens("Imu:sample", scatter=True).to_component("x", ".l[]"),
    "scatter two": lambda m: (
        m.DeriveLens("Imu:sample", scatter=True, output_entity="/q").to_component("x", ".f").to_component("y", ".a")
    ),
    "scatter text": lambda m: m.DeriveLens("text", scatter=True).to_component("x", "."),
    "scatter and derive": lambda m: [
        m.DeriveLens("Imu:sample", scatter=True).to_component("x", ".l[]"),
        m.DeriveLens("Imu:sample").to_component("y", ".a"),
    ],
}  # fmt: skip
TIMED: dict[str, Lenses] = {
    "time": lambda m: m.DeriveLens("Imu:sample").to_timeline("z", "sequence", ".a").to_component("x", ".f"),
    "time that comes first": lambda m: (
        m.DeriveLens("Imu:sample").to_timeline("a", "timestamp_ns", ".a!").to_component("x", ".f")
    ),
    "time that is there": lambda m: (
        m.DeriveLens("Imu:sample").to_timeline("frame", "sequence", ".b").to_component("x", ".l")
    ),
    "duration": lambda m: m.DeriveLens("Imu:sample").to_timeline("z", "duration", ".a").to_component("x", ".f"),
    "two times": lambda m: (
        m.DeriveLens("Imu:sample", output_entity="/o")
        .to_timeline("a", "sequence", ".a")
        .to_timeline("b", "timestamp", ".b")
        .to_component("x", ".f")
    ),
    "a time that is missing": lambda m: (
        m.DeriveLens("Imu:sample").to_timeline("z", "sequence", ".missing").to_component("x", ".f")
    ),
    "rotation": lambda m: m.DeriveLens("Imu:sample").to_rotation_axis_angle("a", "a", "b", "b"),
}
MODES = ("drop_unmatched", "forward_unmatched", "forward_all")


def both_make_the_same(lenses: Lenses, source: pa.RecordBatch, mode: str | None) -> None:
    theirs_in, ours_in = reference.Chunk.from_record_batch(source)[0], ours.Chunk(source)
    if mode is None:
        theirs, made = theirs_in.apply_lenses(lenses(reference)), ours_in.apply_lenses(lenses(ours))
    else:
        from rrbridge._lens_apply import apply_lenses, as_lenses

        stream = reference.LazyChunkStream.from_iter([theirs_in])
        theirs = stream.lenses(lenses(reference), output_mode=mode).to_chunks()
        made = apply_lenses(ours_in, as_lenses(lenses(ours)), mode)  # type: ignore[arg-type]
    wanted = [described(chunk.to_record_batch(), source) for chunk in theirs]
    assert [described(chunk.to_record_batch(), source) for chunk in made] == wanted


@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("name", LENSES)
def test_chunks_become_what_the_reference_makes_of_them(name: str, mode: str | None) -> None:
    both_make_the_same(LENSES[name], batch(GAPS), mode)


@pytest.mark.parametrize("name", [*LENSES, *TIMED])
def test_whole_chunks_too(name: str) -> None:
    both_make_the_same((LENSES | TIMED)[name], batch(ROWS), None)
    if name in LENSES:  # the reference takes the times of all rows for those of a slice
        both_make_the_same(LENSES[name], batch(ROWS).slice(1, 2), None)


@pytest.mark.parametrize("name", LENSES)
def test_static_chunks_too(name: str) -> None:
    both_make_the_same(LENSES[name], batch(GAPS, static=True), None)


REFUSED: dict[str, Lenses] = {
    "makes nothing": lambda m: m.DeriveLens("Imu:sample"),
    "makes only times": lambda m: m.DeriveLens("Imu:sample").to_timeline("t", "sequence", ".a"),
    "does not fit": lambda m: m.MutateLens("Imu:sample", ".a.b"),
    "derives what does not fit": lambda m: m.DeriveLens("Imu:sample").to_component("x", ".a[]"),
    "mutates twice": lambda m: [m.MutateLens("number", "."), m.MutateLens("number", ".")],
    "derives twice": lambda m: m.DeriveLens("number").to_component("x", ".").to_component("x", "."),
    "derives twice elsewhere": lambda m: [
        m.DeriveLens("number", output_entity="/o").to_component("x", "."),
        m.DeriveLens("text", output_entity="/o").to_component("x", "."),
    ],
    "derives from itself": lambda m: m.DeriveLens("number").to_component("number", "."),
    "no result elsewhere": lambda m: m.DeriveLens("Imu:sample", output_entity="/o").to_component("x", ".q"),
    "no result scattered": lambda m: m.DeriveLens("Imu:sample", scatter=True).to_component("x", ".q"),
    "differing rows": lambda m: (
        m.DeriveLens("Imu:sample", scatter=True).to_component("x", ".l[]").to_component("y", ".a")
    ),
    "casts to what it cannot be": lambda m: m.DeriveLens("Imu:sample").to_component("x", ".l", cast_to=pa.int8()),
    "casts to an unknown type": lambda m: m.DeriveLens("number").to_component("x", ".", cast_to="auto"),
    "packs a missing field": lambda m: m.DeriveLens("Imu:sample").to_translation("f", "f", "q"),
    "packs differing types": lambda m: m.DeriveLens("Imu:sample").to_packed_component("x", "f", "a", cast_to=None),
    "rotates by a missing field": lambda m: m.DeriveLens("Imu:sample").to_rotation_axis_angle("f", "f", "f", "q"),
    "times that are no numbers": lambda m: (
        m.DeriveLens("Imu:sample").to_timeline("t", "sequence", ".f").to_component("x", ".f")
    ),
    "no such timeline type": lambda m: m.DeriveLens("number").to_timeline("t", "bogus", "."),
    "no fields": lambda m: m.DeriveLens("number").to_packed_component("x"),
    "no scalars": lambda m: m.DeriveLens("number").to_scalars(),
    "no such cast": lambda m: m.DeriveLens("number").to_component("x", ".", cast_to="other"),
    "no component": lambda m: m.DeriveLens("").to_component("x", "."),
    "no selector": lambda m: m.MutateLens("number", ".."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_same_lenses_are_refused(name: str) -> None:
    source = batch(ROWS)
    with pytest.raises(ValueError):
        reference.Chunk.from_record_batch(source)[0].apply_lenses(REFUSED[name](reference))
    with pytest.raises(RrbridgeError) as caught:
        ours.Chunk(source).apply_lenses(REFUSED[name](ours))
    assert isinstance(caught.value, ValueError)


def test_times_must_be_there_in_every_row() -> None:
    lens = ours.DeriveLens("Imu:sample").to_timeline("t", "sequence", ".a").to_component("x", ".f")
    with pytest.raises(LensError, match="timeline t needs exactly one time in each row"):
        ours.Chunk(batch(GAPS)).apply_lenses(lens)
    scattered = ours.DeriveLens("Imu:sample", scatter=True).to_component("x", ".l[]")
    made = ours.Chunk(batch(ROWS[::2])).apply_lenses(scattered.to_timeline("t", "sequence", ".l[]"))[-1]
    assert made.times["t"].values.tolist() == [2, 3, 7]
    assert made.times["frame"].values.tolist() == [10, 10, 11]
    with pytest.raises(LensError, match="rows"):
        ours.Chunk(batch(ROWS)).apply_lenses(scattered.to_timeline("t", "sequence", ".a"))


def test_nulls_are_not_let_into_types_that_forbid_them() -> None:
    lens = ours.DeriveLens("Imu:sample").to_rotation_axis_angle("f", "f", "f", "b")
    made = ours.Chunk(batch(GAPS)).apply_lenses(lens)[0].components["Transform3D:rotation_axis_angle"].cells
    assert made[2].as_py() == [None]
    assert made[0].as_py() == [{"axis": [1.5, 1.5, 1.5], "angle": 1.0}]
    forbids = pa.struct([pa.field(name, STRUCT.field(name).type, nullable=False) for name in "ablf"])
    with pytest.raises(LensError, match="are null"):
        ours.Chunk(batch(GAPS)).apply_lenses(ours.DeriveLens("Imu:sample").to_component("x", ".", cast_to=forbids))


def test_one_component_is_replaced() -> None:
    source = batch(GAPS)
    theirs = reference.Chunk.from_record_batch(source)[0].apply_selector("Imu:sample", ".l[]").to_record_batch()
    made = ours.Chunk(source).apply_selector("Imu:sample", ".l[]").to_record_batch()
    assert described(made, source) == described(theirs, source)
    descriptor = ours.ComponentDescriptor("number")
    cells = ours.Chunk(source).apply_selector(descriptor, ours.Selector('"k"')).components["number"].cells
    assert cells.to_pylist() == [["k"]] * len(GAPS)
    for component, selector in (("other", "."), ("Imu:sample", ".missing"), ("Imu:sample", ".a.b")):
        with pytest.raises(LensError):
            ours.Chunk(source).apply_selector(component, selector)
