"""Lookups of many transforms beside plain numpy, small enough for every run.

`scripts/transforms_benchmark.py` makes the table of docs/benchmarks.md with the same functions.
"""

from __future__ import annotations

import pytest
from tries import at_best

from transforms_benchmark import compare

SLACK = 3.0
"""Ours by plain numpy; several times what is measured on a quiet machine."""


@pytest.mark.parametrize("in_order", [True, False])
def test_ten_thousand_times_through_six_edges(in_order: bool) -> None:
    assert at_best(lambda: compare(6, 10_000, 10_000, 5, in_order=in_order).ratio, SLACK) < SLACK
