"""RVL: depth images, compressed without loss (Wilson, "Fast Lossless Depth Image Compression", 2017).

The pixels of all rows are one sequence. Runs of zeros and of others take turns; a run of others stores the difference of each
from the last before it, as zigzag. A number is nibbles of three bits, low ones first, the fourth bit saying that more follow;
nibbles fill 32-bit words, little-endian, from the top.

`compressed_depth_image_transport` puts 12 bytes before the size: its format, and the parameters a and b by which floating point
depth in metres was quantised, v = a / depth + b; a of 0 means that the numbers are depths as they are, in millimetres.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge.errors import InvalidValueError

__all__ = ["MEDIA_TYPE", "depth_of_message", "message_of", "pixels_of", "rvl_of"]

MEDIA_TYPE = "application/rvl"
MOST_PIXELS = 1 << 28
_HEADER = np.dtype([("format", "<i4"), ("a", "<f4"), ("b", "<f4"), ("width", "<u4"), ("height", "<u4")])
_NIBBLES = np.arange(28, -1, -4, dtype=np.uint32)
_MOST_NIBBLES = 11
"""Of one number: 32 bits in threes."""


def rvl_of(pixels: npt.NDArray[np.uint16]) -> bytes:
    """Compressed pixels of an image of any shape."""
    values = pixels.reshape(-1).astype(np.int64)
    if not len(values):
        return b""
    is_zero = values == 0
    starts = np.concatenate([[0], np.flatnonzero(np.diff(is_zero)) + 1])
    lengths = np.diff(np.append(starts, len(values)))
    if not is_zero[0]:  # a run of zeros comes first, if of none
        starts, lengths = np.concatenate([[0], starts]), np.concatenate([[0], lengths])
    if len(lengths) % 2:
        starts, lengths = np.append(starts, len(values)), np.append(lengths, 0)
    some = np.flatnonzero(~is_zero)
    differences = np.diff(values[some], prepend=0)
    zigzag = (differences << 1) ^ (differences >> 63)
    # Each pair of lengths stands before the differences of its second run.
    before = np.concatenate([[0], np.cumsum(lengths[1::2])[:-1]])
    numbers = np.insert(zigzag, np.repeat(before, 2), lengths)
    return _packed(numbers.astype(np.uint64))


def _packed(numbers: npt.NDArray[np.uint64]) -> bytes:
    counts = np.ones(len(numbers), np.int64)
    for place in range(1, _MOST_NIBBLES):
        counts += (numbers >> np.uint64(3 * place)) > 0
    ends = np.cumsum(counts)
    nth = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    nibbles = (np.repeat(numbers, counts) >> (nth * 3).astype(np.uint64)) & np.uint64(7)
    nibbles |= np.where(nth + 1 < np.repeat(counts, counts), np.uint64(8), np.uint64(0))
    words = np.zeros((len(nibbles) + 7) // 8 * 8, np.uint32)
    words[: len(nibbles)] = nibbles
    packed: npt.NDArray[np.uint32] = np.bitwise_or.reduce(words.reshape(-1, 8) << _NIBBLES, axis=1)
    return packed.astype("<u4").tobytes()


def pixels_of(data: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint16]:
    """`count` pixels. Raises InvalidValueError where the data are not RVL of as many."""
    if not 0 <= count <= MOST_PIXELS:
        raise InvalidValueError("RVL", f"at most {MOST_PIXELS} pixels", f"{count}")
    words = np.frombuffer(data[: len(data) // 4 * 4].tobytes(), "<u4").astype(np.uint32)
    nibbles = ((words[:, None] >> _NIBBLES) & np.uint32(15)).reshape(-1)
    ends = np.flatnonzero(nibbles < 8)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(0, np.int64)
    nth = np.arange(ends[-1] + 1 if len(ends) else 0) - np.repeat(starts, ends - starts + 1)
    if nth.max(initial=0) >= _MOST_NIBBLES:
        raise InvalidValueError("RVL", f"numbers of at most {_MOST_NIBBLES} nibbles", f"{nth.max() + 1}")
    bits = (nibbles[: len(nth)].astype(np.int64) & 7) << (3 * nth)
    numbers = np.add.reduceat(bits, starts) if len(starts) else bits
    return _runs(numbers, count)


def _runs(numbers: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.uint16]:
    pixels = np.zeros(count, np.uint16)
    places, kept, at, done = [], [], 0, 0
    while done < count:  # a step for each run of pixels that are not zero
        if at + 2 > len(numbers):
            raise InvalidValueError("RVL", f"{count} pixels", f"data for {done}")
        zeros, others = int(numbers[at]), int(numbers[at + 1])
        first, at = done + zeros, at + 2
        done = first + others
        if done > count or at + others > len(numbers) or not zeros + others:
            raise InvalidValueError("RVL", f"{count} pixels", "runs of other lengths")
        places.append(slice(first, done))
        kept.append(numbers[at : at + others])
        at += others
    if kept:
        zigzag = np.concatenate(kept)
        values = np.cumsum((zigzag >> 1) ^ -(zigzag & 1)).astype(np.uint16)
        start = 0
        for place in places:
            pixels[place] = values[start : start + place.stop - place.start]
            start += place.stop - place.start
    return pixels


def message_of(head: bytes, pixels: npt.NDArray[np.uint16]) -> bytes:
    """What compressed_depth_image_transport sends for an image (h, w); `head`: its 12 bytes."""
    height, width = pixels.shape
    return head + np.array([width, height], "<u4").tobytes() + rvl_of(pixels)


def depth_of_message(data: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """(h, w): u16, as they were stored, or f32, metres, NaN where there is none. Raises InvalidValueError."""
    if len(data) < _HEADER.itemsize:
        raise InvalidValueError("RVL", f"a header of {_HEADER.itemsize} bytes", f"{len(data)} bytes")
    header = np.frombuffer(data[: _HEADER.itemsize].tobytes(), _HEADER)[0]
    height, width = int(header["height"]), int(header["width"])
    stored = pixels_of(data[_HEADER.itemsize :], height * width).reshape(height, width)
    a, b = np.float32(header["a"]), np.float32(header["b"])
    if not a:
        return stored
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(stored > 0, a / (stored - b), np.float32(np.nan)).astype(np.float32)
