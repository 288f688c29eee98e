"""Listens for tests of playing, under the ROS Python, and writes down every byte that it hears.

Usage: listener.py LOG SPEC; SPEC is a JSON list of `{topic, type, reliable, latched}`. LOG gets, per message: u32 index into
SPEC | u64 time, nanos | u32 size | the serialized message. Says `ready` when it has subscribed, and leaves when standard input
ends.
"""

import importlib
import json
import struct
import sys
import threading
import time
from typing import Any

import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

log_path, spec = sys.argv[1], json.loads(sys.argv[2])
rclpy.init(args=[])
node = rclpy.create_node("test_listener")
log = open(log_path, "wb", buffering=0)  # noqa: PTH123, SIM115


def keeper(index: int) -> Any:
    def keep(payload: bytes) -> None:
        log.write(struct.pack("<IQI", index, time.time_ns(), len(payload)) + payload)

    return keep


for number, entry in enumerate(spec):
    package, _, name = entry["type"].split("/")
    profile = QoSProfile(
        depth=1000,
        reliability=ReliabilityPolicy.RELIABLE if entry.get("reliable", True) else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if entry.get("latched") else DurabilityPolicy.VOLATILE,
    )
    cls = getattr(importlib.import_module(f"{package}.msg"), name)
    node.create_subscription(cls, entry["topic"], keeper(number), profile, raw=True)
threading.Thread(target=rclpy.spin, args=(node,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
