"""A real ROS 2 graph in the viewer, as a picture."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ros_world import BIN, Publisher

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

SPEC: list[dict[str, Any]] = [
    {"topic": "/camera", "type": "sensor_msgs/msg/Image", "count": 4000, "hertz": 20, "bytes": 64_000, "rows": 200},
    {"topic": "/imu", "type": "sensor_msgs/msg/Imu", "count": 40_000, "hertz": 200},
    {"topic": "/mount", "type": "geometry_msgs/msg/TransformStamped", "count": 1, "latched": True, "wait": False},
]


def test_a_picture_of_what_real_publishers_send(ros_python: Path, ros_env: None, tmp_path: Path) -> None:
    sender = Publisher(ros_python, tmp_path, SPEC)
    out = tmp_path / "out.png"
    command: list[str | Path] = [BIN / "rrbridge", "view", "--live", "--ros-python", ros_python]
    command += ["--size", "900x600", "--screenshot", out, "--duration"]
    known = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}

    def shades(duration: str) -> int:
        """How many shades of gray the picture has after so many seconds."""
        done = subprocess.run([*command, duration], capture_output=True, text=True, timeout=120, env=known, check=False)
        assert done.returncode == 0, done.stderr
        assert "chosen because" in done.stderr
        assert "cannot be decoded" not in done.stderr
        with Image.open(out) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        out.unlink()
        gray = pixels[(np.ptp(pixels, axis=2) == 0)][:, 0]
        return int((np.unique(gray[gray > 40], return_counts=True)[1] > 20).sum())

    try:
        assert any(shades(duration) > 100 for duration in ("6", "20")), "the camera's picture goes through all shades"
    finally:
        sender.close()
