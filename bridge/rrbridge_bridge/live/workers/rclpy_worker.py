"""Runs under the robot's own ROS Python: hears topics through rclpy, hands raw messages to the recorder over a pipe.

Standard library, rclpy and the folder `rclpy_side` beside, Python 3.8 syntax. Started by `rrbridge_bridge.live.rclpy`; not
imported by rrbridge.

Standard input takes one JSON command per line (`subscribe`, `describe`, `parameters`, `stop`); its end means that the
recorder is gone.
`stop` says how many seconds to wait at most for messages that are sent again (`rclpy_side.ending`).
Standard output carries frames (`rrbridge_bridge.live.frames` reads them):

    4 bytes `RRBF` | u8 kind | 3 zero bytes | u32 head length | u64 payload length | head | payload

kind 1: the head is a JSON event, no payload.
kind 2: messages of one connection; head = u32 connection, u32 count, then `count` records of
        i64 received nanos | i64 published nanos | i64 sequence (-1 unknown) | u32 size | u32 publisher (0 unknown);
        the payload is the messages end to end.

Subscriptions are drained with `take_message`, not by an executor: an executor takes one message per wake-up, and at some
thousand messages a second that is where messages are lost. A take of an empty queue costs less than a microsecond, so
asking every topic every few milliseconds is cheaper than waiting; stamps come from the middleware and do not suffer.
"""

from __future__ import annotations

import importlib
import os
import queue
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # what lies beside this script is found, and only while this is loaded
    HERE = str(Path(__file__).resolve().parent)
    sys.path[:] = [HERE, *(path for path in sys.path if Path(path or ".").resolve() != Path(HERE))]

from rclpy_side.connection import TURN_MESSAGES, Connection
from rclpy_side.ending import Ending
from rclpy_side.heard import REPAIR_SECS
from rclpy_side.pipe import Pipe
from rclpy_side.process import (
    first_line,
    leave_soon,
    let_receiving_come_first,
    listen,
    open_pipe,
    run_and_leave,
    say_hello,
    start_rclpy,
)
from rclpy_side.quality import fitted_kinds, profile
from rclpy_side.questions import Description, Questions
from rclpy_side.troubles import Troubles
from rclpy_side.types import depth_for, find_class

if __name__ == "__main__":
    sys.path.remove(HERE)

POLL_SECS = 0.004
SCAN_SECS = 0.2
LOOK_SECS = 1.0
UNKNOWN_NODE = "_NODE_NAME"
"""A publisher is known a little before its node is."""
TROUBLE_SECS = 1.0
BLOCK_SECS = 0.05
ALIVE_SECS = 1.0
OVERLAP_SECS = REPAIR_SECS


