"""An implementation of `rmw_zenoh` by others, ROBOTIS's zenoh-ros2-sdk, as publisher or listener of strings.

Usage: independent.py PORT TOPIC COUNT, which publishes, or independent.py PORT TOPIC, which prints what it hears. Says `ready`
first, and leaves when standard input ends.
"""

import sys
import threading
import time

from zenoh_ros2_sdk import ROS2Publisher, ROS2Subscriber, ZenohSession

TYPE, TEXT = "std_msgs/msg/String", "string data\n"
port, topic = int(sys.argv[1]), sys.argv[2]


def publish(count: int) -> None:
    publisher = ROS2Publisher(
        topic, TYPE, msg_definition=TEXT, node_name="independent", namespace="/ns1", router_port=port
    )
    print("ready", flush=True)
    liveliness = ZenohSession.get_instance().liveliness
    while not any(reply.ok for reply in liveliness.get(f"@ros2_lv/*/*/*/*/MS/*/*/*/{topic.replace('/', '%')}/**")):
        time.sleep(0.05)
    time.sleep(0.2)
    for number in range(count):
        publisher.publish(data=f"{number} of theirs")
        time.sleep(0.005)


def heard(message: object) -> None:
    print(message.data, flush=True)  # type: ignore[attr-defined]


if len(sys.argv) > 3:
    threading.Thread(target=publish, args=(int(sys.argv[3]),), daemon=True).start()
else:
    print("ready", flush=True)
    listener = ROS2Subscriber(topic, TYPE, heard, msg_definition=TEXT, router_port=port)
sys.stdin.read()
ZenohSession.get_instance().close()
