"""Runs under the robot's own ROS Python: hears topics through rclpy, hands raw messages to the recorder over a pipe.

Standard library and rclpy only, Python 3.8 syntax. Started by `rrbridge_bridge.live.rclpy`; not imported by rrbridge.

Standard input takes one JSON command per line (`subscribe`, `describe`, `stop`); its end means that the recorder is gone.
`stop` says how many seconds to wait at most for messages that are sent again (`Worker.finish`).
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

import collections
import contextlib
import fcntl
import importlib
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    del sys.path[0]  # what lies beside this script is none of its imports

HEADER = struct.Struct("<4sB3xIQ")
BLOCK = struct.Struct("<II")
RECORD = struct.Struct("<qqqII")
EVENT, MESSAGES = 1, 2

POLL_SECS = 0.004
SCAN_SECS = 0.2
BLOCK_BYTES = 512 * 1024
BLOCK_MESSAGES = 4000
BLOCK_SECS = 0.05
TURN_BYTES = 8 * 1024 * 1024
TURN_MESSAGES = 1000
ALIVE_SECS = 1.0
REPAIR_SECS = 3.5
"""A lost message is sent again after the writer's next heartbeat, by default at most 3 s later with Fast DDS (`heartbeat_period`
of its WriterQos); until then a reliable reader holds back everything that the same writer sent after it."""
OVERLAP_SECS = REPAIR_SECS
DESCRIBE_SECS = 4.0
DRAIN_SECS = 2.0
JITTER_NANOS = 50_000_000
"""The way to us may have been shorter for the next message; what was published so shortly after the cutoff still counts."""
STALL_PERIODS = 3
STALL_SECS = 0.2
RECENT_KEYS = 20000
DEPTH = 1000
IOV = 512
MAX_PAYLOAD = 1 << 30
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031


class Pipe:
    """The way out: whole frames, written without joining their parts."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def event(self, name: str, **facts: Any) -> None:
        """Send an event."""
        head = json.dumps(dict(facts, event=name)).encode()
        self._write([HEADER.pack(b"RRBF", EVENT, len(head), 0), head])

    def messages(self, connection: int, records: list[bytes], payloads: list[bytes], size: int) -> None:
        """Send messages of one connection; `size` is the length of all payloads together."""
        count = len(payloads)
        head = BLOCK.pack(connection, count) + b"".join(records)
        self._write([HEADER.pack(b"RRBF", MESSAGES, len(head), size), head, *payloads])

    def _write(self, parts: list[bytes]) -> None:
        start = 0
        while start < len(parts):
            some = parts[start : start + IOV]
            start += IOV
            left = sum(map(len, some)) - os.writev(self.fd, some)
            if left:
                rest = memoryview(b"".join(some))[-left:]
                while rest:
                    rest = rest[os.write(self.fd, rest) :]


class Recent:
    """The last keys seen: tells a message that came over two subscriptions from a new one."""

    def __init__(self) -> None:
        self.keys: set[tuple[Any, ...]] = set()
        self.order: collections.deque[tuple[Any, ...]] = collections.deque()

    def is_new(self, key: tuple[Any, ...]) -> bool:
        """Whether the key was not seen before; remembers it."""
        if key in self.keys:
            return False
        self.keys.add(key)
        self.order.append(key)
        if len(self.order) > RECENT_KEYS:
            self.keys.discard(self.order.popleft())
        return True


class Heard:
    """What was heard of one publisher of a connection; stamps in nanoseconds of the wall clock."""

    __slots__ = ("count", "first", "lag", "last")

    def __init__(self, received: int, lag: int) -> None:
        self.count = 0
        self.first = self.last = received
        self.lag = lag  # the least from publishing to receiving: the way, and what the two machines' clocks differ

    def stalled(self, cutoff: int, now: int) -> bool:
        """Whether it had sent until shortly before the cutoff, and then was silent for longer than its rhythm explains."""
        if self.count < STALL_PERIODS or cutoff - self.last > REPAIR_SECS * 1e9:
            return False
        period = (self.last - self.first) / (self.count - 1)
        return now - self.last > max(STALL_PERIODS * period, STALL_SECS * 1e9)


