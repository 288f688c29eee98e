"""Messages of one connection in one buffer: however they are put together, they stay what they were."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rrbridge_bridge.raw import LARGE_BYTES, Connection, RawBatch

CONNECTION = Connection(1, "/t", "std_msgs/msg/String", "cdr")
SIZES = st.one_of(st.integers(0, 40), st.sampled_from([LARGE_BYTES - 1, LARGE_BYTES, 3 * LARGE_BYTES]))


def with_gaps(sizes: list[int], first: int) -> RawBatch:
    """Messages with four bytes before each, as sockets bring them, last first."""
    payloads = [np.full(size, first + i, np.uint8).tobytes() for i, size in enumerate(sizes)]
    buffer = np.frombuffer(b"".join(b"size" + payload for payload in payloads), np.uint8)
    starts = 4 * (1 + np.arange(len(sizes))) + np.cumsum(sizes) - sizes
    number = first + np.arange(len(sizes))
    made = RawBatch(CONNECTION, buffer, starts, np.array(sizes), number, number, number.astype(np.uint32), number)
    return made.take(np.arange(len(sizes))[::-1])


def facts(batch: RawBatch) -> list[tuple[bytes, int, int, int, int]]:
    rows = zip(batch.log_time_nanos, batch.publish_time_nanos, batch.sequence, batch.order, strict=True)
    return [(batch.payload(i).tobytes(), int(a), int(b), int(c), int(d)) for i, (a, b, c, d) in enumerate(rows)]


@given(st.lists(st.lists(SIZES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_joined_batches_hold_the_messages_of_each(given_sizes: list[list[int]]) -> None:
    batches = [with_gaps(sizes, 10 * n) for n, sizes in enumerate(given_sizes)]
    joined = RawBatch.joined(batches)
    assert facts(joined) == [fact for batch in batches for fact in facts(batch)]
    assert facts(joined.compact()) == facts(joined)


def test_large_messages_stand_end_to_end_when_joined() -> None:
    joined = RawBatch.joined([with_gaps([LARGE_BYTES, LARGE_BYTES + 1], 0), with_gaps([LARGE_BYTES], 2)])
    assert joined.starts.tolist() == [0, LARGE_BYTES + 1, 2 * LARGE_BYTES + 1]
    assert len(joined.buffer) == joined.payload_bytes
