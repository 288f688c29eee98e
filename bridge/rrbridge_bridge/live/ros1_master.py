"""What the ROS 1 master knows, watched by asking it: topics, their types and publishers; our registrations, renewed if lost.

A master that was restarted has forgotten its nodes, and other nodes do not notice. We do: whoever finds itself missing from what
the master lists registers again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from rrbridge_bridge.live.ros1_parameters import Parameters
from rrbridge_bridge.live.ros1_rpc import CallError, Remote

__all__ = ["EVERY_NODE", "MasterBack", "MasterGone", "MasterWatch", "NoParameters", "Role", "Told", "TopicSeen"]

log = logging.getLogger(__name__)

POLL_SECS = 0.5
HURRY_SECS = 0.05
"""Between polls while nodes start: who has just come up will soon tell of more topics."""
HURRIED_SECS = 1.0
"""So long after the last change."""
EVERY_NODE = "/rosout"
"""Every node publishes this before anything else, so its subscribers are told by the master of each node that starts."""
LAST_CALL_SECS = 0.5
"""For each call that unregisters; the master may have hung."""
NO_TYPE = "*"


Nodes: TypeAlias = dict[str, frozenset[str]]
"""Names by topic."""


@dataclass(frozen=True, slots=True, order=True)
class Role:
    """What we are to a topic: a subscriber, or a publisher."""

    topic: str
    msgtype: str = NO_TYPE
    publishes: bool = False

    @property
    def kind(self) -> str:
        """As the master's calls have it."""
        return "Publisher" if self.publishes else "Subscriber"


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

    def __init__(
        self,
        master_uri: str,
        name: str,
        slave_uri: str,
        tell: Callable[[Told], None],
        *,
        with_parameters: bool = False,
    ) -> None:
        self._with_parameters = with_parameters
        self._master_uri = master_uri
        self._name = name
        self._slave_uri = slave_uri
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted: set[Role] = set()
        self._registered: set[Role] = set()
        self._types: dict[str, str] = {}
        self._known: Nodes = {}
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

    def want(self, role: Role) -> None:
        """Be a subscriber or publisher of a topic from now on. From any thread."""
        with self._lock:
            self._wanted.add(role)
        self._poke.set()

    def poke(self) -> None:
        """Something has changed, ask now. From any thread."""
        self._poke.set()

    def stop(self) -> None:
        """End, and leave no registration behind. Takes a second or so at most where the master hangs. Safe to call twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._poke.set()
        self._thread.join(LAST_CALL_SECS)
        try:
            with Remote(self._master_uri, LAST_CALL_SECS) as master:
                for role in sorted(self._registered):
                    master.call(f"unregister{role.kind}", self._name, role.topic, self._slave_uri)
        except CallError:
            pass  # a master that is gone has nothing to forget

    def _run(self) -> None:
        with Remote(self._master_uri) as master:
            if self._with_parameters:
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
        publishers, subscribers = _state(master.call("getSystemState", self._name))
        self.heard = time.monotonic()
        has_forgotten = self._look_for_ourselves(publishers, subscribers)
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

    def _look_for_ourselves(self, publishers: Nodes, subscribers: Nodes) -> bool:
        """Whether the master has forgotten something of us."""
        lost = {
            role
            for role in self._registered
            if self._name not in (publishers if role.publishes else subscribers).get(role.topic, frozenset())
        }
        self._registered -= lost
        return bool(lost)

    def _register(self, master: Remote) -> None:
        with self._lock:
            missing = self._wanted - self._registered
        for role in sorted(missing):
            if self._stop.is_set():
                return
            master.call(f"register{role.kind}", self._name, role.topic, role.msgtype, self._slave_uri)
            self._registered.add(role)


def _state(value: Any) -> tuple[Nodes, Nodes]:
    """Nodes by topic: publishers and subscribers. Raises CallError."""
    try:
        publishers, subscribers, _ = value
        return _nodes(publishers), _nodes(subscribers)
    except (TypeError, ValueError) as err:
        raise CallError("it does not answer as ROS 1 masters do") from err


def _nodes(topics: Any) -> Nodes:
    return {str(topic): frozenset(map(str, nodes)) for topic, nodes in topics if nodes}


def _types(value: Any) -> dict[str, str]:
    try:
        return {str(topic): str(msgtype) for topic, msgtype in value}
    except (TypeError, ValueError) as err:
        raise CallError("it does not answer as ROS 1 masters do") from err
