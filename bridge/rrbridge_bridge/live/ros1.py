"""ROS 1, spoken natively: no rospy, nothing but the standard library.

Threads: `MasterWatch` asks the master, `Dialer` connects to publishers, `Slave` answers other nodes; all of them post what they
have to say to the one that iterates `events`, which reads every publisher's socket.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.ros1_links import Dialer, Link, Linked, LinkFailed, is_loopback
from rrbridge_bridge.live.ros1_master import (
    EVERY_NODE,
    MasterBack,
    MasterGone,
    MasterWatch,
    NoParameters,
    Role,
    Told,
    TopicSeen,
)
from rrbridge_bridge.live.ros1_parameters import SERVER, Parameters, description_connection, description_payload
from rrbridge_bridge.live.ros1_rpc import CallError, Remote, Slave, host_and_port, own_address
from rrbridge_bridge.live.ros1_sequences import SequenceJudge
from rrbridge_bridge.live.ros1_wire import Frames
from rrbridge_bridge.live.source import (
    UNKNOWN,
    Announced,
    Discovered,
    Ended,
    Event,
    Notice,
    Received,
    Severity,
    SourceOptions,
)
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers._names import long_type_name

__all__ = ["PRIORITY", "Ros1Session", "Ros1Source", "check_master", "master_uri", "signs", "source"]

log = logging.getLogger(__name__)

PRIORITY = 60
DEFAULT_MASTER = "http://localhost:11311"
BATCH_SECS = 0.05
BATCH_BYTES = 4 << 20
"""Of one publisher: handed on before its time."""
IDLE_SECS = 0.25
PAUSE_SECS = 0.001
"""Where more than `MAX_TURNS` small reads fall into one batch, each next one waits so long for more to read at once."""
MAX_TURNS = 50
SMALL_TURN_BYTES = 32 << 10
LAST_READ_SECS = 0.5
REDIAL_SECS = (0.1, 0.3, 1.0, 2.0, 5.0, 10.0)
MAX_CONNECTIONS = 2**16 - 1
MAX_CALLERS = 64
"""Of one topic. `rostopic pub` in a loop is a new node every time; those beyond this many are kept as one, without caller id."""


@dataclass(frozen=True, slots=True)
class _PublishersTold:
    topic: str
    uris: frozenset[str]


@dataclass(frozen=True, slots=True)
class _DescriptionAsked:
    topic: str


@dataclass(frozen=True, slots=True)
class _ShutdownAsked:
    caller: str
    reason: str


_Post: TypeAlias = Told | Linked | LinkFailed | _PublishersTold | _DescriptionAsked | _ShutdownAsked
_Key: TypeAlias = tuple[str, str]
"""Topic and node."""


class _Identities:
    """Which connection of the recording a publisher's messages belong to: equal headers, one connection, as in a bag."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Connection] = {}
        self._callers: Counter[tuple[object, ...]] = Counter()

    def of(self, found: Connection) -> tuple[Connection, bool]:
        """The connection, and whether it is new. Raises RecorderError when there are too many."""
        anonymous = {name: value for name, value in found.metadata.items() if name != "callerid"}
        kind = (found.topic, found.msgtype, found.definition, *sorted(anonymous.items()))
        key = (*kind, found.metadata.get("callerid"))
        if key not in self._known and self._callers[kind] >= MAX_CALLERS:
            key = (*kind, None)
            found = replace(found, metadata=anonymous)
        if known := self._known.get(key):
            return known, False
        if len(self._known) > MAX_CONNECTIONS:
            raise RecorderError(f"more than {MAX_CONNECTIONS} connections cannot be recorded into one file")
        self._callers[kind] += 1
        made = self._known[key] = replace(found, id=len(self._known))
        return made, True


