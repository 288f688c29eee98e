"""Every numbered example runs without a warning, and what it writes passes the reference's check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulated_robot import simulate

ROOT = Path(__file__).resolve().parents[1]

EXAMPLES = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))


@pytest.fixture(scope="module")
def field_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("examples") / "field_log", duration_secs=2.0)


@pytest.mark.xdist_group("examples")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_example_runs(example: Path, field_log: Path, tmp_path: Path) -> None:
    (tmp_path / "field_log.mcap").hardlink_to(field_log)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), "an example says what it did"
    written = sorted(tmp_path.glob("*.rrd"))
    if written:
        rerun = Path(sys.executable).parent / "rerun"
        checked = subprocess.run(
            [str(rerun), "rrd", "verify", *map(str, written)], capture_output=True, text=True, timeout=200
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_examples_are_listed() -> None:
    listed = (ROOT / "examples" / "README.md").read_text()
    assert [e.name for e in EXAMPLES if e.name not in listed] == []
