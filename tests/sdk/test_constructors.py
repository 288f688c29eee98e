"""Whatever a constructor is given, it takes it or raises our own error; what it takes comes back from a file as it was."""

from __future__ import annotations

import datetime as dt
import inspect
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rrbridge as rr
from rrbridge import archetypes
from rrbridge._archetype import Archetype
from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk, StoreId, StoreKind
from rrbridge._misuse import strict
from rrbridge.blueprint import archetypes as blueprint_archetypes
from rrbridge.errors import RrbridgeError
from rrbridge.rrd import RrdReader, RrdWriter

CLASSES = [
    c
    for module in (archetypes, blueprint_archetypes)
    for c in (getattr(module, name) for name in dir(module))
    if isinstance(c, type) and issubclass(c, Archetype) and c.fields
]
STORE = StoreId(StoreKind.RECORDING, "test", "constructors")

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from([np.float32(1), np.uint8(255), np.int64(-1)]),
)
dtypes: Any = st.sampled_from([np.dtype(t) for t in ("u1", "i4", "u4", "i8", "f2", "f4", "f8", "?", "U3", "O")])
arrays: st.SearchStrategy[Any] = hnp.arrays(
    dtypes, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4), elements=None, fill=st.nothing()
)
simple = st.one_of(
    st.none(), numbers, st.text(max_size=5), st.binary(max_size=5), st.just(object()), st.just(1j), st.just(Path("a")),
    st.just(dt.datetime(2024, 1, 1)), st.just(np.datetime64("nat")), st.just(float("nan")),
    st.sampled_from([
        rr.Quaternion(xyzw=[0, 0, 0, 1]), rr.RotationAxisAngle([0, 0, 1], degrees=5), rr.AnnotationInfo(1, "a"),
        rr.ColorModel.RGB, rr.components.FillMode.Solid, rr.components.Color(5), rr.ViewCoordinates.RDF,
        rr.components.ColorBatch([1, 2]), pa.array([1, 2]), pa.array(["x"]), pa.array([[1.0]]), range(3), {1, 2},
        rr.TensorData(array=np.eye(2)), rr.ImageFormat(1, 1), BytesIO(b"abc"), memoryview(b"abc"), bytearray(b"xyz"),
    ]),
)  # fmt: skip
values = st.one_of(
    st.recursive(
        simple,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.tuples(inner, inner),
            st.dictionaries(st.text(max_size=3), inner, max_size=2),
        ),
        max_leaves=6,
    ),
    arrays,
)


def back_from_a_file(made: Archetype) -> dict[str, Any]:
    """The components of an archetype, after a file."""
    columns = [batch.partition([len(batch.as_arrow_array())]) for batch in made.as_component_batches()]
    file = BytesIO()
    with RrdWriter(file) as writer:
        writer.write(StoredChunk(STORE, Chunk.from_columns("/x", components=columns)))
    file.seek(0)
    (message,) = [m for m in RrdReader(file).messages() if isinstance(m, StoredChunk)]
    return {name: column.cells.flatten() for name, column in message.chunk.components.items()}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
@settings(
    max_examples=15, deadline=None, derandomize=True,
)  # fmt: skip
@given(data=st.data())
def test_constructors_take_a_value_or_raise_our_error(cls: type[Archetype], data: st.DataObject) -> None:
    parameters = [p for p in inspect.signature(cls).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    given_names = [p.name for p in parameters if p.default is inspect.Parameter.empty or data.draw(st.booleans())]
    arguments = {name: data.draw(values, label=name) for name in given_names}
    try:
        made = cls(**arguments)
    except RrbridgeError:
        return
    batches = {b.component_descriptor().component: b.as_arrow_array() for b in made.as_component_batches()}
    repr(made)
    if batches:
        after = back_from_a_file(made)
        assert after.keys() == batches.keys()
        for name, values_before in batches.items():
            assert after[name].type == values_before.type
            assert repr(after[name].to_pylist()) == repr(values_before.to_pylist())


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_columns_take_values_or_raise_our_error(cls: type[Archetype], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(cls.fields)), min_size=1, max_size=2, unique=True))
    try:
        columns = cls._columns({name: data.draw(values, label=name) for name in names})
    except RrbridgeError:
        return
    assert len({len(column) for column in columns}) <= 1


@settings(max_examples=150, deadline=None, derandomize=True)
@given(value=values, names=st.text(min_size=1, max_size=3))
def test_values_without_a_type_are_taken_or_left_out(value: Any, names: str) -> None:
    import warnings

    with strict(False), warnings.catch_warnings():
        warnings.simplefilter("ignore", rr.RrbridgeWarning)
        for batch in rr.AnyValues(**{names: value}).as_component_batches():
            batch.as_arrow_array()