class Ros1Session:
    """A node that subscribes."""

    def __init__(self, master_uri: str, environment: Mapping[str, str]) -> None:
        """Raises RecorderError."""
        self.description = f"ros1, master {master_uri}"
        self._master_uri = master_uri
        self.name = f"/rrbridge_{os.getpid()}_{time.time_ns() // 1_000_000}"
        self._notices: list[Notice] = []
        try:
            address, host = own_address(environment)
        except RecorderError as err:  # what is wrong there is no reason not to record
            address = host = "127.0.0.1"
            self._notices.append(Notice(Severity.WARNING, str(err)))
        self._selector = selectors.DefaultSelector()
        self._posts: deque[_Post] = deque()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._slave = Slave(address, host, master_uri, self._methods())
        self._watch = MasterWatch(master_uri, self.name, self._slave.uri, self._post, with_parameters=True)
        self._watch.want(Role(EVERY_NODE))
        self._dialer = Dialer(master_uri, self.name, self._post)
        self._nodes: dict[str, frozenset[str]] = {}
        self._subscribed: set[str] = set()
        self._parameters: Parameters | None = None
        self._descriptions: Mapping[str, str] = {}
        """By topic: what the parameter server has, and hands over as if it were published there."""
        self._links: dict[_Key, Link] = {}
        self._dialing: set[_Key] = set()
        self._redial: dict[_Key, float] = {}
        self._tries: Counter[_Key] = Counter()
        self._told: defaultdict[str, set[str]] = defaultdict(set)
        """By node: troubles that a person knows of."""
        self._identities = _Identities()
        self._publishers: dict[tuple[str, str, str], tuple[int, SequenceJudge]] = {}
        """By topic, node and its address; a number, and what is known of its messages' numbers."""
        self._dirty: dict[Link, None] = {}
        """Links that have brought something since the last batch."""
        self._order = 0
        self._batch_due = 0.0
        self._turns = 0
        self._turn_bytes = 0
        self._heard = time.monotonic()
        self._is_running = False
        self._stop_asked = False
        self._is_closed = False
        self._left = threading.Lock()
        self._has_left = False
        if _is_deaf(master_uri, address):
            self._notices.append(Notice(Severity.INFO, _how_found(master_uri, address)))
        self._not_believed: set[_Key] = set()

    @property
    def silent_secs(self) -> float:
        """Since the master answered, or a publisher sent something."""
        return time.monotonic() - max(self._heard, self._watch.heard)

    def subscribe(self, topic: str, msgtype: str) -> None:  # noqa: ARG002 - publishers say which type they send
        """Record what all publishers of a topic send, of whichever type."""
        if topic in self._subscribed:
            return
        self._subscribed.add(topic)
        if topic in self._descriptions:
            self._posts.append(_DescriptionAsked(topic))
        self._watch.want(Role(topic))
        self._dial_missing(topic)

    def events(self) -> Generator[Event, None, None]:
        """Everything that is heard, until the session is stopped or asked to end by another node."""
        self._is_running = True
        self._watch.start()
        try:
            while not (self._stop_asked or self._is_closed):
                self._turn()
                while self._posts:
                    yield from self._take(self._posts.popleft())
                while self._notices:
                    yield self._notices.pop()
                self._redial_due()
                if self._dirty and time.monotonic() >= self._batch_due:
                    yield from self._batches()
            if not self._is_closed:
                self._read_last()
                yield from self._batches()
        finally:
            self._leave()
        yield Ended("the ROS 1 session was ended before it had handed over everything" if self._is_closed else "")

    def stop(self) -> None:
        """Ask to read what has arrived, and to end."""
        self._stop_asked = True
        self._wake()

    def close(self) -> None:
        """End now."""
        if not self._has_left:
            self._is_closed = True
            self._wake()
        if not self._is_running:
            self._leave()

    def _leave(self) -> None:
        """Unregister and close everything, once."""
        with self._left:
            if self._has_left:
                return
            self._dialer.close()
            self._watch.stop()
            self._slave.close()
            self._has_left = True
        for link in self._links.values():
            link.socket.close()
        while self._posts:
            if isinstance(post := self._posts.popleft(), Linked):
                post.socket.close()
        self._selector.close()
        self._woken.close()
        self._waker.close()

    # What other threads say.

    def _post(self, post: _Post) -> None:
        if self._has_left:
            if isinstance(post, Linked):
                post.socket.close()
            return
        self._posts.append(post)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake already, or has left
            self._waker.send(b"!")

    def _methods(self) -> Mapping[str, Any]:
        """What differs from a node that does nothing; http://wiki.ros.org/ROS/Slave_API."""

        def publisher_update(_: str, topic: str, uris: list[str]) -> int:
            self._post(_PublishersTold(str(topic), frozenset(map(str, uris))))
            return 0

        def shutdown(caller: str, reason: str = "") -> int:
            self._post(_ShutdownAsked(str(caller), str(reason)))
            return 0

        return {
            "getBusInfo": lambda _: self._bus_info(),
            "getSubscriptions": lambda _: [[topic, "*"] for topic in sorted(self._subscribed)],
            "publisherUpdate": publisher_update,
            "shutdown": shutdown,
        }

    def _bus_info(self) -> list[list[Any]]:
        return [[link.number, link.uri, "i", "TCPROS", link.topic, True] for link in list(self._links.values())]

    def _take(self, post: _Post) -> Iterator[Event]:
        match post:
            case TopicSeen(topic, msgtype, nodes):
                self._nodes[topic] = nodes
                if nodes:
                    yield Discovered(topic, (long_type_name(msgtype),), nodes, tuple(sorted(nodes)))
                if topic in self._subscribed:
                    self._dial_missing(topic)
            case Linked():
                yield from self._linked(post)
            case LinkFailed():
                yield from self._failed(post)
            case _PublishersTold(topic, uris):
                self._watch.poke()
                for key, link in self._links.items():
                    if key[0] == topic and link.uri not in uris:
                        self._dial(key)  # the node may have been started again
            case MasterGone(reason):
                text = (
                    f"the ROS master at {self._master_uri} does not answer ({reason}): what is connected is recorded on, "
                    "new publishers are not found until it is back"
                )
                yield Notice(Severity.WARNING, text)
            case MasterBack(is_new):
                text = "was started again, and we have registered again" if is_new else "answers again"
                yield Notice(Severity.INFO, f"the ROS master at {self._master_uri} {text}")
            case Parameters():
                yield from self._parameters_told(post)
            case NoParameters(reason):
                yield Notice(Severity.WARNING, f"the parameters are not recorded: {reason}")
            case _DescriptionAsked(topic):
                yield from self._described(topic)
            case _ShutdownAsked(caller, reason):
                yield Notice(Severity.WARNING, f"{caller} asks to end{': ' + reason if reason else ''}")
                self._stop_asked = True

    def _parameters_told(self, parameters: Parameters) -> Iterator[Event]:
        self._parameters = parameters
        self._descriptions = parameters.descriptions()
        yield parameters.document()
        if parameters.is_simulated:
            text = "time is simulated here (/use_sim_time): messages are stamped by this machine's clock, sim_time is beside it"
            yield Notice(Severity.INFO, text)
        for topic in self._descriptions:
            yield Discovered(topic, ("std_msgs/msg/String",), frozenset({SERVER}), (SERVER,))

    def _described(self, topic: str) -> Iterator[Event]:
        assert self._parameters is not None
        connection, is_new = self._identities.of(description_connection(topic))
        if is_new:
            yield Announced(connection, latched=True)
        payload = description_payload(self._descriptions[topic])
        batch = RawBatch.of(connection, [payload], [self._parameters.time_nanos], order=[self._order])
        self._order += 1
        number, _ = self._publishers.setdefault((topic, SERVER, ""), (len(self._publishers) + 1, SequenceJudge()))
        yield Received(batch, np.ones(1, np.int64), np.full(1, number, np.int64))

    # Connections.

    def _dial_missing(self, topic: str) -> None:
        for node in self._nodes.get(topic, frozenset()):
            key = (topic, node)
            if key not in self._links and key not in self._redial:
                self._dial(key)

    def _dial(self, key: _Key) -> None:
        if key not in self._dialing:
            self._dialing.add(key)
            self._dialer.dial(*key)

    def _redial_due(self) -> None:
        if self._redial:
            now = time.monotonic()
            for key in [key for key, due in self._redial.items() if due <= now]:
                del self._redial[key]
                if key[1] in self._nodes.get(key[0], frozenset()):
                    self._dial(key)

    def _again_later(self, key: _Key) -> None:
        self._redial[key] = time.monotonic() + REDIAL_SECS[min(self._tries[key], len(REDIAL_SECS) - 1)]
        self._tries[key] += 1

    def _failed(self, failed: LinkFailed) -> Iterator[Event]:
        key = (failed.topic, failed.node)
        self._dialing.discard(key)
        if key in self._links:
            return
        self._again_later(key)
        is_listed = failed.node in self._nodes.get(failed.topic, frozenset())
        if is_listed and self._tries[key] > 1 and failed.text not in self._told[failed.node]:
            self._told[failed.node].add(failed.text)
            yield Notice(Severity.WARNING, failed.text, "" if failed.is_of_node else failed.topic)

    def _linked(self, linked: Linked) -> Iterator[Event]:
        key = (linked.topic, linked.node)
        self._dialing.discard(key)
        before = self._links.get(key)
        if before is not None:
            if before.uri == linked.uri:
                linked.socket.close()
                return
            self._lose(before)
        self._redial.pop(key, None)
        connection, is_new = self._identities.of(linked.connection)
        if is_new:
            yield Announced(connection, connection.metadata.get("latching") == "1")
        number, _ = self._publishers.setdefault((*key, linked.uri), (len(self._publishers) + 1, SequenceJudge()))
        link = self._links[key] = Link(linked, connection, number)
        self._selector.register(link.socket, selectors.EVENT_READ, link)

    def _lose(self, link: Link) -> None:
        """A connection is over; what it has brought is still handed on."""
        del self._links[link.topic, link.node]
        self._selector.unregister(link.socket)
        link.socket.close()
        self._again_later((link.topic, link.node))

    # Reading.

    def _turn(self) -> None:
        """Wait for something to happen, and read once from every socket that has something."""
        now = time.monotonic()
        if self._turns > MAX_TURNS and self._turn_bytes < SMALL_TURN_BYTES:
            time.sleep(PAUSE_SECS)
        wait_secs = max(self._batch_due - now, 0.0) if self._dirty else IDLE_SECS
        self._turn_bytes = 0
        for key, _ in self._selector.select(wait_secs):
            if key.data is None:
                self._woken.recv(4096)
                continue
            link: Link = key.data
            if self._links.get((link.topic, link.node)) is link:
                self._turn_bytes += self._read(link)
        self._turns += 1

    def _read(self, link: Link) -> int:
        """Read what there is, up to some bytes; how many. A connection that has ended is let go of."""
        try:
            count = link.socket.recv_into(link.frames.space())
            nanos = time.time_ns()
            if not count:
                raise ConnectionError("the publisher has ended the connection")
            self._has_brought(link)
            link.frames.arrived(count, nanos)
        except BlockingIOError:
            return 0
        except (OSError, ValueError) as err:
            log.info("%s from %s: %s", link.topic, link.node, err)
            self._lose(link)
            if isinstance(err, ValueError):
                self._disbelieve((link.topic, link.node), str(err))
            return 0
        if link.frames.whole_bytes > BATCH_BYTES:
            self._batch_due = 0.0
        return count

    def _has_brought(self, link: Link) -> None:
        if not self._dirty:
            self._batch_due = time.monotonic() + BATCH_SECS
            self._turns = 0
        self._dirty[link] = None

    def _disbelieve(self, key: _Key, why: str) -> None:
        topic, node = key
        self._redial[key] = time.monotonic() + REDIAL_SECS[-1]
        if key not in self._not_believed:
            self._not_believed.add(key)
            text = f"{node} {why}: it is not believed, the connection was given up and is tried again later"
            self._notices.append(Notice(Severity.WARNING, text, topic))

    def _read_last(self) -> None:
        """Read every socket empty, and the rest of messages that have begun, within some time."""
        until = time.monotonic() + LAST_READ_SECS
        for link in list(self._links.values()):
            while time.monotonic() < until and self._read(link):
                continue
        while (left := until - time.monotonic()) > 0:
            late = [link for link in self._links.values() if link.frames.has_part]
            if not late:
                return
            with selectors.DefaultSelector() as unfinished:  # the others must not wake us again and again
                for link in late:
                    unfinished.register(link.socket, selectors.EVENT_READ, link)
                for key, _ in unfinished.select(left):
                    self._read(key.data)

    def _batches(self) -> Iterator[Event]:
        dirty, self._dirty = self._dirty, {}
        for link in dirty:
            for frames in link.frames.take():
                yield self._received(link, frames)

    def _received(self, link: Link, frames: Frames) -> Received:
        count = len(frames.sizes)
        self._heard = time.monotonic()
        if self._tries.pop((link.topic, link.node), 0):
            self._told.pop(link.node, None)
        order = np.arange(self._order, self._order + count, dtype=np.int64)
        self._order += count
        batch = RawBatch(
            link.connection,
            frames.buffer,
            frames.starts,
            frames.sizes,
            frames.arrival_nanos,
            frames.arrival_nanos,
            np.zeros(count, np.uint32),
            order,
        )
        if link.has_numbers:
            sequences = self._publishers[link.topic, link.node, link.uri][1].judge(frames)
        else:
            sequences = np.full(count, UNKNOWN, np.int64)
        return Received(batch, sequences, np.full(count, link.number, np.int64))


