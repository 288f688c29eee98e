"""Memory limits, as people write them."""

from __future__ import annotations

import pytest

from rrbridge._memory import give_back, memory_limit_bytes, resident_bytes, total_bytes
from rrbridge.errors import InvalidValueError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4GB", 4 << 30), ("512 MiB", 512 << 20), ("1.5k", 1536), (1000, 1000), ("1000", 1000), ("0.5TB", 1 << 39)],
)
def test_sizes(text: str | int, expected: int) -> None:
    assert memory_limit_bytes(text) == expected


def test_shares_of_the_memory() -> None:
    assert memory_limit_bytes(None) is None
    assert memory_limit_bytes("50%") == total_bytes() // 2
    assert 0 < resident_bytes() < total_bytes()


@pytest.mark.parametrize("text", ["", "much", "-1GB", "4 apples", "%"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="4GB"):
        memory_limit_bytes(text)


def test_memory_that_was_used_goes_back_to_the_system() -> None:
    pieces = [bytes(100_000) for _ in range(1000)]
    del pieces[::2]
    full = resident_bytes()
    del pieces
    give_back()
    assert resident_bytes() < full - 20_000_000
