"""Records to Arrow without `pa.array`: the same arrays, and no pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._arrow import distinct, nested, primitive, utf8

NUMBERS = {
    pa.uint8(): st.integers(0, 255), pa.uint16(): st.integers(0, 65535), pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1), pa.float64(): st.floats(allow_nan=False), pa.bool_(): st.booleans(),
    pa.float32(): st.floats(allow_nan=False, width=32),
}  # fmt: skip


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[pa.DataType, list[Any]]:
    datatype, values = draw(types(2))
    return datatype, draw(st.lists(st.none() | values, max_size=6))


@st.composite
def types(draw: st.DrawFn, depth: int) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    """A type, and a strategy for values of it."""
    kinds = ["number", "text", "list", "struct"] if depth else ["number", "text"]
    match draw(st.sampled_from(kinds)):
        case "number":
            number: pa.DataType = draw(st.sampled_from(list(NUMBERS)))
            return number, NUMBERS[number]
        case "text":
            return pa.utf8(), st.text(max_size=5)
        case "list":
            item, values = draw(types(depth - 1))
            return pa.list_(item), st.lists(st.none() | values, max_size=4)
        case _:
            fields = {name: draw(types(depth - 1)) for name in draw(st.sampled_from(["a", "ab", "abc"]))}
            values = st.fixed_dictionaries({name: st.none() | value for name, (_, value) in fields.items()})
            return pa.struct([(name, arrow) for name, (arrow, _) in fields.items()]), values


@settings(deadline=None)
@given(typed_values())
def test_records_become_what_arrow_makes_of_them(case: tuple[pa.DataType, list[Any]]) -> None:
    datatype, values = case
    ours = nested(values, datatype)
    ours.validate(full=True)
    assert ours.equals(pa.array(values, datatype))
    assert ours.null_count == values.count(None)


@given(st.lists(st.booleans()), st.data())
def test_masks(valid: list[bool], data: st.DataObject) -> None:
    flags = data.draw(st.lists(st.booleans(), min_size=len(valid), max_size=len(valid)))
    mask = np.array(valid, np.bool_)
    expected = [flag if good else None for flag, good in zip(flags, valid, strict=True)]
    assert primitive(np.array(flags, np.bool_), valid=mask).to_pylist() == expected
    assert utf8(map(str, flags), valid=mask).to_pylist() == [None if f is None else str(f) for f in expected]


@pytest.mark.parametrize(
    ("value", "datatype"),
    [(300, pa.uint8()), ("x", pa.uint8()), (1, pa.utf8()), ({"a": "x"}, pa.struct([("a", pa.int64())]))],
)
def test_what_is_not_of_the_type_is_refused(value: Any, datatype: pa.DataType) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError, AttributeError)):
        nested([value], datatype)


PROGRAM = """
import sys
import numpy as np
import rrbridge as rr
recording = rr.RecordingStream("light")
recording.save(sys.argv[1])
recording.log("image", rr.Image(np.zeros((4, 4, 3), np.uint8)))
recording.log("text", rr.TextLog("hello", level="INFO"))
recording.log("points", rr.Points3D([[1, 2, 3]], labels=["a"], show_labels=True, colors=[1, 2, 3], radii=2))
turn = rr.RotationAxisAngle([0, 0, 1], 1)
recording.log("frame", rr.Transform3D(translation=[1, 2, 3], rotation=turn, child_frame="a", parent_frame="b"))
recording.log("classes", rr.AnnotationContext([(1, "a", (1, 2, 3))]), static=True)
recording.log("tensor", rr.Tensor(np.zeros((2, 3)), dim_names=["a", "b"]))
recording.log("gone", rr.Clear(recursive=True))
recording.send_columns("signal", [rr.TimeColumn("t", sequence=[1, 2])], rr.Scalars.columns(scalars=[1.0, 2.0]))
recording.disconnect()
print([name for name in ("pandas", "pyarrow.compute") if name in sys.modules])
"""


def test_logging_imports_neither_pandas_nor_arrows_kernels(tmp_path: Path) -> None:
    """They take 0.4 s in the middle of a program; pandas is installed here, which is when pyarrow would import it."""
    pytest.importorskip("pandas")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "x.rrd")], capture_output=True, text=True, timeout=200
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@given(st.lists(st.sampled_from(["", "a", "b", "map", "é"]), max_size=6), st.integers(0, 3))
def test_distinct_texts(texts: list[str], start: int) -> None:
    """Also where all are alike, and in a part of an array."""
    codes, values = distinct(utf8(texts).slice(min(start, len(texts))))
    assert [values[code] for code in codes] == texts[start:]
    assert values == list(dict.fromkeys(texts[start:]))
