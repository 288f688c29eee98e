"""Long runs of one repeated field in a single protobuf message: thousands of points, of unequal sizes, one behind the other.

Where each ends is known only once its length is read, so they cannot be jumped over. But every byte that could be their tag can
be looked at together, and then the true ones are those that the first leads to.
"""

from __future__ import annotations

import numpy as np

from rrbridge_bridge.decode._varints import take_spans
from rrbridge_bridge.raw import Bytes, Int64s

__all__ = ["span_run"]


def span_run(buffer: Bytes, pos: int, stop: int, end: int, tag: bytes) -> tuple[Int64s, Int64s, Int64s, int]:
    """`(places, starts, sizes, place after them)` of fields with the same tag that follow one another from `pos` on.

    Only tags before `stop` are looked at; spans end before `end`.
    """
    tags = np.flatnonzero(buffer[pos:stop] == tag[0]) + pos
    tags = tags[: np.searchsorted(tags, end - len(tag), side="right")]
    for i, byte in enumerate(tag[1:], 1):
        tags = tags[buffer[tags + i] == byte]
    starts, sizes, after = take_spans(buffer, tags + len(tag), np.full(len(tags), end))
    following = np.searchsorted(tags, after)
    following[following == len(tags)] = 0
    leads_on = (tags[following] == after).tolist()
    follows = following.tolist()
    chain = [0] if len(tags) and tags[0] == pos and after[0] >= 0 else []
    while chain and leads_on[chain[-1]]:
        chain.append(follows[chain[-1]])
    if chain and after[chain[-1]] < 0:
        chain.pop()
    index = np.array(chain, np.int64)
    behind = int(after[chain[-1]]) if chain else pos
    return tags[index] + len(tag), starts[index], sizes[index], behind
