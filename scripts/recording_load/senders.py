"""Sends numbered messages, under the Python of a ROS: `senders.py ros1|ros2 TOPICS BYTES HERTZ SECONDS LISTENERS`.

Every message ends with its number and the time when it was sent, u64 each. Small ones are `std_msgs/UInt64MultiArray`, from
100 kB on they are `sensor_msgs/Image`. HERTZ is for each topic; 0: as fast as it goes. Says `ready` when every topic
has its listeners, sends after a line on standard input, says how many of each topic it sent, and leaves with standard input.
"""

from __future__ import annotations

import importlib
import io
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

TAIL = struct.Struct("<QQ")
IMAGE_BYTES = 100_000
SETTLE_SECS = 1.0
WAIT_SECS = 30.0


def ros1(topics: int, size: int, listeners: int) -> list[Callable[[bytes], None]]:
    """A function for each topic that publishes a message with this tail."""
    import rospy

    kind = kind_of(size)
    buffer = io.BytesIO()
    filled(kind, size, bytes).serialize(buffer)
    template = bytearray(buffer.getvalue())

    class Raw(kind):  # type: ignore[misc,valid-type]
        def serialize(self, buff: Any) -> None:
            buff.write(template)

    rospy.init_node("load", disable_signals=True)
    publishers = [rospy.Publisher(f"/load_{n}", Raw, queue_size=None) for n in range(topics)]
    wait(lambda: all(p.get_num_connections() >= listeners for p in publishers))
    message = Raw()

    def sender(publisher: Any) -> Callable[[bytes], None]:
        def send(tail: bytes) -> None:
            template[-TAIL.size :] = tail
            publisher.publish(message)

        return send

    return [sender(publisher) for publisher in publishers]


def ros2(topics: int, size: int, listeners: int) -> list[Callable[[bytes], None]]:
    """The same by rclpy, reliable, with a queue of a tenth of a second or more."""
    import array

    import rclpy
    from rclpy._rclpy_pybind11 import RCLError
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from rclpy.serialization import serialize_message

    kind = kind_of(size)
    template = bytearray(serialize_message(filled(kind, size, lambda n: array.array("B", bytes(n)))))
    rclpy.init(args=[])
    node = rclpy.create_node("load")
    profile = QoSProfile(depth=20 if size >= IMAGE_BYTES else 2000, reliability=ReliabilityPolicy.RELIABLE)
    publishers = [node.create_publisher(kind, f"/load_{n}", profile) for n in range(topics)]
    wait(lambda: all(p.get_subscription_count() >= listeners for p in publishers))

    def sender(publisher: Any) -> Callable[[bytes], None]:
        def send(tail: bytes) -> None:
            template[-TAIL.size :] = tail
            while True:
                try:
                    publisher.publish(bytes(template))
                except RCLError:  # listeners are too far behind to take any more
                    time.sleep(0.001)
                else:
                    return

        return send

    return [sender(publisher) for publisher in publishers]


def kind_of(size: int) -> Any:
    """The type of messages of that size."""
    package, name = ("sensor_msgs", "Image") if size >= IMAGE_BYTES else ("std_msgs", "UInt64MultiArray")
    return getattr(importlib.import_module(f"{package}.msg"), name)


def filled(kind: Any, size: int, octets: Callable[[int], Any]) -> Any:
    """A message of that many bytes of data."""
    message = kind()
    if hasattr(message, "encoding"):
        width = size // 1000
        message.encoding, message.height, message.width, message.step = "mono8", 1000, width, width
        message.data = octets(1000 * width)
    else:
        message.data = [0] * max(size // 8, 2)
    return message


def wait(holds: Callable[[], bool]) -> None:
    """Until listeners are there, and both ends have found each other."""
    deadline = time.monotonic() + WAIT_SECS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("no listeners came")
        time.sleep(0.02)
    time.sleep(SETTLE_SECS)


def run(sends: list[Callable[[bytes], None]], hertz: float, secs: float) -> list[int]:
    """Send; how many went to each topic. A sender that comes too late sends what is due at once."""
    counts = [0] * len(sends)
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < secs:
        due = int(elapsed * hertz) + 1 if hertz else counts[0] + 1
        for number in range(counts[0], due):
            for topic, send in enumerate(sends):
                send(TAIL.pack(number, time.time_ns()))
                counts[topic] = number + 1
        if hertz:
            time.sleep(max(min(counts[0] / hertz - (time.monotonic() - began), 0.01), 0.0))
    return counts


def main() -> None:
    """From the command line."""
    world, topics, size, hertz, secs, listeners = sys.argv[1], *map(float, sys.argv[2:])
    sends = (ros1 if world == "ros1" else ros2)(int(topics), int(size), int(listeners))
    print("ready", flush=True)
    sys.stdin.readline()
    print(*run(sends, hertz, secs), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
