"""RVL: any depth image comes back as it was; a plain coder agrees; what is not RVL is told."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rrbridge._rvl import depth_of_message, message_of, pixels_of, rvl_of
from rrbridge.errors import InvalidValueError

IMAGES = arrays.arrays(
    np.uint16, st.integers(0, 200), elements=st.sampled_from([0, 0, 1, 7, 8, 65535]) | st.integers(0, 65535)
)


def plainly(pixels: list[int]) -> bytes:
    """Number by number, as the paper's program does it."""
    nibbles: list[int] = []

    def put(value: int) -> None:
        while True:
            nibble, value = value & 7, value >> 3
            nibbles.append(nibble | (8 if value else 0))
            if not value:
                return

    at, previous = 0, 0
    while at < len(pixels):
        start = at
        while at < len(pixels) and pixels[at] == 0:
            at += 1
        put(at - start)
        start = at
        while at < len(pixels) and pixels[at] != 0:
            at += 1
        put(at - start)
        for value in pixels[start:at]:
            difference, previous = value - previous, value
            put(difference << 1 if difference >= 0 else -(difference << 1) - 1)
    nibbles += [0] * (-len(nibbles) % 8)
    words = [int("".join(f"{n:x}" for n in nibbles[i : i + 8]), 16) for i in range(0, len(nibbles), 8)]
    return struct.pack(f"<{len(words)}I", *words)


@given(IMAGES)
@settings(max_examples=200)
def test_images_come_back(pixels: np.ndarray) -> None:
    coded = rvl_of(pixels)
    assert coded == plainly(pixels.tolist())
    assert np.array_equal(pixels_of(np.frombuffer(coded, np.uint8), len(pixels)), pixels)


@given(st.binary(max_size=60), st.integers(0, 100))
@settings(max_examples=300)
def test_other_bytes_are_refused_or_pixels(data: bytes, count: int) -> None:
    try:
        found = len(pixels_of(np.frombuffer(data, np.uint8), count))
    except InvalidValueError:
        found = count
    assert found == count


def test_quantised_depth_is_metres() -> None:
    stored = np.array([[0, 4, 103], [53, 0, 13]], np.uint16)
    data = np.frombuffer(message_of(struct.pack("<iff", 0, 100, 3), stored), np.uint8)
    expected = [[np.nan, 100, 1], [2, np.nan, 10]]
    assert np.array_equal(depth_of_message(data), np.array(expected, np.float32), equal_nan=True)
    plain = np.frombuffer(message_of(bytes(12), stored), np.uint8)
    assert np.array_equal(depth_of_message(plain), stored)


def test_sizes_are_checked_before_memory_is_taken() -> None:
    with pytest.raises(InvalidValueError, match="pixels"):
        depth_of_message(np.frombuffer(bytes(12) + struct.pack("<II", 2**32 - 1, 2**32 - 1), np.uint8))
    with pytest.raises(InvalidValueError, match="header"):
        depth_of_message(np.zeros(19, np.uint8))