def _is_deaf(master_uri: str, address: str) -> bool:
    """Whether the master cannot tell us anything: it is elsewhere, and we listen to this machine alone."""
    return is_loopback(address) and not is_loopback(host_and_port(master_uri)[0])


def _how_found(master_uri: str, address: str) -> str:
    return (
        f"without a ROS_IP or ROS_HOSTNAME of this machine {address} is listened at, and the master at {master_uri} is asked "
        "twice a second for new publishers; with ROS_IP set to this machine's address it tells them at once"
    )


def signs(environment: Mapping[str, str]) -> str:
    """ROS_MASTER_URI, unless a ROS 2 was sourced: many a `.bashrc` still sets it."""
    if environment.get("ROS_MASTER_URI") and environment.get("ROS_VERSION", "1") == "1":
        return "ROS_MASTER_URI is set"
    return ""


@dataclass(frozen=True, slots=True)
class Ros1Source:
    """ROS 1 by its own protocol."""

    name: str = "ros1"
    priority: int = PRIORITY

    def signs(self, environment: Mapping[str, str]) -> str:
        """Of the protocol."""
        return signs(environment)

    def start(self, options: SourceOptions) -> Ros1Session:
        """Find the master. Raises RecorderError."""
        uri = master_uri(options.address, os.environ)
        check_master(uri)
        return Ros1Session(uri, os.environ)


def master_uri(address: str, environment: Mapping[str, str]) -> str:
    """Where the master is meant to be. Raises RecorderError."""
    uri = address or environment.get("ROS_MASTER_URI") or DEFAULT_MASTER
    if "://" not in uri:
        uri = f"http://{uri}"
    if uri.count(":") < 2:
        uri = f"{uri.rstrip('/')}:11311"
    try:
        host_and_port(uri)
    except CallError as err:
        raise RecorderError(f"no ROS master: {err}") from err
    return uri.rstrip("/")


def check_master(uri: str) -> None:
    """Raises RecorderError if no master answers."""
    try:
        with Remote(uri) as master:
            master.call("getPid", "/rrbridge")
    except CallError as err:
        host, _ = host_and_port(uri)
        if isinstance(err.cause, socket.gaierror):
            text = f"the name {host!r} of the ROS master cannot be resolved; set ROS_MASTER_URI to its address"
        else:
            text = f"no ROS master answers at {uri} ({err}): start roscore there, or set ROS_MASTER_URI"
        raise RecorderError(text) from err


source = Ros1Source()