class Worker:
    """The graph as rclpy sees it, and what is recorded of it."""

    def __init__(self, rclpy: Any, pipe: Pipe) -> None:
        self.rclpy = rclpy
        self.pipe = pipe
        self.qos: Any = importlib.import_module("rclpy.qos")
        self.name = f"rrbridge_recorder_{os.getpid()}"
        self.node = self.made_node(self.name, None)
        self.nodes: list[tuple[Any, dict[str, str]]] = [(self.node, {})]  # with the type that each hears of a topic
        self.connections: dict[int, Connection] = {}
        self.signatures: dict[str, list[tuple[str, ...]]] = {}
        self.looked: dict[str, tuple[int, float]] = {}  # by topic: publishers, and when to look at them again
        self.own = {self.name, self.name + "_asks"}
        self.questions = Questions(rclpy, self.name + "_asks", pipe)
        self.asks_parameters = False
        self.troubles: list[tuple[Connection, Any, Troubles]] = []
        self.next_trouble = 0.0
        self.next_alive = 0.0

    def made_node(self, name: str, context: Any) -> Any:
        """A node that nobody need know of."""
        return self.rclpy.create_node(name, context=context, start_parameter_services=False, enable_rosout=False)

    def node_for(self, topic: str, msgtype: str) -> Any:
        """A node that hears no other type of this topic: the middleware gives a participant only one of each."""
        for node, types in self.nodes:
            if types.setdefault(topic, msgtype) == msgtype:
                return node
        context = importlib.import_module("rclpy.context").Context()
        context.init(args=[], initialize_logging=False)
        name = f"{self.name}_{len(self.nodes)}"
        self.own.add(name)
        self.nodes.append((self.made_node(name, context), {topic: msgtype}))
        let_receiving_come_first()
        return self.nodes[-1][0]

    def scan(self) -> None:
        """Tell of topics whose publishers have changed, and fit subscriptions to them.

        To look at each publisher costs more than to count them: that is done where the number has changed, and now and then.
        """
        now = time.monotonic()
        for topic, types in self.node.get_topic_names_and_types():
            count = self.node.count_publishers(topic)
            known_count, look_at = self.looked.get(topic, (0, 0.0))
            if count == known_count and now < look_at:
                continue
            publishers = self.publishers(topic)
            settled = not any(publisher["node"].startswith(UNKNOWN_NODE) for publisher in publishers)
            self.looked[topic] = (count, now + LOOK_SECS if settled else 0.0)
            keys = ("gid", "node", "namespace", "type", "reliability", "durability")
            signature = sorted(tuple(str(publisher[key]) for key in keys) for publisher in publishers)
            if not publishers or self.signatures.get(topic) == signature:
                continue
            self.signatures[topic] = signature
            self.pipe.event("topic", topic=topic, types=types, publishers=publishers)
            for connection in self.connections.values():
                if connection.topic == topic:
                    self.fit(connection, publishers)

    def publishers(self, topic: str) -> list[dict[str, Any]]:
        """Who publishes a topic, besides this node itself."""
        infos = self.node.get_publishers_info_by_topic(topic)
        return [self.publisher(info) for info in infos if info.node_name not in self.own]

    def publisher(self, info: Any) -> dict[str, Any]:
        """What is known of one publisher, as JSON takes it."""
        profile = info.qos_profile
        type_hash = getattr(info, "topic_type_hash", None)
        if type_hash is not None:
            type_hash = f"RIHS{type_hash.version:02d}_{bytes(type_hash.value).hex()}"
        return {
            "node": info.node_name,
            "namespace": info.node_namespace,
            "type": info.topic_type,
            "gid": bytes(info.endpoint_gid).hex(),
            "hash": type_hash,
            "history": profile.history.name.lower(),
            "depth": profile.depth,
            "reliability": profile.reliability.name.lower(),
            "durability": profile.durability.name.lower(),
            "liveliness": profile.liveliness.name.lower(),
            "deadline": profile.deadline.nanoseconds,
            "lifespan": profile.lifespan.nanoseconds,
            "liveliness_lease_duration": profile.liveliness_lease_duration.nanoseconds,
        }

    def fit(self, connection: Connection, publishers: list[dict[str, Any]]) -> None:
        """Subscribe so that every publisher is heard."""
        kinds = fitted_kinds([p for p in publishers if p["type"] == connection.msgtype], connection.asked)
        if not kinds:
            return
        before = set(connection.subscriptions)
        if kinds == before:
            return
        for kind in kinds - before:
            connection.subscriptions[kind] = self.subscribe(connection, *kind)
        deadline = time.monotonic() + OVERLAP_SECS
        for kind in before - kinds:
            connection.retiring.append((deadline, connection.subscriptions.pop(kind)))
        connection.arrange()
        self.pipe.event(
            "subscribed",
            id=connection.number,
            topic=connection.topic,
            again=bool(before),
            profiles=[{"reliable": r, "transient_local": t} for r, t in sorted(kinds)],
        )

    def subscribe(self, connection: Connection, reliable: bool, transient: bool) -> Any:
        """A subscription for one kind of publisher."""
        depth = depth_for(connection.cls)
        made = profile(self.rclpy, self.qos, (reliable, transient), depth, connection.asked)
        node = self.node_for(connection.topic, connection.msgtype)
        subscription = node.create_subscription(connection.cls, connection.topic, ignore, made, raw=True)
        self.troubles.append((connection, subscription, Troubles(subscription)))
        return subscription

    def start(self, command: dict[str, Any]) -> None:
        """Begin to record one topic and type."""
        topic, msgtype = command["topic"], command["type"]
        try:
            connection = Connection(command["id"], topic, msgtype, find_class(msgtype), command.get("asked") or {})
            self.fit(connection, self.publishers(topic))
        except Exception as err:  # noqa: BLE001 - whatever a message package does must not end the recording of the others
            missing = isinstance(err, (ImportError, AttributeError))
            self.pipe.event(
                "refused",
                id=command["id"],
                topic=topic,
                type=msgtype,
                missing=missing,
                text=first_line(err) if missing else f"rclpy does not subscribe to it: {first_line(err)}",
            )
            return
        self.connections[connection.number] = connection

    def drain(self) -> int:
        """One turn for every topic. Returns how many messages were taken."""
        taken = 0
        now = time.monotonic()
        for connection in self.connections.values():
            if connection.failed:
                continue
            try:
                taken += connection.drain(self.pipe)
            except BrokenPipeError:
                raise
            except Exception as err:  # noqa: BLE001 - a topic that cannot be taken from must not end the recording of the others
                connection.failed = True
                text = first_line(err)
                self.pipe.event("failed", id=connection.number, topic=connection.topic, text=text)
            if connection.payloads and now - connection.since >= BLOCK_SECS:
                connection.flush(self.pipe)
            while connection.retiring and connection.retiring[0][0] < now:
                retired = connection.retiring.pop(0)[1]
                connection.arrange()
                self.end(retired)
        return taken

    def ask_parameters(self) -> None:
        """Ask nodes that have come for their parameters."""
        if self.asks_parameters:
            self.questions.ask_nodes(self.node.get_node_names_and_namespaces(), self.own)

    def look_for_trouble(self) -> None:
        """Tell what the middleware says of messages that it lost and publishers that do not fit."""
        if time.monotonic() < self.next_trouble:
            return
        self.next_trouble = time.monotonic() + TROUBLE_SECS
        for connection, _, troubles in self.troubles:
            for kind, (total, policy) in troubles.new().items():
                facts = {"id": connection.number, "topic": connection.topic, "total": total, "policy": policy}
                self.pipe.event(kind, **facts)

    def end(self, subscription: Any) -> None:
        """Hear no more of a subscription."""
        self.troubles = [entry for entry in self.troubles if entry[1] is not subscription]
        for node, _ in self.nodes:
            node.destroy_subscription(subscription)

    def run(self, commands: queue.Queue[dict[str, Any]]) -> None:
        """Until told to stop."""
        next_scan = 0.0
        while True:
            while not commands.empty():
                command = commands.get()
                if command["do"] == "stop":
                    unsettled = Ending(self).run(command["drain_secs"])
                    self.pipe.event("bye", unsettled=unsettled)
                    return
                if command["do"] == "subscribe":
                    self.start(command)
                if command["do"] == "describe":
                    self.questions.ask(Description(command))
                if command["do"] == "parameters":
                    self.asks_parameters = True
            if time.monotonic() >= next_scan:
                self.scan()
                self.ask_parameters()
                next_scan = time.monotonic() + SCAN_SECS
            self.say_alive()
            self.look_for_trouble()
            self.questions.move_on()
            if self.drain() < TURN_MESSAGES:
                time.sleep(POLL_SECS)

    def say_alive(self) -> None:
        """Let the recorder tell a silent graph from a worker that hangs."""
        if time.monotonic() >= self.next_alive:
            self.next_alive = time.monotonic() + ALIVE_SECS
            self.pipe.event("alive")

    def leave(self, connection: Connection) -> None:
        """Hear no more of a topic."""
        every = [*connection.subscriptions.values(), *(s for _, s in connection.retiring)]
        connection.subscriptions.clear()
        connection.retiring.clear()
        connection.arrange()
        for subscription in every:
            self.end(subscription)


def ignore(_: bytes) -> None:
    """A subscription must have a callback; nothing spins, so it is never called."""


def main() -> int:
    """Run; returns the exit status, 3 where there is no usable rclpy."""
    pipe = open_pipe()
    try:
        rclpy = start_rclpy()
        worker = Worker(rclpy, pipe)
    except Exception as err:  # noqa: BLE001 - an incomplete environment fails in many ways; the text says which
        pipe.event("no_rclpy", text=first_line(err))
        return 3
    let_receiving_come_first()
    say_hello(pipe, rclpy)
    commands: queue.Queue[dict[str, Any]] = queue.Queue()
    listen(commands)
    worker.run(commands)
    leave_soon(0)
    worker.questions.close()
    for node, _ in worker.nodes:
        node.destroy_node()
        if node.context is not rclpy.get_default_context():
            node.context.try_shutdown()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    run_and_leave(main)
