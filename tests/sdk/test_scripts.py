"""The same programs, run with the reference's SDK and with this one under its name, leave recordings that are equal.

`rerun rrd compare` counts chunks, so both sides are passed through `rerun rrd optimize` first, and written in one flush.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RERUN = Path(sys.executable).parent / "rerun"
SCRIPTS = sorted(path.stem for path in (HERE / "scripts").glob("*.py"))
EXTRA = {
    "binary": ["binary"], "blocks": ["again", "next", "unsaved", "dropped", "failed", "left", "right"], "blueprints": ["shown"],
    "config": ["config"], "contexts": ["one", "two"], "default_id": ["init"],
    "footer": ["nofooter"], "memory": ["memory"], "misfits": ["misfits"], "sinks": ["left", "right"], "streams": ["second"],
}  # fmt: skip
"""Recordings that scripts make themselves, beside the one they are given."""


def _run(sdk: str, out: Path) -> list[str]:
    """Runs all scripts; returns the names of those that failed."""
    environment = {**os.environ, "RERUN_FLUSH_TICK_SECS": "1000", "PYTHONWARNINGS": "default"}
    command = [sys.executable, str(HERE / "scripts_runner.py"), sdk, str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 1):
        pytest.fail(f"{sdk}: {done.stderr[-4000:]}")
    failed: list[str] = done.stdout.split()
    if failed:
        sys.stderr.write(done.stderr)
    return failed


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """`rerun/SCRIPT/NAME.rrd` and `rrbridge/SCRIPT/NAME.rrd`, and the scripts that failed."""
    pytest.importorskip("rerun")
    base = tmp_path_factory.mktemp("scripts")
    failed = {}
    for sdk in ("rerun", "rrbridge"):
        failed[sdk] = _run(sdk, base / "raw" / sdk)
        optimize = [str(RERUN), "rrd", "optimize", str(base / "raw" / sdk), "-o", str(base / sdk)]
        subprocess.run(optimize, check=True, capture_output=True)
    return base, failed


def test_there_are_at_least_sixty() -> None:
    assert len(SCRIPTS) >= 60


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_leave_equal_recordings(script: str, recordings: tuple[Path, dict[str, list[str]]]) -> None:
    base, failed = recordings
    assert script not in failed["rerun"]
    assert script not in failed["rrbridge"]
    for name in ["main", *EXTRA.get(script, [])]:
        theirs, ours = (base / sdk / script / f"{name}.rrd" for sdk in ("rerun", "rrbridge"))
        same = subprocess.run([RERUN, "rrd", "compare", "--unordered", theirs, ours], capture_output=True, text=True)
        assert same.returncode == 0, f"{name}: {same.stderr[-3000:]}"
