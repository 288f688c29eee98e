"""What the ROS 1 master knows, watched by asking it: topics, their types and publishers; our subscriptions, renewed if lost.

A master that was restarted has forgotten its nodes, and nodes do not notice. Who records does: it finds itself missing from the
list of subscribers, and registers again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rrbridge_bridge.live.ros1_parameters import Parameters
from rrbridge_bridge.live.ros1_rpc import CallError, Remote

__all__ = ["MasterBack", "MasterGone", "MasterWatch", "NoParameters", "Told", "TopicSeen"]

log = logging.getLogger(__name__)

POLL_SECS = 0.5
HURRY_SECS = 0.1
"""Between polls while nodes start: who has just come up will soon tell of more topics."""
HURRIED_SECS = 1.0
"""So long after the last change."""
EVERY_NODE = "/rosout"
"""Every node publishes this before anything else, so its subscribers are told by the master of each node that starts."""
LAST_CALL_SECS = 0.5
"""For each call that unregisters; the master may have hung."""
NO_TYPE = "*"


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """A topic's publishers have changed; there may be none left."""

    topic: str
    msgtype: str
    """As ROS 1 writes it; `*` if the master does not know it."""
    nodes: frozenset[str]


@dataclass(frozen=True, slots=True)
class MasterGone:
    """The master does not answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class MasterBack:
    """The master answers again. `is_new` if it has forgotten what it knew."""

    is_new: bool


@dataclass(frozen=True, slots=True)
class NoParameters:
    """The parameters cannot be had."""

    reason: str


Told: TypeAlias = TopicSeen | MasterGone | MasterBack | Parameters | NoParameters


class MasterWatch:
    """A thread that asks the master, and tells what has changed."""

    def __init__(self, master_uri: str, name: str, slave_uri: str, tell: Callable[[Told], None]) -> None:
        self._master_uri = master_uri
        self._name = name
        self._slave_uri = slave_uri
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted = {EVERY_NODE}
        self._registered: set[str] = set()
        self._types: dict[str, str] = {}
        self._known: dict[str, frozenset[str]] = {}
        self._is_gone = False
        self._hurry_until = 0.0
        self._poke = threading.Event()
        self._stop = threading.Event()
        self.heard = time.monotonic()
        """When the master last answered."""
        self._thread = threading.Thread(target=self._run, name="ros1-master", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def want(self, topic: str) -> None:
        """Be a subscriber of the topic from now on. From any thread."""
        with self._lock:
            self._wanted.add(topic)
        self._poke.set()

    def poke(self) -> None:
        """Something has changed, ask now. From any thread."""
        self._poke.set()

    def stop(self) -> None:
        """End, and leave no subscription behind. Takes a second or so at most where the master hangs. Safe to call twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._poke.set()
        self._thread.join(LAST_CALL_SECS)
        try:
            with Remote(self._master_uri, LAST_CALL_SECS) as master:
                for topic in sorted(self._registered):
                    master.call("unregisterSubscriber", self._name, topic, self._slave_uri)
        except CallError:
            pass  # a master that is gone has nothing to forget

    def _run(self) -> None:
        with Remote(self._master_uri) as master:
            self._tell(self._parameters(master))
            while not self._stop.is_set():
                if self._poke.is_set():
                    self._poke.clear()
                    self._hurry()
                try:
                    self._ask(master)
                except CallError as err:
                    self._gone(str(err))
                except Exception as err:  # who records must hear of it, and what is connected goes on
                    log.exception("the master could not be asked")
                    self._gone(f"unexpected {type(err).__name__}: {err}")
                if time.monotonic() < self._hurry_until:
                    self._stop.wait(HURRY_SECS)
                else:
                    self._poke.wait(POLL_SECS)

    def _parameters(self, master: Remote) -> Parameters | NoParameters:
        try:
            return Parameters.of(master.call("getParam", self._name, "/"), time.time_ns())
        except (CallError, ValueError) as err:
            return NoParameters(str(err))

    def _hurry(self) -> None:
        self._hurry_until = time.monotonic() + HURRIED_SECS

    def _gone(self, reason: str) -> None:
        if not self._is_gone:
            self._is_gone = True
            self._tell(MasterGone(reason))

    def _ask(self, master: Remote) -> None:
        state = _state(master.call("getSystemState", self._name))
        self.heard = time.monotonic()
        publishers, subscribers = state
        has_forgotten = self._look_for_ourselves(subscribers)
        if self._is_gone or has_forgotten:
            self._is_gone = False
            self._tell(MasterBack(is_new=has_forgotten))
        self._register(master)
        changed = {t for t in publishers.keys() | self._known.keys() if publishers.get(t) != self._known.get(t)}
        if changed:
            self._hurry()
            self._types.update(_types(master.call("getTopicTypes", self._name)))
        for topic in sorted(changed):
            self._tell(TopicSeen(topic, self._types.get(topic, NO_TYPE), publishers.get(topic, frozenset())))
        self._known = publishers

    def _look_for_ourselves(self, subscribers: Mapping[str, frozenset[str]]) -> bool:
        lost = {topic for topic in self._registered if self._name not in subscribers.get(topic, frozenset())}
        self._registered -= lost
        return bool(lost)

    def _register(self, master: Remote) -> None:
        with self._lock:
            missing = self._wanted - self._registered
        for topic in sorted(missing):
            if self._stop.is_set():
                return
            master.call("registerSubscriber", self._name, topic, NO_TYPE, self._slave_uri)
            self._registered.add(topic)


def _state(value: Any) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Nodes by topic: publishers and subscribers. Raises CallError."""
    try:
        publishers, subscribers, _ = value
        return _nodes(publishers), _nodes(subscribers)
    except (TypeError, ValueError) as err:
        raise CallError("it does not answer as ROS 1 masters do") from err


def _nodes(topics: Any) -> dict[str, frozenset[str]]:
    return {str(topic): frozenset(map(str, nodes)) for topic, nodes in topics if nodes}


def _types(value: Any) -> dict[str, str]:
    try:
        return {str(topic): str(msgtype) for topic, msgtype in value}
    except (TypeError, ValueError) as err:
        raise CallError("it does not answer as ROS 1 masters do") from err
