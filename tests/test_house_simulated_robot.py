"""The field log that demonstrations and benchmarks use is a genuine ROS 2 bag, equal for equal seeds, and tells its story."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from simulated_robot import simulate
from simulated_robot.drive import HITS, compose, drive
from simulated_robot.hall import CRATE, Box, Pillar, cast, hall

SECONDS = 2.0


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("robot") / "field_log"
    simulate(folder, duration_secs=SECONDS)
    return folder


def digest(folder: Path) -> str:
    told = hashlib.sha256()
    with Reader(folder) as reader:
        for connection, nanos, data in reader.messages():
            told.update(f"{connection.topic} {nanos} ".encode())
            told.update(data)
    return told.hexdigest()


def test_same_seed_same_messages(bag: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "again", duration_secs=SECONDS)
    simulate(tmp_path / "other", duration_secs=SECONDS, seed=2)
    assert digest(bag) == digest(tmp_path / "again")
    assert digest(bag) != digest(tmp_path / "other")


def test_every_message_reads_back(bag: Path) -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    with Reader(bag) as reader:
        types = {c.topic: c.msgtype for c in reader.connections}
        seen = {
            connection.topic
            for connection, _, data in reader.messages()
            if store.deserialize_cdr(data, connection.msgtype)
        }
        rates = {c.topic: c.msgcount / SECONDS for c in reader.connections}
    assert seen == set(types)
    assert {"sensor_msgs/msg/PointCloud2", "sensor_msgs/msg/NavSatFix", "tf2_msgs/msg/TFMessage"} <= set(types.values())
    assert rates["/imu/data"] == 100
    assert rates["/scan"] == 10


def test_a_ray_meets_what_stands_in_its_way() -> None:
    wall = (Box((5.0, 0.0), (1.0, 4.0), 2.0, (255, 0, 0)),)
    ahead = np.array([[1.0, 0.0]])
    at_wall = cast(wall, np.array([1.0, 0.0, 0.5]), ahead, np.array([0.0, 1.0]))
    assert at_wall.distance[0, 0] == pytest.approx(3.5)
    assert at_wall.shape[:, 0].tolist() == [0, -2], "the steep ray passes above the wall and meets the ceiling"
    pillar = (Pillar((3.0, 0.0), 0.5, 2.0, (255, 0, 0)),)
    assert cast(pillar, np.array([1.0, 0.0, 0.5]), ahead, np.zeros(1)).distance[0, 0] == pytest.approx(1.5)


def test_the_robot_stalls_at_the_pallet_and_arrives() -> None:
    d = drive()
    x, y, _ = d.at(d.map_from_base, HITS + 1).tolist()
    assert np.hypot(x - CRATE.center[0], y - CRATE.center[1]) == pytest.approx(0.69, abs=0.05)
    assert d.at(d.speed, HITS + 1) == 0
    assert d.at(d.wheel_speed, HITS + 1) > 0.2
    believed = compose(d.map_from_odom, d.odom_from_base)
    off = np.linalg.norm((believed - d.map_from_base)[:, :2], axis=1)
    assert d.at(off, [5, 13.9]).max() < 1e-6
    assert d.at(off, 17.0) > 0.7
    assert d.at(off, [20, 27.9]).max() < 1e-6
    for shape in hall():
        if isinstance(shape, Pillar):
            way = np.linalg.norm(d.map_from_base[:, :2] - np.array(shape.center), axis=1)
            assert way.min() > shape.radius + 0.2
