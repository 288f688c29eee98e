"""Which live sink to play to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rrbridge import plugins
from rrbridge.errors import RecorderError
from rrbridge_bridge.live.choose import SCHEMES
from rrbridge_bridge.live.sink import LiveSink

__all__ = ["Destination", "choose", "installed"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A sink and where to reach it."""

    sink: LiveSink
    address: str
    reason: str
    """Why it was taken; empty if it was asked for."""


def installed() -> dict[str, LiveSink]:
    """By name, ours first."""
    return {plugin.name: plugin.value for plugin in plugins.load("rrbridge.live_sinks")}


def choose(asked: str | None, sinks: Mapping[str, LiveSink], environment: Mapping[str, str]) -> Destination:
    """What `NAME[:ADDRESS]` means; without it the sink that the environment speaks for. Raises RecorderError."""
    if asked:
        name, _, address = asked.partition(":")
        if name in SCHEMES and address.startswith("//"):
            name, address = SCHEMES[name], asked
        if name not in sinks:
            raise RecorderError(f"--to {asked}: there is no {name!r} to play to; there are {_names(sinks)}")
        return Destination(sinks[name], address, "")
    for sink in sorted(sinks.values(), key=lambda sink: -sink.priority):
        if reason := sink.signs(environment):
            return Destination(sink, "", reason)
    raise RecorderError(
        f"nothing says which graph to play to: source ROS's set-up, or name it with --to; there are {_names(sinks)}"
    )


def _names(sinks: Iterable[str]) -> str:
    return ", ".join(sorted(sinks)) or "none"
