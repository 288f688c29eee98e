"""What every live source offers: it tells of topics, is asked to record some, and hands over raw messages in batches.

A source is an object named by an entry point of the group `rrbridge.live`. `start` gives a `LiveSession`; the recorder
iterates its events in a thread of its own and calls `subscribe` for the topics that are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = [
    "DRAIN_SECS",
    "ROS_PYTHON_VARIABLE",
    "Announced",
    "Discovered",
    "Document",
    "Dropped",
    "Ended",
    "Event",
    "LiveSession",
    "LiveSource",
    "Notice",
    "Received",
    "Refused",
    "Severity",
    "SourceOptions",
    "refuse_address",
]

UNKNOWN = -1
"""Stands for a sequence number or publisher that the middleware does not tell."""
DRAIN_SECS = 3.5
"""One heartbeat of a reliable writer (3 s with Fast DDS), by which it learns what it has to send again, and a little more."""

ROS_PYTHON_VARIABLE = "RRBRIDGE_ROS_PYTHON"
"""Names the Python that has the ROS client library, as `--ros-python` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """How to reach the middleware."""

    address: str = ""
    """Where it is, in the source's own form: what follows its name in `--from NAME:ADDRESS`; empty: where it usually is."""
    ros_python: str | None = None
    """The Python to run a ROS client library under; None: the one of the sourced environment."""
    drain_secs: float = DRAIN_SECS
    """How long `LiveSession.stop` waits at most for messages that reliable publishers have to send again."""
    qos_overrides: Mapping[str, QosProfile] = field(default_factory=dict)
    """Quality of service asked for, by topic; what it leaves out is fitted to the publishers. Sources without such a thing
    leave it alone."""
    parameters: bool = False
    """Whether to ask every node for its parameters; the answers come as `Document`s."""


def refuse_address(name: str, address: str) -> None:
    """For middlewares that find each other by themselves. Raises RecorderError when somebody names a place all the same."""
    if address:
        raise RecorderError(
            f"{name} takes no address ({address!r}): ROS_DOMAIN_ID and the middleware's own settings say where"
        )


class Severity(Enum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Discovered:
    """A topic has publishers, or its publishers changed."""

    topic: str
    msgtypes: tuple[str, ...]
    publishers: frozenset[str]
    """Names of the publishing endpoints; a publisher that comes back is a new one."""
    nodes: tuple[str, ...] = ()
    """Names of the publishing nodes, where the middleware tells them."""
    qos: str = ""
    """What the publishers offer, for people: `reliable, transient local`; empty where there is no such thing."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A connection will bring messages; said again with the same id when more becomes known of it."""

    connection: Connection
    latched: bool
    """Whether a late listener is given what was sent before: such a message may never come again."""


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """Messages of one announced connection."""

    batch: RawBatch
    sequences: npt.NDArray[np.int64]
    """The publisher's own message counter, `UNKNOWN` where it is not told. Shape (N,)."""
    publishers: npt.NDArray[np.int64]
    """Which publisher each message is from, numbered within the connection, or `UNKNOWN`. Shape (N,)."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Messages of an announced connection arrived, and the source had to give them up: nobody took them in time."""

    connection: Connection
    count: int
    nbytes: int
    publisher: int = UNKNOWN
    """Which publisher all are from, as in `Received`."""
    sequences: tuple[int, int] = (UNKNOWN, UNKNOWN)
    """The lowest and the highest of the publisher's numbers."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the person who records should know."""

    severity: Severity
    text: str
    topic: str = ""
    about: str = ""
    """What goes on, if it is told again with a higher count: with the topic, the key of what such a notice replaces."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A topic that was asked for is not heard, or not any more, in this type."""

    topic: str
    msgtype: str
    reason: str
    """With what to do about it."""

    def notice(self, done: str) -> Notice:
        """The same for a person; `done` is what was wanted, `recorded`."""
        return Notice(Severity.WARNING, f"not {done}: {self.reason}", self.topic)


@dataclass(frozen=True, slots=True)
class Document:
    """A text that belongs into the recording; a later one of the same entity replaces what stood there from its time on."""

    entity: str
    """Such as `/__parameters/camera/driver`: what the node `/camera/driver` was set to, as `ros2 param dump` writes it."""
    media_type: str
    text: str
    time_nanos: int
    """When it was true, by the wall clock."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event. `error` is empty when the session was asked to stop and has handed over everything."""

    error: str = ""


Event: TypeAlias = Discovered | Announced | Refused | Received | Dropped | Notice | Document | Ended


class LiveSession(Protocol):
    """A source that is connected."""

    description: str
    """What it is connected to, for people: `rclpy, rmw_fastrtps_cpp, domain 0`."""

    @property
    def silent_secs(self) -> float:
        """How long there was no sign of life of the source itself, whatever its topics do."""

    def events(self) -> Iterator[Event]:
        """Everything that happens; waits for it. The last one is `Ended`."""

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Ask for a topic, from the thread that iterates `events`.

        Answered by `Announced`, or by `Refused`.
        """

    def stop(self) -> None:
        """Ask to hand over what was published until now and to end.

        Returns at once; `events` ends soon after, in good order not later than `SourceOptions.drain_secs`.
        """

    def close(self) -> None:
        """End now, whatever is lost by it. Safe to call twice."""


class LiveSource(Protocol):
    """One kind of middleware."""

    @property
    def name(self) -> str:
        """What it is called in `--from`."""

    @property
    def priority(self) -> int:
        """Of several sources with signs, the one of the highest priority is meant: 50 for what any set-up brings along, more
        for what somebody has to ask for."""

    def signs(self, environment: Mapping[str, str]) -> str:
        """What speaks for this source being the one meant: `ROS_MASTER_URI is set`. Empty if nothing does.

        Must be quick (below 0.2 s, no process is started) and must not raise.
        """

    def start(self, options: SourceOptions) -> LiveSession:
        """Connect. Raises RecorderError with a sentence that says what to do."""
