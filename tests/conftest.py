"""What every test may ask for."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _misuse_is_an_error() -> Iterator[None]:
    """Tests run strict: what would be a warning to a robot fails them."""
    from rrbridge import _misuse

    with _misuse.strict(True):
        yield


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


@pytest.fixture(scope="session", autouse=True)
def _finished_recordings_verify(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every finished recording that the tests leave behind passes the reference's own check.

    Damaged ones, and those in folders named `damaged`, are what tests of damage made on purpose.
    """
    yield
    rerun = Path(sys.executable).parent / "rerun"
    if not rerun.is_file():
        warnings.warn(f"{rerun} is not installed: recordings were not verified", stacklevel=1)
        return
    from rrbridge.errors import RrbridgeError
    from rrbridge.rrd import RrdReader

    def is_finished(path: Path) -> bool:
        try:
            footer = RrdReader(path).footer()
        except RrbridgeError:
            return False
        return footer is not None and bool(footer.manifests)  # the reference takes no file without data

    made = [p for p in tmp_path_factory.getbasetemp().rglob("*.rrd") if "damaged" not in p.parts and is_finished(p)]
    for first in range(0, len(made), 100):
        checked = subprocess.run([rerun, "rrd", "verify", *made[first : first + 100]], capture_output=True, text=True)
        if checked.returncode:
            pytest.fail(
                f"`rerun rrd verify` refuses what the tests wrote:\n{checked.stdout}\n{checked.stderr}", pytrace=False
            )
