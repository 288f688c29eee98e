"""Pages' code runs as it stands: blocks marked `<!-- run -->`, in order, in one folder that holds `field_log.mcap`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulated_robot import simulate

ROOT = Path(__file__).resolve().parents[1]

MARKED = re.compile(r"<!-- run -->\n```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = ["README.md", "docs/queries.md"]
BLOCKS = [(page, *block) for page in PAGES for block in MARKED.findall((ROOT / page).read_text())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("readme")
    simulate(made / "bag", duration_secs=16.0).rename(made / "field_log.mcap")
    return made


def test_blocks_are_marked() -> None:
    for page in PAGES:
        assert {language for of, language, _ in BLOCKS if of == page} == {"bash", "python"}


@pytest.mark.slow
@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=lambda number: f"{BLOCKS[number][0]}-{number}")
def test_block_runs(number: int, folder: Path) -> None:
    _, language, code = BLOCKS[number]
    command = ["bash", "-euc", code] if language == "bash" else [sys.executable, "-W", "error", "-c", code]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}} | {"PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
