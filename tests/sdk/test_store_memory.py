"""The memory limit of a live store holds, whatever the load; figures: `scripts/store_memory.py`."""

from __future__ import annotations

import sys

import pytest

from rrbridge._memory import memory_limit_bytes
from store_memory import curve


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_pictures_at_60_hertz_stay_within_the_limit() -> None:
    limit = memory_limit_bytes("150MB")
    assert limit is not None
    samples = curve("150MB", secs=8)
    most = max(sample.resident_bytes for sample in samples)
    assert 0.8 * limit < most < 1.1 * limit