class Connection:
    """One recorded topic and type: its subscriptions, and the block of messages that is being gathered."""

    def __init__(self, number: int, topic: str, msgtype: str, cls: type) -> None:
        self.number = number
        self.topic = topic
        self.msgtype = msgtype
        self.cls = cls
        self.subscriptions: dict[tuple[bool, bool], Any] = {}  # by (reliable, transient_local)
        self.retiring: list[tuple[float, Any]] = []  # (when to close it, subscription)
        self.recent = Recent()
        self.publishers: dict[bytes, int] = {}  # numbers from 1, by gid
        self.heard: dict[int, Heard] = {}  # by publisher's number, 0 where it is not told
        self.cutoff = 0  # from when on, in wall clock nanoseconds, messages are not wanted any more; 0: all are
        self.later: set[int] = set()  # publishers that were heard with a message from after the cutoff
        self.records: list[bytes] = []
        self.payloads: list[bytes] = []
        self.size = 0
        self.since = 0.0
        self.failed = False

    def compares(self) -> bool:
        """Whether a message can come twice."""
        return len(self.subscriptions) > 1 or bool(self.retiring) or any(tl for _, tl in self.subscriptions)

    def add(self, raw: bytes, info: dict[str, Any], pipe: Pipe, compares: bool) -> None:
        """Put one message into the block."""
        published = info.get("source_timestamp") or 0
        received = info.get("received_timestamp") or 0
        sequence = info.get("publication_sequence_number")
        gid = info.get("publisher_gid")
        if gid is not None:
            gid = bytes(gid["data"])
        if sequence is None:
            sequence = -1
        if compares:
            # Where no counter tells messages apart their content does; only its hash, for many large ones are remembered.
            key = (gid, sequence) if gid is not None and sequence >= 0 else (published, sequence, hash(raw))
            if not self.recent.is_new(key):
                return
        if received <= 0:
            received = time.time_ns()
        if published <= 0:
            published = received
        publisher = 0
        if gid is not None:
            publisher = self.publishers.get(gid, 0)
            if not publisher:
                publisher = self.publishers[gid] = len(self.publishers) + 1
        heard = self.heard.get(publisher)
        if self.cutoff and self.is_later(publisher, received, published):
            return
        if heard is None:
            heard = self.heard[publisher] = Heard(received, received - published)
        heard.count += 1
        heard.last = received
        if received - published < heard.lag:
            heard.lag = received - published
        size = len(raw)
        if size > MAX_PAYLOAD:
            raise ValueError(f"a message of {size} bytes is larger than can be handled")
        if self.payloads and self.size + size > MAX_PAYLOAD:
            self.flush(pipe)
        if not self.payloads:
            self.since = time.monotonic()
        self.records.append(RECORD.pack(received, published, sequence, size, publisher))
        self.payloads.append(raw)
        self.size += size
        if self.size >= BLOCK_BYTES or len(self.payloads) >= BLOCK_MESSAGES:
            self.flush(pipe)

    def is_later(self, publisher: int, received: int, published: int) -> bool:
        """Whether a message was published after the cutoff, by its publisher's clock as we know it."""
        if publisher and publisher in self.later:
            return True  # its messages come in order: taking this one would leave a gap
        heard = self.heard.get(publisher)
        here = published + (heard.lag if heard else 0)
        if received <= self.cutoff or here <= self.cutoff + JITTER_NANOS:
            return False
        self.later.add(publisher)
        return True

    def flush(self, pipe: Pipe) -> None:
        """Send the block."""
        if self.payloads:
            records, payloads, size = self.records, self.payloads, self.size
            self.records, self.payloads, self.size = [], [], 0
            pipe.messages(self.number, records, payloads, size)

    def drain(self, pipe: Pipe) -> int:
        """Take what is there, within this topic's turn. Returns how many messages."""
        compares = self.compares()
        taken = 0
        for subscription in list(self.subscriptions.values()) + [s for _, s in self.retiring]:
            size = 0
            handle, cls = subscription.handle, subscription.msg_type
            for _ in range(TURN_MESSAGES):
                found = handle.take_message(cls, True)
                if found is None:
                    break
                taken += 1
                self.add(found[0], found[1], pipe, compares)
                size += len(found[0])
                if size > TURN_BYTES:
                    break
        return taken


