"""Compressing chunks as other programs expect them."""

from __future__ import annotations

import bz2

import lz4.frame
import zstandard

__all__ = ["ZSTD_LEVEL", "compressed"]

ZSTD_LEVEL = 3


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
