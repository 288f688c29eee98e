"""Compressing chunks as other programs expect them."""

from __future__ import annotations

import bz2
from collections.abc import Sequence

import lz4.frame
import zstandard

__all__ = ["ZSTD_LEVEL", "compressed", "is_worthwhile"]

ZSTD_LEVEL = 3
SAMPLED_BYTES = 1 << 18
"""Parts of this size are looked at before they are compressed: pictures of cameras and what is packed already stay as it is."""
SAMPLE_BYTES = 1 << 14
WORTHWHILE = 0.9


def compressed(data: bytes, how: str, zstd_level: int = ZSTD_LEVEL) -> bytes:
    """Data as `none`, `zstd`, `lz4` or `bz2`."""
    if how == "zstd":
        return zstandard.ZstdCompressor(level=zstd_level).compress(data)
    if how == "lz4":
        # ROS 1 reads only frames of independent blocks without a size, and writes them with a checksum.
        packed: bytes = lz4.frame.compress(data, block_linked=False, store_size=False, content_checksum=True)
        return packed
    if how == "bz2":
        return bz2.compress(data)
    return data


def is_worthwhile(parts: Sequence[bytes | memoryview]) -> bool:
    """Whether compressing would make data smaller; told by the middle of its large parts, if it has any."""
    large = [memoryview(part) for part in parts if len(part) >= SAMPLED_BYTES]
    if not large:
        return True
    samples = b"".join(part[len(part) // 2 :][:SAMPLE_BYTES] for part in large)
    return len(zstandard.ZstdCompressor(level=1).compress(samples)) < WORTHWHILE * len(samples)
