"""ROS 1, spoken natively: no rospy, nothing but the standard library.

Threads: `MasterWatch` asks the master, `Dialer` connects to publishers, `Slave` answers other nodes; all of them post what they
have to say to the one that iterates `events`, which reads every publisher's socket.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.ros1_calls import Calls, Key
from rrbridge_bridge.live.ros1_identities import Identities
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
from rrbridge_bridge.live.ros1_reading import LinkReader, Lost
from rrbridge_bridge.live.ros1_rpc import Slave, host_and_port, own_address
from rrbridge_bridge.live.ros1_sequences import SequenceJudge
from rrbridge_bridge.live.ros1_where import PRIORITY, check_master, master_uri, signs
from rrbridge_bridge.live.ros1_wire import Frames
from rrbridge_bridge.live.source import Announced, Discovered, Ended, Event, Notice, Received, Severity, SourceOptions
from rrbridge_bridge.readers._names import long_type_name

__all__ = ["Ros1Session", "Ros1Source", "source"]


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
        self._posts: deque[_Post] = deque()
        self._reader = LinkReader()
        self._slave = Slave(address, host, master_uri, self._methods())
        self._watch = MasterWatch(master_uri, self.name, self._slave.uri, self._post, with_parameters=True)
        self._watch.want(Role(EVERY_NODE))
        self._dialer = Dialer(master_uri, self.name, self._post)
        self._calls = Calls(self._dialer)
        self._nodes: dict[str, frozenset[str]] = {}
        self._subscribed: set[str] = set()
        self._parameters: Parameters | None = None
        self._descriptions: Mapping[str, str] = {}
        """By topic: what the parameter server has, and hands over as if it were published there."""
        self._links: dict[Key, Link] = {}
        self._identities = Identities()
        self._publishers: dict[tuple[str, str, str], tuple[int, SequenceJudge]] = {}
        """By topic, node and its address; a number, and what is known of its messages' numbers."""
        self._is_running = False
        self._stop_asked = False
        self._is_closed = False
        self._left = threading.Lock()
        self._has_left = False
        if _is_deaf(master_uri, address):
            self._notices.append(Notice(Severity.INFO, _how_found(master_uri, address)))

    @property
    def silent_secs(self) -> float:
        """Since the master answered, or a publisher sent something."""
        return time.monotonic() - max(self._reader.heard, self._watch.heard)

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
                for lost in self._reader.turn():
                    yield from self._lost(lost)
                while self._posts:
                    yield from self._take(self._posts.popleft())
                while self._notices:
                    yield self._notices.pop()
                self._redial_due()
                if self._reader.is_due:
                    yield from self._batches()
            if not self._is_closed:
                self._reader.read_last()
                yield from self._batches()
        finally:
            self._leave()
        yield Ended("the ROS 1 session was ended before it had handed over everything" if self._is_closed else "")

    def stop(self) -> None:
        """Ask to read what has arrived, and to end."""
        self._stop_asked = True
        self._reader.wake()

    def close(self) -> None:
        """End now."""
        if not self._has_left:
            self._is_closed = True
            self._reader.wake()
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
        self._reader.close()
        while self._posts:
            if isinstance(post := self._posts.popleft(), Linked):
                post.socket.close()

    # What other threads say.

    def _post(self, post: _Post) -> None:
        if self._has_left:
            if isinstance(post, Linked):
                post.socket.close()
            return
        self._posts.append(post)
        self._reader.wake()

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
                        self._calls.dial(key)  # the node may have been started again
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
        one = Frames(
            np.frombuffer(payload, np.uint8),
            np.zeros(1, np.int64),
            np.array([len(payload)]),
            np.array([self._parameters.time_nanos]),
        )
        number, _ = self._publisher(topic, SERVER, "")
        yield Received(self._reader.batch_of(connection, one), np.ones(1, np.int64), np.full(1, number, np.int64))

    # Connections.

    def _dial_missing(self, topic: str) -> None:
        for node in self._nodes.get(topic, frozenset()):
            key = (topic, node)
            if key not in self._links and not self._calls.is_waiting(key):
                self._calls.dial(key)

    def _redial_due(self) -> None:
        for topic, node in self._calls.take_due():
            if self._is_listed(topic, node):
                self._calls.dial((topic, node))

    def _is_listed(self, topic: str, node: str) -> bool:
        return node in self._nodes.get(topic, frozenset())

    def _failed(self, failed: LinkFailed) -> Iterator[Event]:
        key = (failed.topic, failed.node)
        self._calls.answered(key)
        if key in self._links:
            return
        self._calls.again_later(key)
        if self._is_listed(*key) and self._calls.is_news(failed):
            yield Notice(Severity.WARNING, failed.text, "" if failed.is_of_node else failed.topic)

    def _linked(self, linked: Linked) -> Iterator[Event]:
        key = (linked.topic, linked.node)
        self._calls.answered(key)
        before = self._links.get(key)
        if before is not None:
            if before.uri == linked.uri:
                linked.socket.close()
                return
            self._reader.remove(before)
        self._calls.linked(key)
        connection, is_new = self._identities.of(linked.connection)
        if is_new:
            yield Announced(connection, connection.metadata.get("latching") == "1")
        link = self._links[key] = Link(linked, connection, *self._publisher(*key, linked.uri))
        self._reader.add(link)

    def _publisher(self, topic: str, node: str, uri: str) -> tuple[int, SequenceJudge]:
        return self._publishers.setdefault((topic, node, uri), (len(self._publishers) + 1, SequenceJudge()))

    def _lost(self, lost: Lost) -> Iterator[Event]:
        key = (lost.link.topic, lost.link.node)
        del self._links[key]
        self._calls.again_later(key)
        if lost.lie and self._calls.disbelieve(key):
            text = f"{key[1]} {lost.lie}: it is not believed, the connection was given up and is tried again later"
            yield Notice(Severity.WARNING, text, key[0])

    def _batches(self) -> Iterator[Event]:
        for link, received in self._reader.batches():
            self._calls.works((link.topic, link.node))
            yield received


def _is_deaf(master_uri: str, address: str) -> bool:
    """Whether the master cannot tell us anything: it is elsewhere, and we listen to this machine alone."""
    return is_loopback(address) and not is_loopback(host_and_port(master_uri)[0])


def _how_found(master_uri: str, address: str) -> str:
    return (
        f"without a ROS_IP or ROS_HOSTNAME of this machine {address} is listened at, and the master at {master_uri} is asked "
        "twice a second for new publishers; with ROS_IP set to this machine's address it tells them at once"
    )


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


source = Ros1Source()
