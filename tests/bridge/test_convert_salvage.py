"""Bad rows are found among good ones, and hopeless batches are given up."""

from __future__ import annotations

import numpy as np
import pytest

from rrbridge_bridge.raw import Int64s
from rrbridge_bridge.salvage import ENOUGH, HOPELESS, salvage


@pytest.mark.parametrize("bad", [set(), {0}, {99}, {3, 4, 50}, set(range(0, 100, 7))])
def test_only_bad_rows_fail(bad: set[int]) -> None:
    def work(rows: Int64s) -> int:
        if bad & set(rows.tolist()):
            raise ValueError(f"{min(bad & set(rows.tolist()))} is bad")
        return int(rows.sum())

    got = salvage(100, work, ValueError)
    assert sorted(got.failed) == sorted(bad)
    rows = np.concatenate([rows for rows, _ in got.parts])
    assert rows.tolist() == [i for i in range(100) if i not in bad], "good rows, in order"
    assert sum(result for _, result in got.parts) == sum(range(100)) - sum(bad)
    assert (got.error is None) == (not bad)


def test_what_nothing_helps_is_given_up() -> None:
    attempts = 0

    def work(rows: Int64s) -> None:
        nonlocal attempts
        attempts += 1
        raise ValueError("never")

    got = salvage(10_000, work, ValueError)
    assert sorted(got.failed) == list(range(10_000))
    assert attempts < HOPELESS * 20


def test_many_bad_rows_do_not_take_for_ever() -> None:
    attempts = 0

    def work(rows: Int64s) -> None:
        nonlocal attempts
        attempts += 1
        if (rows % 2).any():
            raise ValueError("odd")

    got = salvage(60_000, work, ValueError)
    assert attempts < ENOUGH * 20
    assert len(got.failed) + sum(len(rows) for rows, _ in got.parts) == 60_000


def test_other_errors_are_not_swallowed() -> None:
    def work(rows: Int64s) -> None:
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        salvage(3, work, ValueError)
