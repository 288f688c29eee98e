"""Definitions by hash, and what nodes answer when they are asked."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from rrbridge_bridge.live.zenoh_definitions import Definitions, answered_definition, hash_of, request

ROOT = Path(__file__).resolve().parents[2]
STORE = get_typestore(Stores.ROS2_JAZZY)
ASK = """
import rclpy, sys
from rclpy.serialization import serialize_message
from type_description_interfaces.srv import GetTypeDescription
rclpy.init(args=[])
node = rclpy.create_node("asked", start_parameter_services=False)
from sensor_msgs.msg import Image
publisher = node.create_publisher(Image, "/image", 1)
digest = str(node.get_publishers_info_by_topic("/image")[0].topic_type_hash)
asked = GetTypeDescription.Request(type_name="sensor_msgs/msg/Image", type_hash=digest, include_type_sources=True)
client = node.create_client(GetTypeDescription, "/asked/get_type_description")
assert client.wait_for_service(10)
future = client.call_async(asked)
rclpy.spin_until_future_complete(node, future, timeout_sec=10)
for part in (digest.encode(), serialize_message(asked), serialize_message(future.result())):
    sys.stdout.buffer.write(len(part).to_bytes(4, "little") + part)
"""


@pytest.mark.parametrize("distribution", ["ROS2_HUMBLE", "ROS2_JAZZY", "ROS2_LYRICAL"])
def test_standard_types_are_found_by_their_hash(distribution: str) -> None:
    store, found = get_typestore(Stores[distribution]), Definitions({})
    for msgtype in store.fielddefs:
        if "/msg/" in msgtype:
            definition = found.find(msgtype, store.hash_rihs01(msgtype))
            assert hash_of(msgtype, definition) == store.hash_rihs01(msgtype)
    assert found.find("sensor_msgs/msg/Image", "RIHS01_" + "0" * 64) == ""
    assert found.find("nobody_msgs/msg/Image", "TypeHashNotSupported") == ""


def test_what_is_installed_is_taken_if_it_has_the_hash(tmp_path: Path) -> None:
    folder = tmp_path / "share" / "my_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "Odd.msg").write_text("int32 number # of it\n")
    digest = hash_of("my_msgs/msg/Odd", "int32 number\n")
    found = Definitions({"AMENT_PREFIX_PATH": f"/nowhere{os.pathsep}{tmp_path}"})
    assert found.find("my_msgs/msg/Odd", digest) == "int32 number # of it\n"
    assert found.find("my_msgs/msg/Odd", "TypeHashNotSupported") == "int32 number # of it\n"
    assert found.find("my_msgs/msg/Odd", "RIHS01_" + "0" * 64) == ""
    said = {"type_hashes": [{"type_name": "my_msgs/msg/Odd", "hash_string": "RIHS01_" + "0" * 64}]}
    (folder / "Odd.json").write_text(json.dumps(said))
    assert found.find("my_msgs/msg/Odd", "RIHS01_" + "0" * 64) == "int32 number # of it\n"
    assert found.standard_hash("my_msgs/msg/Odd") == "RIHS01_" + "0" * 64


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.xdist_group("live")
def test_a_real_node_is_asked_and_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = Path(os.environ.get("RRBRIDGE_ROS_VENV", ROOT / ".venv-ros-kilted")) / "bin" / "python"
    if not python.exists():
        assert os.environ.get("CI") != "true", f"no rclpy at {python}: run scripts/setup-ros-venv"
        pytest.skip(f"no rclpy at {python}: run scripts/setup-ros-venv")
    for name in ("LD_LIBRARY_PATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE", "AMENT_PREFIX_PATH", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    settings = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_DOMAIN_ID": "93", "ROS_LOG_DIR": str(tmp_path)}
    data = subprocess.run([python, "-c", ASK], env=os.environ | settings, capture_output=True, check=True).stdout
    parts = []
    while data:
        (size,) = struct.unpack_from("<I", data)
        parts.append(data[4 : 4 + size])
        data = data[4 + size :]
    digest, asked, answer = parts
    assert request("sensor_msgs/msg/Image", digest.decode()) == asked.rstrip(b"\0")
    definition, reason = answered_definition(answer, "sensor_msgs/msg/Image")
    assert reason == ""
    assert hash_of("sensor_msgs/msg/Image", definition) == digest.decode()
    for end in range(0, len(answer) - 4, 97):
        assert answered_definition(answer[:end], "sensor_msgs/msg/Image")[0] == ""


@given(st.binary(max_size=200))
def test_answers_that_make_no_sense_are_told(payload: bytes) -> None:
    definition, reason = answered_definition(b"\0\1\0\0" + payload, "sensor_msgs/msg/Image")
    assert definition == ""
    assert reason
