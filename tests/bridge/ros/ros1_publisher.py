"""Publishes for the tests of ROS 1, under Debian's Python with its rospy, and writes down every byte that it sent.

Usage: ros1_publisher.py NAME LOG SPEC; SPEC is a JSON list of `{topic, type, count, hertz, bytes, latched, subscribers}`.
LOG gets, per message: u32 index into SPEC | u32 size | the serialized message.
Says `ready` when its publishers are there, `done` when all is sent, and leaves when standard input ends.
"""

import importlib
import io
import json
import struct
import sys
import threading
import time
from typing import Any

import rospy
from rospy import topics

name, log_path, spec = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
rospy.init_node(name, disable_signals=True)
log = open(log_path, "wb", buffering=0)  # noqa: PTH123, SIM115
lock = threading.Lock()
latched = {entry["topic"] for entry in spec if entry.get("latched")}


def init_latched(self: Any, topic: str, data_class: Any, plain: Any = topics._PublisherImpl.__init__) -> None:
    """rospy offers a topic before it makes it latched; who connects in between is told that it is not."""
    plain(self, topic, data_class)
    self.is_latch = topic in latched


topics._PublisherImpl.__init__ = init_latched


def message_of(cls: Any, entry: dict[str, Any], number: int) -> Any:
    made = cls()
    size = entry.get("bytes", 16)
    if cls._type == "std_msgs/String":
        made.data = f"{number} " + "x" * size
    elif cls._type == "std_msgs/UInt64":
        made.data = number
    elif cls._type == "sensor_msgs/Image":
        made.header.frame_id = "camera"
        made.encoding = "mono8"
        made.height, made.width, made.step = 1, size, size
        made.data = bytes((number * 7 + i) % 251 for i in range(256)) * (size // 256) + bytes(size % 256)
    elif cls._type == "sensor_msgs/Imu":
        made.header.frame_id = "imu"
        made.angular_velocity.x = number / 3
    elif cls._type == "rosgraph_msgs/Clock":
        made.clock = rospy.Time(1000 + number // 100, number % 100 * 10_000_000)
    elif cls._type == "tf2_msgs/TFMessage":
        from geometry_msgs.msg import TransformStamped

        edge = TransformStamped()
        edge.header.frame_id, edge.child_frame_id = "base_link", f"laser_{number}"
        edge.transform.rotation.w = 1
        made.transforms = [edge]
    if hasattr(made, "header"):
        made.header.stamp = rospy.Time.from_sec(time.time())
    return made


def run(index: int, entry: dict[str, Any], publisher: Any) -> None:
    while publisher.get_num_connections() < entry.get("subscribers", 1):
        time.sleep(0.005)
    began = time.monotonic()
    for number in range(entry["count"]):
        made = message_of(publisher.data_class, entry, number)
        if hasattr(made, "header"):
            made.header.seq = number + 1  # as rospy will number it
        written = io.BytesIO()
        made.serialize(written)
        with lock:  # first, for it may be heard before this goes on
            log.write(struct.pack("<II", index, len(written.getvalue())) + written.getvalue())
        publisher.publish(made)
        pause = began + (number + 1) / entry.get("hertz", 50) - time.monotonic()
        if pause > 0:
            time.sleep(pause)


threads = []
for index, entry in enumerate(spec):
    package, _, short = entry["type"].partition("/")
    cls = getattr(importlib.import_module(f"{package}.msg"), short)
    publisher = rospy.Publisher(
        entry["topic"], cls, queue_size=entry.get("queue", 1000), latch=entry.get("latched", False)
    )
    threads.append(threading.Thread(target=run, args=(index, entry, publisher), daemon=True))
print("ready", flush=True)
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done", flush=True)
sys.stdin.read()
rospy.signal_shutdown("done")
