"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; tests that need it are skipped where it is absent, and fail where CI lacks it."""
    data = Path(os.environ.get("RRBRIDGE_DATA", SHARED / "data"))
    if not (data / "MANIFEST.tsv").is_file():
        message = f"no real recordings at {data}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return data
