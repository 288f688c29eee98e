"""Freed memory is kept, so that blocks that come and go bring no page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKS = """
import resource
import sys
import numpy as np
from rrbridge_bridge.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
held = [np.ones(1_000_000, np.uint8) for _ in range(20)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for number in range(400):
    held = [*held[1:], np.ones(1_000_000 + 5000 * (number % 3), np.uint8)]
    if number % 20 == 0:
        held = held[-1:] + [np.ones(1_000_000, np.uint8) for _ in range(19)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_blocks_that_come_and_go_bring_few_page_faults() -> None:
    faults = {}
    for way in ("keep", "leave"):
        run = subprocess.run([sys.executable, "-c", BLOCKS, way], capture_output=True, text=True, check=True)
        faults[way] = int(run.stdout)
    assert faults["keep"] < 20_000
    assert faults["keep"] * 2 < faults["leave"]