class Description:
    """A question to a publisher's node: which sources make up its message type?"""

    def __init__(self, command: dict[str, Any]) -> None:
        self.command = command
        self.deadline = time.monotonic() + DESCRIBE_SECS
        self.client: Any = None
        self.future: Any = None


class Worker:
    """The graph as rclpy sees it, and what is recorded of it."""

    def __init__(self, rclpy: Any, pipe: Pipe) -> None:
        self.rclpy = rclpy
        self.pipe = pipe
        self.qos: Any = importlib.import_module("rclpy.qos")
        self.name = f"rrbridge_recorder_{os.getpid()}"
        self.node = rclpy.create_node(self.name, start_parameter_services=False, enable_rosout=False)
        self.connections: dict[int, Connection] = {}
        self.signatures: dict[str, list[tuple[str, ...]]] = {}
        self.descriptions: list[Description] = []
        self.executor: Any = None
        self.type_node: Any = None
        self.next_alive = 0.0

    def scan(self) -> None:
        """Tell of topics whose publishers have changed, and fit subscriptions to them."""
        for topic, types in self.node.get_topic_names_and_types():
            publishers = self.publishers(topic)
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
        own = (self.name, self.name + "_types")
        return [self.publisher(info) for info in infos if info.node_name not in own]

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
        """Subscribe so that every publisher is heard.

        A transient-local subscription hears only transient-local publishers, a volatile one misses what such publishers
        sent before: a topic with both kinds gets both. Each is reliable only if all publishers it stands for are.
        """
        wanted: dict[bool, bool] = {}
        for publisher in publishers:
            if publisher["type"] == connection.msgtype:
                transient = publisher["durability"] == "transient_local"
                wanted[transient] = wanted.get(transient, True) and publisher["reliability"] == "reliable"
        if not wanted:
            return
        profiles = {(reliable, transient) for transient, reliable in wanted.items()}
        before = set(connection.subscriptions)
        if profiles == before:
            return
        for profile in profiles - before:
            connection.subscriptions[profile] = self.subscribe(connection, *profile)
        deadline = time.monotonic() + OVERLAP_SECS
        for profile in before - profiles:
            connection.retiring.append((deadline, connection.subscriptions.pop(profile)))
        self.pipe.event(
            "subscribed",
            id=connection.number,
            topic=connection.topic,
            again=bool(before),
            profiles=[{"reliable": r, "transient_local": t} for r, t in sorted(profiles)],
        )

    def subscribe(self, connection: Connection, reliable: bool, transient: bool) -> Any:
        """A subscription for one kind of publisher."""
        qos = self.qos
        profile = qos.QoSProfile(
            depth=DEPTH,
            history=qos.HistoryPolicy.KEEP_LAST,
            reliability=qos.ReliabilityPolicy.RELIABLE if reliable else qos.ReliabilityPolicy.BEST_EFFORT,
            durability=qos.DurabilityPolicy.TRANSIENT_LOCAL if transient else qos.DurabilityPolicy.VOLATILE,
        )
        return self.node.create_subscription(connection.cls, connection.topic, ignore, profile, raw=True)

    def start(self, command: dict[str, Any]) -> None:
        """Begin to record one topic and type."""
        topic, msgtype = command["topic"], command["type"]
        try:
            module, name = msgtype.rsplit("/", 1)
            cls = getattr(importlib.import_module(module.replace("/", ".")), name)
            connection = Connection(command["id"], topic, msgtype, cls)
            self.fit(connection, self.publishers(topic))
        except Exception as err:  # noqa: BLE001 - whatever a message package does must not end the recording of the others
            missing = isinstance(err, (ImportError, AttributeError))
            self.pipe.event(
                "refused",
                id=command["id"],
                topic=topic,
                type=msgtype,
                missing=missing,
                text=first_line(err),
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
                self.node.destroy_subscription(connection.retiring.pop(0)[1])
        return taken

    def describe(self) -> None:
        """Move on with the questions for message definitions."""
        if not self.descriptions:
            return
        if self.executor is None:
            self.type_node = self.rclpy.create_node(
                self.name + "_types", start_parameter_services=False, enable_rosout=False
            )
            self.executor = importlib.import_module("rclpy.executors").SingleThreadedExecutor()
            self.executor.add_node(self.type_node)
        for question in list(self.descriptions):
            command = question.command
            sources, text = None, ""
            try:
                if question.client is None:
                    service = importlib.import_module("type_description_interfaces.srv").GetTypeDescription
                    node = command["namespace"].rstrip("/") + "/" + command["node"]
                    question.client = self.type_node.create_client(service, node + "/get_type_description")
                if question.future is None and question.client.service_is_ready():
                    request = question.client.srv_type.Request()
                    request.type_name = command["type"]
                    request.type_hash = command["hash"] or ""
                    request.include_type_sources = True
                    question.future = question.client.call_async(request)
                self.executor.spin_once(timeout_sec=0)
                if question.future is not None and question.future.done():
                    answer = question.future.result()
                    text = answer.failure_reason
                    sources = [[s.type_name, s.encoding, s.raw_file_contents] for s in answer.type_sources]
            except Exception as err:  # noqa: BLE001 - an old ROS without the service, or a node that went away
                text = first_line(err)
            if sources is None and not text and time.monotonic() < question.deadline:
                continue
            self.descriptions.remove(question)
            if question.client is not None:
                self.type_node.destroy_client(question.client)
            self.pipe.event(
                "description",
                id=command["id"],
                type=command["type"],
                sources=sources or [],
                text=text or "the publisher's node did not answer",
            )

    def run(self, commands: queue.Queue[dict[str, Any]]) -> None:
        """Until told to stop."""
        next_scan = 0.0
        while True:
            while not commands.empty():
                command = commands.get()
                if command["do"] == "stop":
                    self.finish(command["drain_secs"])
                    return
                if command["do"] == "subscribe":
                    self.start(command)
                if command["do"] == "describe":
                    self.descriptions.append(Description(command))
            if time.monotonic() >= next_scan:
                self.scan()
                next_scan = time.monotonic() + SCAN_SECS
            self.say_alive()
            self.describe()
            if self.drain() < TURN_MESSAGES:
                time.sleep(POLL_SECS)

    def say_alive(self) -> None:
        """Let the recorder tell a silent graph from a worker that hangs."""
        if time.monotonic() >= self.next_alive:
            self.next_alive = time.monotonic() + ALIVE_SECS
            self.pipe.event("alive")

    def finish(self, drain_secs: float) -> None:
        """Send everything that was published until now.

        When a message of a reliable publisher was lost on the way, the middleware holds back those that came after it
        until it was sent again. They have arrived and cannot be taken, and nothing tells of them. So reliable publishers
        are waited for until they are heard with a later message (their messages come in order), are gone, or the time is
        over; what was published after the beginning is left out.
        """
        began = time.monotonic()
        while self.drain() and time.monotonic() < began + DRAIN_SECS:
            pass
        cutoff = time.time_ns()
        for connection in self.connections.values():
            connection.cutoff = cutoff
        waiting, next_look = list(self.connections.values()), 0.0
        while True:
            if time.monotonic() >= next_look:
                settled = [connection for connection in waiting if not self.awaited(connection)]
                waiting = [connection for connection in waiting if connection not in settled]
                self.drain()
                for connection in settled:
                    self.leave(connection)
                next_look = time.monotonic() + SCAN_SECS
            taken = self.drain()
            if not waiting or time.monotonic() >= began + drain_secs:
                break
            self.say_alive()
            self.describe()
            if not taken:
                time.sleep(POLL_SECS)
        unsettled = []
        for connection in waiting:
            heard = [connection.heard.get(number) for number in self.awaited(connection)]
            if any(h is not None and h.stalled(cutoff, time.time_ns()) for h in heard):
                unsettled.append(connection.number)
        for connection in self.connections.values():
            connection.flush(self.pipe)
        self.pipe.event("bye", unsettled=unsettled)

    def leave(self, connection: Connection) -> None:
        """Hear no more of a topic: what it would bring only stands in the way of what the others are waited for."""
        for subscription in [*connection.subscriptions.values(), *(s for _, s in connection.retiring)]:
            self.node.destroy_subscription(subscription)
        connection.subscriptions.clear()
        connection.retiring.clear()

    def awaited(self, connection: Connection) -> set[int]:
        """Numbers of the reliable publishers that may still have something from before the cutoff; 0 where unknown."""
        if connection.failed:
            return set()
        publishers = [p for p in self.publishers(connection.topic) if p["type"] == connection.msgtype]
        if len(publishers) == 1 and connection.later:
            return set()
        reliable = [
            connection.publishers.get(bytes.fromhex(p["gid"]), 0)
            for p in publishers
            if p["reliability"] == "reliable"
            and (True, p["durability"] == "transient_local") in connection.subscriptions
        ]
        return {number for number in reliable if not number or number not in connection.later}


def first_line(error: Exception) -> str:
    """An error in one line."""
    lines = str(error).strip().split("\n")
    return f"{type(error).__name__}: {lines[0]}"


def ignore(_: bytes) -> None:
    """A subscription must have a callback; nothing spins, so it is never called."""


def listen(commands: queue.Queue[dict[str, Any]]) -> NoReturn:
    """Read commands until the recorder closes the pipe; then leave at once."""
    for line in sys.stdin.buffer:
        commands.put(json.loads(line.decode()))
    os._exit(1)


def leave(status: int) -> None:
    """End the process even where the middleware's own threads would hold it."""
    threading.Timer(2.0, os._exit, [status]).start()


def main() -> int:
    """Run; returns the exit status, 3 where there is no usable rclpy."""
    pipe = Pipe(os.dup(1))
    os.dup2(2, 1)  # what the middleware prints must not mix with frames
    with contextlib.suppress(OSError):  # a smaller pipe works too
        fcntl.fcntl(pipe.fd, F_SETPIPE_SZ, PIPE_BYTES)
    try:
        import rclpy
    except Exception as err:  # noqa: BLE001 - an incomplete environment fails in many ways, and each means the same
        pipe.event("no_rclpy", text=first_line(err))
        return 3
    commands: queue.Queue[dict[str, Any]] = queue.Queue()
    try:
        try:
            options = importlib.import_module("rclpy.signals").SignalHandlerOptions.NO
            rclpy.init(args=[], signal_handler_options=options)
        except (ImportError, AttributeError, TypeError):
            rclpy.init(args=[])
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        worker = Worker(rclpy, pipe)
    except Exception as err:  # noqa: BLE001 - a broken middleware set-up; the text says which
        pipe.event("no_rclpy", text=first_line(err))
        return 3
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    if Path(sys.prefix, "share", "ament_index").is_dir():
        prefixes.append(sys.prefix)
    pipe.event(
        "hello",
        python=sys.version.split()[0],
        executable=sys.executable,
        distro=os.environ.get("ROS_DISTRO", ""),
        rmw=rclpy.get_rmw_implementation_identifier(),
        domain=os.environ.get("ROS_DOMAIN_ID", "0"),
        prefixes=prefixes,
    )
    threading.Thread(target=listen, args=(commands,), daemon=True).start()
    worker.run(commands)
    leave(0)
    worker.node.destroy_node()
    if worker.type_node is not None:
        worker.type_node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except BrokenPipeError:
        status = 1
    sys.stderr.flush()
    os._exit(status)
