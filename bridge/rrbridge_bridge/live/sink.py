"""What every live sink offers: it takes raw messages and publishes them to a running graph, as `rrbridge play` needs it.

A sink is an object named by an entry point of the group `rrbridge.live_sinks`. `open` gives a `SinkSession`; its methods are
all called from one thread, and when a message is due is the player's business: `publish` sends at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.source import Notice
from rrbridge_bridge.raw import Connection

__all__ = ["LiveSink", "PlayState", "SinkOptions", "SinkSession", "SteeredSession", "Wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """How to reach the middleware, and as whom."""

    address: str = ""
    """What follows the name in `--to NAME:ADDRESS`; empty: what the environment says, or the middleware's own default."""
    ros_python: str | None = None
    """The Python to run a ROS client library under; None: the one of the sourced environment."""
    node_name: str = "rrbridge_play"
    """What the graph is told who publishes; a sink adds what makes it unique where names must be."""
    qos_overrides: Mapping[str, QosProfile] = field(default_factory=dict)
    """Quality of service to offer, by topic; it goes before what a recording says. Sinks without such a thing leave it alone."""


class SinkSession(Protocol):
    """A sink that is connected. Methods raise RecorderError once the connection is lost for good."""

    description: str
    """What it is connected to, for people: `rclpy, rmw_fastrtps_cpp, domain 0`."""
    encodings: frozenset[str]
    """The encodings of messages that it can publish, `cdr`, `ros1` …; empty: any."""

    def advertise(self, connection: Connection, latched: bool, keep: int = 1) -> str:
        """Get ready to publish a connection; empty, or why it cannot be played.

        The connection's id is new to the session, its encoding one of `encodings`; two connections may share a topic. A latched
        one gives its last `keep` messages to whoever listens later (`/tf_static` of five broadcasters is five messages).
        Publishers' quality of service as recorded stands in its metadata (`offered_qos_profiles`).
        """

    def publish(self, connection_id: int, payload: memoryview, log_time_nanos: int, publish_time_nanos: int) -> None:
        """Send a message, its bytes as they are; of `cdr` with the encapsulation header.

        The payload is valid until this returns. May wait while the peer is slow, never for listeners. The times are those
        of the recording.
        """

    def clock(self, nanos: int) -> None:
        """Tell the graph's simulated time: `/clock`, or what the protocol has for it."""

    def subscribers(self, connection_id: int) -> int | None:
        """How many listen now; None if it cannot be known. Quick."""

    def seeked(self) -> None:
        """The recording's time has jumped: what was sent before no longer holds."""

    def notices(self) -> Sequence[Notice]:
        """What has happened since this was last asked and the person who plays should know: messages that a slow client lost …"""

    def close(self) -> None:
        """Hand over what was published and leave the graph, within two seconds. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a listener asks of the player; None: to leave it as it is."""

    is_paused: bool | None = None
    rate: float | None = None
    position_nanos: int | None = None
    """A time of the recording, within what was offered."""


@dataclass(frozen=True, slots=True)
class PlayState:
    """How the player stands."""

    position_nanos: int
    rate: float
    is_paused: bool
    has_jumped: bool = False
    """Whether it has just gone to this place."""
    has_ended: bool = False


@runtime_checkable
class SteeredSession(Protocol):
    """What a session has besides if its listeners may pause, change the rate and jump."""

    def offer(self, start_nanos: int, end_nanos: int) -> None:
        """From when to when listeners may jump."""

    def wishes(self) -> Sequence[Wish]:
        """What listeners have asked for since this was last asked. Quick: it is asked fifty times a second."""

    def tell(self, state: PlayState) -> None:
        """How it stands: fifty times a second, and straight after `seeked`. Quick while nothing has changed."""


class LiveSink(Protocol):
    """One kind of middleware."""

    name: str
    priority: int
    """Without `--to`, the first with signs is taken, the highest first; the number is the same as that of its source."""

    def signs(self, environment: Mapping[str, str]) -> str:
        """What speaks for this sink being the one meant: `ROS_MASTER_URI is set`; empty if nothing does.

        Takes less than 0.2 s, starts no process and never raises.
        """

    def open(self, options: SinkOptions) -> SinkSession:
        """Connect. Raises RecorderError with a sentence that says what to do."""
