"""A real window on a virtual screen, with real X events."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tries import at_best

import rrbridge as rr

RRBRIDGE = Path(sys.executable).with_name("rrbridge")
PROGRAMS = ("Xvfb", "xdotool", "import")

pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in PROGRAMS),
    reason="needs a virtual screen: apt install xvfb xdotool imagemagick",
)


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual screen of 1000 × 700."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1000x700x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as numbers:
        number = numbers.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(120)


def screen(display: str, path: Path) -> npt.NDArray[np.int16]:
    subprocess.run(["import", "-display", display, "-window", "root", str(path)], check=True, timeout=120)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)


def share_of(pixels: npt.NDArray[np.int16], color: tuple[int, int, int]) -> float:
    return float((np.abs(pixels - color).max(axis=2) < 10).mean())


def cpu_secs_within(process: subprocess.Popen[bytes], secs: float) -> float:
    """What it takes of the processor."""
    before = cpu_secs(process)
    time.sleep(secs)
    return cpu_secs(process) - before


def cpu_secs(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
def test_a_window_shows_obeys_rests_and_quits(display: str, tmp_path: Path) -> None:
    path = tmp_path / "run.rrd"
    red, blue = (200, 30, 30), (30, 30, 200)
    with rr.RecordingStream("window") as rec:
        rec.save(path)
        for second in range(5):
            rec.set_time("run_time", duration=second)
            rec.log("/image", rr.Image(np.full((30, 40, 3), red if second < 2 else blue, np.uint8)))
        rec.disconnect()
    viewer = subprocess.Popen(
        [RRBRIDGE, "view", path, "--size", "1000x700"], env={**os.environ, "DISPLAY": display}, stderr=subprocess.PIPE
    )

    def key(name: str) -> None:
        subprocess.run(["xdotool", "key", name], env={**os.environ, "DISPLAY": display}, check=True, timeout=120)

    def wait_for(color: tuple[int, int, int]) -> None:
        deadline = time.monotonic() + 120
        while share_of(screen(display, tmp_path / "screen.png"), color) < 0.2:
            assert viewer.poll() is None, viewer.stderr and viewer.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.3)

    try:
        wait_for(red)
        subprocess.run(
            ["xdotool", "mousemove", "500", "300"], env={**os.environ, "DISPLAY": display}, check=True, timeout=120
        )
        key("End")
        wait_for(blue)
        assert at_best(lambda: cpu_secs_within(viewer, 3), 0.5, tries=5) < 0.5
        key("Home")
        wait_for(red)
        key("ctrl+q")
        assert viewer.wait(120) == 0
    finally:
        viewer.kill()
        viewer.wait()
        if viewer.stderr:
            viewer.stderr.close()
