"""What is compressed in a file, and what is not worth the time."""

from __future__ import annotations

import numpy as np
import pytest

from rrbridge.rrd._ipc import pack, unpack
from rrbridge.rrd._protocol import Compression

NOISE = np.random.default_rng(0).bytes(1_000_000)
FLAT = bytes(1_000_000)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ([NOISE], Compression.NONE),
        ([NOISE] * 4, Compression.NONE),  # a scene that stands still: LZ4 does not look back so far
        ([NOISE[:8_000] * 100], Compression.LZ4),
        ([FLAT] * 4, Compression.LZ4),
        ([FLAT, FLAT, FLAT, NOISE], Compression.LZ4),
        ([NOISE, NOISE, NOISE, FLAT], Compression.NONE),
    ],
)
def test_large_data_is_compressed_where_that_saves_much(pictures: list[bytes], expected: Compression) -> None:
    for pieces in ([memoryview(b"".join(pictures))], [memoryview(picture) for picture in pictures]):
        compression, packed = pack(pieces, Compression.LZ4)
        assert compression is expected
        whole = b"".join(pictures)
        assert unpack(memoryview(b"".join(packed)), compression, len(whole)) == whole
