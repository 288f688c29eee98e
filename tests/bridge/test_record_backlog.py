"""The queue between receiving and writing: its bound, and what goes when it is full."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge_bridge.live.source import Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.backlog import Backlog, DropPolicy, weight
from rrbridge_bridge.record.counters import LossCounter
from rrbridge_bridge.record.throttle import Throttle

CONNECTIONS = [Connection(i, f"/t{i}", "std_msgs/msg/String", "cdr") for i in range(4)]


def received(connection: int, size: int, count: int = 1, sequences: object = None, publisher: int = 1) -> Received:
    batch = RawBatch.of(CONNECTIONS[connection], [bytes(size)] * count, np.arange(count))
    numbers = np.arange(count) if sequences is None else np.asarray(sequences, np.int64)
    return Received(batch, numbers.astype(np.int64), np.full(count, publisher, np.int64))


def test_it_hands_over_in_order_of_arrival() -> None:
    backlog = Backlog(10_000)
    put = [received(i % 3, 10 * i) for i in range(12)]
    for item in put:
        assert backlog.put(item) == []
    assert [backlog.get(0) for _ in put] == put
    assert backlog.get(0) is None


def test_the_heaviest_topic_goes_first_and_its_oldest_first() -> None:
    backlog = Backlog(3 * 1064 + 2 * 74)
    small, *big = received(0, 10), received(1, 1000), received(1, 1000), received(1, 1000)
    for item in (small, *big):
        assert backlog.put(item) == []
    assert backlog.put(received(1, 1000)) == [big[0]]
    assert backlog.put(received(0, 10)) == []
    assert backlog.put(received(0, 10)) == [big[1]]


def test_protected_topics_are_never_dropped_and_may_use_the_reserve() -> None:
    backlog = Backlog(1000, reserve_bytes=1000)
    backlog.set_policy(0, DropPolicy.NEVER)
    keep = [received(0, 400) for _ in range(4)]
    loose = received(1, 100)
    assert backlog.put(loose) == []
    assert [backlog.put(item) for item in keep[:3]] == [[], [loose], []]
    assert backlog.put(keep[3]) == []
    assert backlog.put(other := received(1, 100)) == [other]


def test_a_large_topic_costs_a_small_one_nothing() -> None:
    backlog = Backlog(64_000, reserve_bytes=16_000)
    backlog.set_policy(0, DropPolicy.NEVER)
    backlog.put(received(0, 63_000))
    small = [received(1, 10) for _ in range(12)]
    assert [backlog.put(item) for item in small] == [[]] * 12
    assert backlog.put(large := received(2, 5_000)) == [large]
    assert backlog.put(received(1, 10)) == []


def test_of_a_topic_whose_runs_are_to_be_without_gaps_the_newest_goes() -> None:
    backlog = Backlog(3 * 1064)
    backlog.set_policy(1, DropPolicy.NEWEST)
    first = [received(1, 1000) for _ in range(3)]
    assert [backlog.put(item) for item in first] == [[]] * 3
    assert backlog.put(late := received(1, 1000)) == [late]
    assert backlog.put(other := received(2, 100)) == [first[2]]
    assert [backlog.get(0) for _ in range(3)] == [*first[:2], other]


@given(st.lists(st.integers(0, 3 * 10**9), max_size=40), st.integers(1, 30), st.data())
def test_a_throttle_keeps_one_message_of_each_period_however_they_arrive(
    times: list[int], hertz: int, data: st.DataObject
) -> None:
    times.sort()
    throttle = Throttle(hertz)
    kept = []
    while times:
        count = data.draw(st.integers(1, len(times)))
        part, times = np.array(times[:count], np.int64), times[count:]
        kept += part[throttle.keeps(part)].tolist()
    period = round(1e9 / hertz)
    periods = [time // period for time in kept]
    assert len(set(periods)) == len(periods)


@given(st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=60), st.integers(1, 30), st.data())
def test_publishers_of_one_topic_share_its_rate(times: list[int], hertz: int, data: st.DataObject) -> None:
    """Their batches overlap in time, however they come."""
    throttle = Throttle(hertz)
    kept: list[int] = []
    while times:
        count = data.draw(st.integers(1, len(times)))
        part, times = np.array(sorted(times[:count]), np.int64), times[count:]
        kept += part[throttle.keeps(part)].tolist()
    periods = [time // round(1e9 / hertz) for time in kept]
    assert sorted(set(periods)) == sorted(periods)


def test_a_full_reserve_makes_the_receiver_wait_until_something_is_written() -> None:
    backlog = Backlog(500, reserve_bytes=100)
    backlog.set_policy(0, DropPolicy.NEVER)
    backlog.put(received(0, 400))
    waiting = threading.Thread(target=backlog.put, args=(received(0, 400),))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    got = backlog.get(1)
    assert got is not None
    waiting.join(0.1)
    assert waiting.is_alive(), "what was got is not yet written"
    backlog.written(weight(got))
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_batch_larger_than_the_bound_gets_through_alone() -> None:
    backlog = Backlog(100)
    assert backlog.put(received(0, 5000)) == []
    assert backlog.put(second := received(1, 10)) != [second]


def test_after_closing_nothing_more_is_taken_and_all_is_handed_over() -> None:
    backlog = Backlog(1000)
    first = received(0, 1)
    backlog.put(first)
    backlog.close()
    late = received(0, 1)
    assert backlog.put(late) == [late]
    assert not backlog.is_finished
    assert backlog.get(10) is first
    assert backlog.is_finished


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 700), st.booleans()), max_size=60))
def test_every_message_is_either_handed_over_or_reported_dropped(steps: list[tuple[int, int, bool]]) -> None:
    backlog = Backlog(2000)
    put, out = 0, 0
    for connection, size, take in steps:
        put += 1
        out += len(backlog.put(received(connection, size)))
        assert backlog.held_bytes <= 2000
        if take and (got := backlog.get(0)):
            out += 1
            backlog.written(weight(got))
    backlog.close()
    while got := backlog.get(0):
        out += 1
        backlog.written(weight(got))
    assert out == put
    assert backlog.held_bytes == 0


def test_gaps_in_a_publishers_counter_are_losses() -> None:
    losses = LossCounter()
    assert losses.lost is None, "of what was never heard nothing is known"
    losses.received(received(0, 1, 3, [5, 6, 9]))
    assert losses.lost == 2
    losses.received(received(0, 1, 2, [8, 7]))
    assert losses.lost == 0
    losses.received(received(0, 1, 2, [1, 3], publisher=2))
    assert losses.lost == 1


def test_losses_are_looked_at_while_publishers_come() -> None:
    losses = LossCounter()
    events = [received(0, 1, 1, [7], publisher) for publisher in range(3000)]

    def come() -> None:
        for event in events:
            losses.received(event)

    coming = threading.Thread(target=come)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        coming.start()
        while coming.is_alive():
            assert losses.lost in (None, 0)
    finally:
        sys.setswitchinterval(before)
        coming.join()


@pytest.mark.parametrize(
    ("sequences", "publisher", "names", "lost"),
    [
        ([1, 2, 4], -1, ["a"], 1),
        ([1, 2, 4], -1, ["a", "b"], None),
        ([-1, -1], -1, ["a"], None),
        ([1, 2, 4], 1, ["a", "b"], 1),
    ],
)
def test_what_the_middleware_does_not_tell_is_unknown(
    sequences: list[int], publisher: int, names: list[str], lost: int | None
) -> None:
    losses = LossCounter()
    losses.publishers(names)
    losses.received(received(0, 1, len(sequences), sequences, publisher))
    assert losses.lost == lost
