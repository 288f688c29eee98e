"""Bad rows are found among good ones, and hopeless batches are given up."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from rrbridge_bridge.decode import decode_what_can, decoder_for
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
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


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What stays alive now is what somebody holds, or what holds itself: that may be much before anyone looks for it."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_a_failure_does_not_keep_its_rows_in_memory() -> None:
    taken: list[weakref.ref[Int64s]] = []

    def work(rows: Int64s) -> None:
        part = rows.copy()
        taken.append(weakref.ref(part))
        try:
            part.reshape(1000)
        except ValueError as err:
            raise TypeError("never") from err

    got = salvage(4, work, TypeError)
    assert isinstance(got.error, TypeError)
    assert not any(part() is not None for part in taken)


@pytest.mark.usefixtures("no_collection")
def test_bad_messages_do_not_stay_in_memory() -> None:
    connection = Connection(0, "/a", "my_msgs/msg/Thing", "ros1", "string name\nfloat64[] data\n", "ros1msg")
    decode = decoder_for(connection)
    for payloads in ([b"\xff" * 1000] * 3, [b"\0" * 8, b"\xff" * 100, b"\0" * 8]):
        batch = RawBatch.of(connection, payloads, np.arange(3))
        freed = weakref.ref(batch.buffer)
        got = decode_what_can(decode, batch)
        del batch
        assert len(got.bad) in (1, 3)
        assert freed() is None or len(got.rows), "columns may be views of the messages"
        del got
        assert freed() is None
