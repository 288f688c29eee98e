"""Listens for the tests of ROS 1, under Debian's Python with its rospy, and writes down every byte that it is sent.

Usage: ros1_listener.py NAME LOG TOPIC=TYPE…; LOG gets, per message: u32 index of the topic | u32 size | the bytes as they came.
Says `ready` when it has subscribed, and leaves when standard input ends. Types are checked by rospy, by md5 sum.
"""

import importlib
import struct
import sys
import threading
from typing import Any

import rospy

name, log_path, topics = sys.argv[1], sys.argv[2], [argument.split("=") for argument in sys.argv[3:]]
rospy.init_node(name, disable_signals=True)
log = open(log_path, "wb", buffering=0)  # noqa: PTH123, SIM115
lock = threading.Lock()


def listening(index: int, base: Any) -> Any:
    """The message's class, made to write down what it is given."""

    def deserialize(self: Any, data: bytes) -> Any:
        with lock:
            log.write(struct.pack("<II", index, len(data)) + data)
        return base.deserialize(self, data)

    return type(base.__name__, (base,), {"deserialize": deserialize, "__slots__": []})


for index, (topic, msgtype) in enumerate(topics):
    package, _, short = msgtype.partition("/")
    base = getattr(importlib.import_module(f"{package}.msg"), short)
    rospy.Subscriber(topic, listening(index, base), lambda _: None, queue_size=100_000, buff_size=1 << 24)
print("ready", flush=True)
sys.stdin.read()
