"""What the reference importer makes of MCAP files, we make too: every column, with equal values, but for what is listed here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rrbridge_bridge.cli import main

pytestmark = pytest.mark.real_data

FILES = [
    "Extelligence-ai+bagel/mcap_98b8cf/part_0.mcap",
    "PlotJuggler+pj-mcap-server/test_publish_vs_log_time.mcap",
    "dmweis+rplidar-zenoh-driver/out.mcap",
    "eProsima+DDS-Record-Replay/ros2_talker.mcap",
    "foxglove+solutions/rosbag2_2025_09_15-00_42_20_0_(1).mcap",
    "jinbeizame007+rosbag2parquet/array_msgs/array_msgs_0.mcap",
    "lichtblick-suite+asam-osi-converter/MovingHostWith3DModel.mcap",
    "lichtblick-suite+asam-osi-converter/MovingHostWithStopLine.mcap",
    "pypi+mcap-bag-parser/controlled_data_0.mcap",
    "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap",
    "rerun-io+rerun/simple_protobuf_vec3.mcap",
    "ros2+rosbag2/cdr_test/cdr_test_0.mcap",
    "ros2+rosbag2/convert_a/rewriter_a_0.mcap",
    "ros2+rosbag2/talker/talker.mcap",
    "ros2+rosbag2/wbag/wbag_0.mcap",
    "thelonesomeprogrammer+p4/pitch0bag/pitch0bag_0.mcap",
    "thelonesomeprogrammer+p4/yx1bag/yx1bag_0.mcap",
]
ALLOWED = {
    r"values differ .* McapSchema:id": "schemas of equal text are one schema here",
    r"values differ .* McapSchema:name": "`std_msgs/Float64` is spelled `std_msgs/msg/Float64` here",
    r"missing .* std_msgs\.Float64:message": "and so are its fields, in every kind of bag",
    r"values differ .* CoordinateFrame:frame": "an empty frame id is the entity's own frame here, an empty name there",
    r"missing .* sensor_msgs\.msg\.PointCloud2:": "the cloud's other fields are in its message column",
    r"missing .* McapMessage:data": "bytes there, because its definition is incomplete; decoded here",
}


@pytest.mark.parametrize("name", FILES)
def test_all_columns_are_here(
    name: str, tmp_path: Path, shared_data: Path, rerun: Callable[..., str], verified: Callable[[Path], None]
) -> None:
    ours, theirs = tmp_path / "ours.rrd", tmp_path / "theirs.rrd"
    rerun("mcap", "convert", shared_data / name, "-o", theirs)
    assert main(["convert", str(shared_data / name), "-o", str(ours), "--mapping", "reference", "--json"]) == 0
    verified(ours)
    oracle = shared_data.parent / "oracles" / "superset.py"
    said = subprocess.run([sys.executable, oracle, theirs, ours], capture_output=True, text=True, timeout=120).stdout
    *differences, count = said.splitlines()
    print(name, count)
    unexpected = [line for line in differences if not any(re.match(pattern, line) for pattern in ALLOWED)]
    assert unexpected == []
    agreeing, total = map(int, re.findall(r"\d+", count))
    assert agreeing == total - len(differences)
    assert agreeing >= 3
