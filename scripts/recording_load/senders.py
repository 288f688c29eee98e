"""Sends numbered messages: `senders.py WORLD TOPICS BYTES HERTZ SECONDS LISTENERS`; ros1 and ros2 under the Python of a ROS.

Every message ends with its number and the time when it was sent, u64 each. Small ones are `std_msgs/UInt64MultiArray`, from
100 kB on they are `sensor_msgs/Image`. HERTZ is for each topic; 0: as fast as it goes. Says `up` when listeners can come and
`ready` when every topic has them, sends after a line on standard input, says how many of each topic it sent, and leaves with
standard input. Of zenoh and foxglove, LOAD_PORT says where: at which router, and for whom to serve.
"""

from __future__ import annotations

import importlib
import io
import os
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
    filled(kind, size, os.urandom).serialize(buffer)
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
    template = bytearray(serialize_message(filled(kind, size, lambda n: array.array("B", os.urandom(n)))))
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


def zenoh(topics: int, size: int, listeners: int) -> list[Callable[[bytes], None]]:
    """The same by Zenoh, giving messages up where a listener is slow, as `rmw_zenoh` does; to this machine alone."""
    from rrbridge_bridge.live.sink import SinkOptions
    from rrbridge_bridge.live.zenoh_sink import sink
    from rrbridge_bridge.raw import Connection

    msgtype, definition, template = described(size)
    qos = {"offered_qos_profiles": "- reliability: best_effort"}
    session = sink.open(SinkOptions(address=f"127.0.0.1:{os.environ['LOAD_PORT']}"))
    for n in range(topics):
        session.advertise(Connection(n, f"/load_{n}", msgtype, "cdr", definition, "ros2msg", qos), latched=False)
    wait(lambda: all((session.subscribers(n) or 0) >= listeners for n in range(topics)))

    def sender(number: int) -> Callable[[bytes], None]:
        def send(tail: bytes) -> None:
            template[-TAIL.size :] = tail
            session.publish(number, memoryview(template), 0, 0)

        return send

    return [sender(n) for n in range(topics)]


def foxglove(topics: int, size: int, listeners: int) -> list[Callable[[bytes], None]]:
    """The same by a server of Foxglove's SDK, which gives up the oldest messages where a listener is slow."""
    from foxglove import Channel, Schema, start_server
    from foxglove.websocket import ServerListener

    subscribers = []

    class Counted(ServerListener):
        def on_subscribe(self, client: Any, channel: Any) -> None:
            subscribers.append((client.id, channel.id))

    msgtype, definition, template = described(size)
    schema = Schema(name=msgtype, encoding="ros2msg", data=definition.encode())
    channels = [Channel(f"/load_{n}", schema=schema, message_encoding="cdr") for n in range(topics)]
    start_server(host="127.0.0.1", port=int(os.environ["LOAD_PORT"]), server_listener=Counted())
    wait(lambda: len(subscribers) >= listeners * topics)

    def sender(channel: Any) -> Callable[[bytes], None]:
        def send(tail: bytes) -> None:
            template[-TAIL.size :] = tail
            channel.log(bytes(template), log_time=time.time_ns())

        return send

    return [sender(channel) for channel in channels]


def described(size: int) -> tuple[str, str, bytearray]:
    """Type, definition and bytes of a message of about that size, without a ROS."""
    import numpy as np
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    if size >= IMAGE_BYTES:
        msgtype, width = "sensor_msgs/msg/Image", size // 1000
        header = store.types["std_msgs/msg/Header"](store.types["builtin_interfaces/msg/Time"](0, 0), "")
        data = np.zeros(1000 * width, np.uint8)
        message = store.types[msgtype](header, 1000, width, "mono8", 0, width, data)
    else:
        msgtype = "std_msgs/msg/UInt64MultiArray"
        layout = store.types["std_msgs/msg/MultiArrayLayout"]([], 0)
        message = store.types[msgtype](layout, np.zeros(max(size // 8, 2), np.uint64))
    return msgtype, store.generate_msgdef(msgtype, ros_version=2)[0], bytearray(store.serialize_cdr(message, msgtype))


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
    print("up", flush=True)
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
    worlds = {"ros1": ros1, "ros2": ros2, "zenoh": zenoh, "foxglove": foxglove}
    sends = worlds[world](int(topics), int(size), int(listeners))
    print("ready", flush=True)
    sys.stdin.readline()
    print(*run(sends, hertz, secs), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
