"""What the reference importer makes of MCAP files, we make too: every column, with equal values, but for what is listed here."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rerun.chunk as reference

from rrbridge.importers import ImportOptions
from rrbridge_bridge.cli import main
from rrbridge_bridge.conversion import Conversion

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
    "rerun-io+rerun/simple-protobuf.mcap",
    "rerun-io+rerun/simple_protobuf_vec3.mcap",
    "ros2+rosbag2/cdr_test/cdr_test_0.mcap",
    "ros2+rosbag2/convert_a/rewriter_a_0.mcap",
    "ros2+rosbag2/talker/talker.mcap",
    "ros2+rosbag2/wbag/wbag_0.mcap",
    "thelonesomeprogrammer+p4/pitch0bag/pitch0bag_0.mcap",
    "thelonesomeprogrammer+p4/yx1bag/yx1bag_0.mcap",
]
ALLOWED = {
    r"values differ .* CoordinateFrame:frame": "an empty frame id is the entity's own frame here, an empty name there",
    r"missing .* sensor_msgs\.msg\.PointCloud2:": "the cloud's other fields are in its message column",
    r"missing .* McapMessage:data": "bytes there, of ROS 1 or because its definition is incomplete; decoded here",
}
ELSEWHERE = ["^/__properties", "^/__mcap_properties", "^/tf_static"]
"""Entities that are not compared: what stands elsewhere here, and what is static here (see docs/messages.md)."""


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


def load_oracle(shared_data: Path) -> Any:
    spec = importlib.util.spec_from_file_location("superset", shared_data.parent / "oracles" / "superset.py")
    assert spec
    assert spec.loader
    oracle: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    oracle.RrdReader = lambda source: source  # hand it chunks as they are made, without a file between
    return oracle


class Ours:
    """What a conversion makes, as the reference's readers give it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stream(self) -> Iterator[Any]:
        return Conversion([self.path], ImportOptions(mapping="reference")).chunks()


def test_all_columns_of_all_files(shared_data: Path) -> None:
    """Every MCAP file there is, the conformance files too, but for those that the reference refuses."""
    oracle = load_oracle(shared_data)
    compared, refused, unexpected = 0, [], []
    for path in sorted(shared_data.rglob("*.mcap")):
        have = oracle.columns(Ours(path), "message_log_time")
        try:
            want = oracle.columns(reference.McapReader(path, recover=True), "message_log_time")
        except (RuntimeError, ValueError) as err:
            refused.append(f"{path.name}: {err}")
            continue
        for (entity, component), (times, cells) in want.items():
            if any(re.match(pattern, entity) for pattern in ELSEWHERE):
                continue
            compared += 1
            found = have.get((entity, component))
            if found is None:
                problem = f"missing {entity} {component}"
            elif (times is None) != (found[0] is None) or (times is not None and not times.equals(found[0])):
                problem = f"times differ {entity} {component}"
            elif not oracle.equal(cells, found[1]):
                problem = f"values differ {entity} {component}"
            else:
                continue
            if not any(re.match(pattern, problem) for pattern in ALLOWED):
                unexpected.append(f"{path.name}: {problem}")
    print(f"{compared} columns compared; the reference refuses {refused}")
    assert unexpected == []
    assert compared > 7000
    assert len(refused) < 40
