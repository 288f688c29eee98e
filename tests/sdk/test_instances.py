"""Components of different lengths are joined instance by instance."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rrbridge._instances import joined


@given(st.lists(st.integers(0, 99), max_size=5), st.integers(0, 8))
def test_the_last_instance_is_repeated(values: list[int], count: int) -> None:
    found = joined(pa.array(values, pa.int64()), count)
    assert found.to_pylist() == [values[min(i, len(values) - 1)] if values else None for i in range(count)]


def test_what_fits_is_not_copied() -> None:
    values = pa.array([1.0, 2.0, 3.0])
    assert joined(values, 3).buffers()[1].address == values.buffers()[1].address
    assert joined(values, 2).buffers()[1].address == values.buffers()[1].address


def test_nested_values_are_joined() -> None:
    vectors = pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2))
    assert joined(vectors, 3).to_pylist() == [[1.0, 2.0]] * 3
