"""Runs under the robot's own ROS Python: publishes serialized messages through rclpy that `rrbridge play` hands over.

Standard library, rclpy and the folder `rclpy_side` beside, Python 3.8 syntax. Started by `rrbridge_bridge.live.rclpy_sink`;
not imported by rrbridge.

Frames come in by standard input and go out by standard output, laid out as `rclpy_worker` says. Events that come in are
commands, by `do`: `advertise` (answered by `advertised`), `clock`, `close` (answered by `bye`). Kind 3 is one message: its head
is the u32 number of what was advertised. The end of standard input means that the player is gone.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # what lies beside this script is found, and only while this is loaded
    HERE = str(Path(__file__).resolve().parent)
    sys.path[:] = [HERE, *(path for path in sys.path if Path(path or ".").resolve() != Path(HERE))]

from rclpy_side.pipe import EVENT, HEADER, Pipe
from rclpy_side.process import first_line, leave_soon, open_pipe, run_and_leave, say_hello, start_rclpy
from rclpy_side.quality import profile
from rclpy_side.types import find_class

if __name__ == "__main__":
    sys.path.remove(HERE)

NUMBER_BYTES = 4
COUNT_SECS = 0.1
ACKNOWLEDGE_SECS = 1.2
"""Reliable listeners may take so long, all together, to say at the end that they have everything."""
RETRY_SECS = 1.0
RETRY_PAUSE_SECS = 0.002
SECOND = 10**9


class Player:
    """The publishers, by number."""

    def __init__(self, rclpy: Any, pipe: Pipe, name: str) -> None:
        self.rclpy = rclpy
        self.pipe = pipe
        self.qos: Any = importlib.import_module("rclpy.qos")
        self.node = rclpy.create_node(name, start_parameter_services=False, enable_rosout=False)
        self.publishers: dict[int, Any] = {}
        self.failures: dict[int, int] = {}
        self.counts: dict[int, int] = {}
        self.clock: Any = None
        self.clock_type: Any = None
        self.lock = threading.Lock()  # publishers come while another thread counts their listeners
        self.telling = threading.Lock()

    def tell(self, name: str, **facts: Any) -> None:
        """Send an event, from any thread."""
        with self.telling:
            self.pipe.event(name, **facts)

    def advertise(self, command: dict[str, Any]) -> None:
        """Make a publisher."""
        number, asked = command["id"], command["asked"]
        kind = (asked["reliability"] == "reliable", asked["durability"] == "transient_local")
        try:
            cls = find_class(command["type"])
            made = profile(self.rclpy, self.qos, kind, asked["depth"], asked)
            publisher = self.node.create_publisher(cls, command["topic"], made)
        except Exception as err:  # noqa: BLE001 - whatever a message package does must not end the playing of the others
            missing = isinstance(err, (ImportError, AttributeError))
            self.tell("advertised", id=number, missing=missing, text=first_line(err))
            return
        with self.lock:
            self.publishers[number] = publisher
        self.tell("advertised", id=number, missing=False, text="")

    def publish(self, number: int, payload: bytes) -> None:
        """Send a message; a reliable publisher whose listeners are slow is tried again for a while."""
        publisher = self.publishers[number]
        deadline = 0.0
        while True:
            try:
                publisher.publish(payload)
            except Exception as err:  # noqa: BLE001 - a full history, or bytes that are no message of this type
                now = time.monotonic()
                deadline = deadline or now + RETRY_SECS
                if now < deadline:
                    time.sleep(RETRY_PAUSE_SECS)
                    continue
                failures = self.failures[number] = self.failures.get(number, 0) + 1
                if failures & (failures - 1) == 0:  # told at 1, 2, 4, 8 …
                    self.tell("unsent", id=number, count=failures, text=first_line(err))
            return

    def tell_clock(self, nanos: int) -> None:
        """Publish simulated time."""
        if self.clock is None:
            self.clock_type = importlib.import_module("rosgraph_msgs.msg").Clock
            self.clock = self.node.create_publisher(self.clock_type, "/clock", self.qos.QoSProfile(depth=1))
        message = self.clock_type()
        message.clock.sec, message.clock.nanosec = divmod(nanos, SECOND)
        self.clock.publish(message)

    def count_forever(self) -> None:
        """Tell how many listen, whenever that changes."""
        while True:
            with self.lock:
                publishers = list(self.publishers.items())
            for number, publisher in publishers:
                try:
                    count = publisher.get_subscription_count()
                except Exception:  # noqa: BLE001 - while the node goes
                    return
                if count != self.counts.get(number):
                    self.counts[number] = count
                    self.tell("listeners", id=number, count=count)
            time.sleep(COUNT_SECS)

    def finish(self) -> None:
        """Wait a little for listeners that have not got everything."""
        deadline = time.monotonic() + ACKNOWLEDGE_SECS
        for publisher in self.publishers.values():
            wait = getattr(publisher, "wait_for_all_acked", None)
            left = deadline - time.monotonic()
            if wait is None or left <= 0:
                break
            wait(self.rclpy.duration.Duration(seconds=left))

    def run(self, stream: Any) -> None:
        """Do what comes in, until `close` or the end of the stream."""
        while True:
            header = stream.read(HEADER.size)
            if len(header) < HEADER.size:
                return
            _, kind, head_bytes, payload_bytes = HEADER.unpack(header)
            head = stream.read(head_bytes)
            if kind != EVENT:
                self.publish(int.from_bytes(head[:NUMBER_BYTES], "little"), stream.read(payload_bytes))
                continue
            command = json.loads(head.decode())
            if command["do"] == "advertise":
                self.advertise(command)
            elif command["do"] == "clock":
                self.tell_clock(command["nanos"])
            elif command["do"] == "close":
                self.finish()
                self.tell("bye")
                return


def main() -> int:
    """Run; returns the exit status, 3 where there is no usable rclpy."""
    pipe = open_pipe()
    try:
        rclpy = start_rclpy()
        player = Player(rclpy, pipe, sys.argv[1])
    except Exception as err:  # noqa: BLE001 - an incomplete environment fails in many ways; the text says which
        pipe.event("no_rclpy", text=first_line(err))
        return 3
    say_hello(pipe, rclpy)
    threading.Thread(target=player.count_forever, daemon=True).start()
    player.run(sys.stdin.buffer)
    leave_soon(0)
    player.node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    run_and_leave(main)
