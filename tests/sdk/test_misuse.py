"""Whatever a logging program gives the SDK, it is told at its own line and goes on: a robot does not stop for a label."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge import archetypes
from rrbridge._archetype import Archetype
from rrbridge._messages import StoredChunk
from rrbridge._misuse import strict
from rrbridge.errors import RrbridgeError

CLASSES = [
    c
    for c in (getattr(archetypes, name) for name in dir(archetypes))
    if isinstance(c, type) and issubclass(c, Archetype) and c.fields
]
JUNK: dict[str, Callable[[Any], object]] = {
    "a word for points": lambda rec: rec.log("a", rr.Points3D("x")),  # type: ignore[arg-type]
    "rows of a word": lambda rec: rec.send_columns(
        "a", [rr.TimeColumn("t", sequence=[1])], rr.Points3D.columns(positions="x")  # type: ignore[arg-type]
    ),
    "an update with a word": lambda rec: rec.log("a", rr.Points3D.from_fields(positions="x")),
    "no archetype": lambda rec: rec.log("a", object()),
    "none": lambda rec: rec.log("a", None),
    "a text": lambda rec: rec.log("a", "text"),
    "a number for a path": lambda rec: rec.log(5, rr.Scalars(1)),
    "values without Arrow": lambda rec: rec.log("a", rr.AnyValues(x=object())),
    "half a character for a path": lambda rec: rec.log("a\ud800", rr.Scalars(1)),
    "bytes for a path": lambda rec: rec.log(b"a", rr.Scalars(1)),
    "too few instances": lambda rec: rec.send_columns(
        "a", [rr.TimeColumn("t", sequence=[1, 2])], rr.Points3D.columns(positions=np.ones((3, 3))).partition([2, 2])
    ),
    "less than no instances": lambda rec: rec.send_columns(
        "a", [rr.TimeColumn("t", sequence=[1, 2])], rr.Points3D.columns(positions=np.ones((3, 3))).partition([-1, 4])
    ),
    "half a sequence number": lambda rec: rec.set_time("t", sequence=1.5),
    "half a character for a timeline": lambda rec: rec.set_time("a\ud800", sequence=1),
    "no time": lambda rec: rec.set_time("t"),
    "two times": lambda rec: rec.set_time("t", sequence=1, duration=2),
    "no number": lambda rec: rec.set_time("t", timestamp="x"),
    "not a number": lambda rec: rec.set_time("t", duration=float("nan")),
    "no time at all": lambda rec: rec.set_time("t", timestamp=np.datetime64("NaT")),
    "a huge time": lambda rec: rec.set_time("t", sequence=2**70),
    "a number for a timeline": lambda rec: rec.set_time(5, sequence=1),
    "columns of other lengths": lambda rec: rec.send_columns(
        "a", [rr.TimeColumn("t", sequence=[1, 2])], rr.Scalars.columns(scalars=[1.0, 2.0, 3.0])
    ),
    "no columns": lambda rec: rec.send_columns("a", [5], [6]),
    "a property of nothing": lambda rec: rec.send_property("a", 5),
    "a file that is not there": lambda rec: rec.log_file_from_path("/no/such/file"),
    "a picture that cannot be compressed": lambda rec: rec.log("a", rr.Image(np.zeros((2, 3), np.float32)).compress()),
    "a picture that is not there": lambda rec: rec.log("a", rr.EncodedImage(path="/no/such/picture.png")),
}  # fmt: skip


@pytest.fixture
def recording() -> Iterator[rr.RecordingStream]:
    with strict(False):
        yield rr.RecordingStream("rrbridge_test_misuse", send_properties=False)


@pytest.mark.parametrize("misuse", JUNK.values(), ids=JUNK)
def test_misuse_warns_at_the_callers_line_and_spoils_nothing_after_it(
    misuse: Callable[[Any], object], recording: rr.RecordingStream
) -> None:
    memory = recording.memory_recording()
    with pytest.warns(rr.RrbridgeWarning) as caught:
        misuse(recording)
    assert {w.filename for w in caught} == {__file__}
    recording.set_time("frame", sequence=7)
    recording.log("good", rr.Scalars(3.5))
    recording.flush()
    chunks = [message.chunk for message in memory.storage.messages if isinstance(message, StoredChunk)]
    (good,) = [chunk for chunk in chunks if chunk.entity_path == "/good"]
    assert good.components["Scalars:scalars"].cells.to_pylist() == [[3.5]]
    assert good.times["frame"].values.tolist() == [7]


@pytest.mark.parametrize("misuse", JUNK.values(), ids=JUNK)
def test_strict_mode_raises_our_own_error(misuse: Callable[[Any], object], recording: rr.RecordingStream) -> None:
    recording.memory_recording()
    with strict(True), pytest.raises(RrbridgeError):
        misuse(recording)


class _Hostile:
    """Every way of looking at it fails, each with another error."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("no array")

    def __iter__(self) -> Any:
        raise ZeroDivisionError("no items")

    def __len__(self) -> int:
        raise LookupError("no length")

    def __float__(self) -> float:
        raise AssertionError("no number")

    def __str__(self) -> str:
        raise OSError("no text")

    __repr__ = __str__


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_object_makes_an_archetype_raise(data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(CLASSES))
    name = data.draw(st.sampled_from(sorted(cls.fields)))
    value = data.draw(st.sampled_from([_Hostile(), [_Hostile()], {"a": _Hostile()}, _Hostile, [[[]], [_Hostile()]]]))
    with strict(False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cls.from_fields(**{name: value})  # type: ignore[arg-type]  # junk
        cls._columns({name: value})
    with strict(True):
        for form in (cls.from_fields, lambda **fields: cls._columns(fields)):
            with contextlib.suppress(RrbridgeError):
                form(**{name: value})  # type: ignore[arg-type]  # junk
