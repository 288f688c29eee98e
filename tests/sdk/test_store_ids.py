"""The set of chunk ids is a set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrbridge import _store_ids
from rrbridge._store_ids import Ids
from rrbridge._tuid import new_tuids

NUMBERS = st.integers(0, 40)


@given(st.lists(NUMBERS | st.lists(NUMBERS, max_size=6)), st.sampled_from([0, 8, 56, 64]))
def test_it_holds_what_was_put_in(steps: list[int | list[int]], shift: int) -> None:
    def as_id(number: int) -> bytes:
        return (number << shift).to_bytes(16, "big")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_store_ids, "_RECENT", 3)
        patch.setattr(_store_ids, "_BLOCK", 4)
        ids, expected = Ids(), set()
        for step in steps:
            if isinstance(step, list):
                ids.extend(np.array([as_id(number) for number in step], "S16"))
                expected.update(step)
            else:
                ids.add(as_id(step))
                expected.add(step)
            assert {number for number in range(41) if as_id(number) in ids} == expected


def test_ids_made_one_after_the_other_take_few_bytes() -> None:
    made = new_tuids(50_000)
    made[:, 0] += np.arange(len(made), dtype=np.uint64) * 30_000
    run = _store_ids._Run.of(made.view("S16").reshape(-1))
    assert run.ids().tobytes() == made.tobytes()
    assert (run.high_steps.nbytes + run.low_steps.nbytes + run.firsts.nbytes) / len(run) < 5
    assert all(made[i].tobytes() in run for i in range(0, 50_000, 911))
    assert new_tuids(1).tobytes() not in run
