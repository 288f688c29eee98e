"""Publishes for the recorder's tests, under the ROS Python, and writes down every byte that it sent.

Usage: publisher.py LOG SPEC; SPEC is a JSON list of `{topic, type, count, hertz, bytes, rows, reliable, latched, depth,
wait, logged}`.
LOG gets, per message: u32 index into SPEC | u64 time sent, nanos | u32 size | the serialized message.
Says `ready` when its publishers are there, `done` when all is sent, and leaves when standard input ends.
"""

import array
import importlib
import json
import struct
import sys
import threading
import time
from typing import Any

import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message

log_path, spec = sys.argv[1], json.loads(sys.argv[2])
rclpy.init(args=[])
node = rclpy.create_node(f"test_publisher_{int(time.time() * 1e6) % 10**9}")
log = open(log_path, "wb", buffering=0)  # noqa: PTH123, SIM115


def message(entry: dict[str, Any], number: int) -> Any:
    package, _, name = entry["type"].split("/")
    made = getattr(importlib.import_module(f"{package}.msg"), name)()
    if name == "String":
        made.data = f"{number} " + "x" * entry.get("bytes", 16)
    elif name == "Image":
        size = entry.get("bytes", 30000)
        made.header.frame_id = "camera"
        made.encoding = "mono8"
        rows = entry.get("rows", 1)
        made.height, made.width, made.step = rows, size // rows, size // rows
        made.data = array.array("B", ((number * 7 + i) % 251 for i in range(256))) * (size // 256 + 1)
        made.data = made.data[:size]
    elif name == "Imu":
        made.header.frame_id = "imu"
        made.angular_velocity.x = number / 3
        made.linear_acceleration.z = 9.81 + number
    elif name == "TransformStamped":
        made.header.frame_id, made.child_frame_id = "base_link", f"laser_{number}"
        made.transform.translation.x = 0.5 + number
    elif name == "UInt64MultiArray":
        made.data = [number] * (entry.get("bytes", 800) // 8)
    elif name == "Clock":
        made.clock.sec = number
    if hasattr(made, "header"):
        made.header.stamp = node.get_clock().now().to_msg()
    return made


def run(index: int, entry: dict[str, Any], publisher: Any) -> None:
    while entry.get("wait", True) and publisher.get_subscription_count() < 1:
        time.sleep(0.02)
    if entry.get("wait", True):
        time.sleep(0.3)  # both ends must have found each other
    began = time.monotonic()
    for number in range(entry["count"]):
        made = message(entry, number)
        payload = serialize_message(made)
        if entry.get("logged", True):
            with lock:
                log.write(struct.pack("<IQI", index, time.time_ns(), len(payload)) + payload)
        publisher.publish(payload)  # serialized twice, the gaps before aligned fields would hold other bytes
        pause = began + (number + 1) / entry.get("hertz", 50) - time.monotonic()
        if pause > 0:
            time.sleep(pause)


lock = threading.Lock()
threads = []
for index, entry in enumerate(spec):
    package, _, name = entry["type"].split("/")
    profile = QoSProfile(
        depth=entry.get("depth", max(100, min(entry["count"], 3000))),
        reliability=ReliabilityPolicy.RELIABLE if entry.get("reliable", True) else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if entry.get("latched") else DurabilityPolicy.VOLATILE,
    )
    cls = getattr(importlib.import_module(f"{package}.msg"), name)
    publisher = node.create_publisher(cls, entry["topic"], profile)
    threads.append(threading.Thread(target=run, args=(index, entry, publisher), daemon=True))
for thread in threads:
    thread.start()
executor = rclpy.executors.SingleThreadedExecutor()
executor.add_node(node)
spinning = threading.Thread(target=executor.spin, daemon=True)
spinning.start()
print("ready", flush=True)
for thread in threads:
    thread.join()
print("done", flush=True)
sys.stdin.read()
