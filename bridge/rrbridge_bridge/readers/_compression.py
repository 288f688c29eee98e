"""Decompressing one chunk, never into more memory than it declares."""

from __future__ import annotations

import bz2
from collections.abc import Callable
from typing import Any

import lz4.frame
import zstandard

from rrbridge_bridge.readers._source import MAX_CHUNK_BYTES

__all__ = ["CompressionError", "decompress", "decompress_zstd_frame", "salvage"]

MAX_SALVAGED_BYTES = 256 << 20
"""So much is read of a chunk that claims more than `MAX_CHUNK_BYTES`."""


class CompressionError(Exception):
    """A chunk cannot be decompressed; the reader says which and where."""


def decompress(kind: str, data: bytes, size: int) -> bytes:
    """`data` decompressed to exactly `size` bytes. `kind` is `zstd`, `lz4` (frame format) or `bz2`.

    Raises CompressionError.
    """
    if size > MAX_CHUNK_BYTES:
        raise CompressionError(f"it claims to hold {size} bytes; at most {MAX_CHUNK_BYTES} are taken")
    out = _open(kind)(data, size)
    if len(out) != size:
        raise CompressionError(f"it holds {len(out)} bytes where {size} are claimed")
    return out


def decompress_zstd_frame(data: bytes) -> bytes:
    """A zstd frame, as rosbag2 writes one per message, whether it says how much it holds or not. Raises CompressionError."""
    try:
        size = zstandard.frame_content_size(data)
    except zstandard.ZstdError as err:
        raise CompressionError(str(err)) from err
    return _zstd_of_any_size(data) if size < 0 else decompress("zstd", data, size)


def _zstd_of_any_size(data: bytes) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as stream:
            while part := stream.read(1 << 20):
                parts.append(part)
                size += len(part)
                if size > MAX_CHUNK_BYTES:
                    raise CompressionError(
                        f"it holds more than {MAX_CHUNK_BYTES} bytes, which are the most that is taken"
                    )
    except zstandard.ZstdError as err:
        raise CompressionError(str(err)) from err
    return b"".join(parts)


def salvage(kind: str, data: bytes, size: int) -> bytes | bytearray:
    """What can be had of a chunk that is cut off or damaged: its first bytes, at most `size`, or fewer where that is absurd."""
    size = size if size <= MAX_CHUNK_BYTES else MAX_SALVAGED_BYTES
    if kind == "zstd":
        step: Callable[[bytes], bytes] = zstandard.ZstdDecompressor().decompressobj().decompress
    elif kind == "lz4":
        frame = lz4.frame.LZ4FrameDecompressor()

        def step(part: bytes) -> bytes:
            return bytes(frame.decompress(part))
    elif kind == "bz2":
        step = bz2.BZ2Decompressor().decompress
    else:
        return b""
    out = bytearray()
    for at in range(0, len(data), 4096):
        try:
            out += step(data[at : at + 4096])
        except (zstandard.ZstdError, RuntimeError, OSError, ValueError, EOFError):
            break
        if len(out) >= size:
            break
    del out[size:]
    return out


def _open(kind: str) -> Callable[[bytes, int], bytes]:
    try:
        return {"zstd": _zstd, "lz4": _lz4, "bz2": _bz2}[kind]
    except KeyError:
        raise CompressionError(f"compression {kind!r} is not known; rrbridge reads none, lz4, zstd and bz2") from None


def _zstd(data: bytes, size: int) -> bytes:
    try:
        declared = zstandard.frame_content_size(data)
        if declared not in (-1, size):
            raise CompressionError(f"its frame holds {declared} bytes where {size} are claimed")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size) if size else b""
    except zstandard.ZstdError as err:
        raise CompressionError(str(err)) from err


def _lz4(data: bytes, size: int) -> bytes:
    return _stepwise(lz4.frame.LZ4FrameDecompressor, data, size)


def _bz2(data: bytes, size: int) -> bytes:
    return _stepwise(bz2.BZ2Decompressor, data, size)


def _stepwise(make: Callable[[], Any], data: bytes, size: int) -> bytes:
    """Frames end to end, taking no more than `size` bytes (plus one, to notice that there is more)."""
    parts: list[bytes] = []
    left = size + 1
    try:
        while data and left > 0:
            frame = make()
            parts.append(frame.decompress(data, left))
            left -= len(parts[-1])
            if not frame.eof:
                break
            data = frame.unused_data or b""
    except (RuntimeError, OSError, ValueError, EOFError) as err:
        raise CompressionError(str(err)) from err
    return parts[0] if len(parts) == 1 else b"".join(parts)
