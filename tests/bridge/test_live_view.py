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
    {"topic": "/camera", "type": "sensor_msgs/msg/Image", "count": 400, "hertz": 20, "bytes": 64_000, "rows": 200},
    {"topic": "/imu", "type": "sensor_msgs/msg/Imu", "count": 4000, "hertz": 200},
    {"topic": "/mount", "type": "geometry_msgs/msg/TransformStamped", "count": 1, "latched": True, "wait": False},
]


def test_a_picture_of_what_real_publishers_send(ros_python: Path, ros_env: None, tmp_path: Path) -> None:
    sender = Publisher(ros_python, tmp_path, SPEC)
    out = tmp_path / "out.png"
    command: list[str | Path] = [BIN / "rrbridge", "view", "--live", "--ros-python", ros_python]
    command += ["--duration", "6", "--size", "900x600", "--screenshot", out]
    known = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=known, check=False)
    finally:
        sender.close()
    assert done.returncode == 0, done.stderr
    assert "chosen because" in done.stderr
    assert "cannot be decoded" not in done.stderr
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    gray = pixels[(np.ptp(pixels, axis=2) == 0)][:, 0]
    shades = np.unique(gray[gray > 40], return_counts=True)[1]
    assert (shades > 20).sum() > 100, "the camera's picture goes through all shades of gray"
