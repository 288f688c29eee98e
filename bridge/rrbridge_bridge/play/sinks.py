"""Which live sink to play to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rrbridge import plugins
from rrbridge_bridge.live.choose import pick
from rrbridge_bridge.live.sink import LiveSink

__all__ = ["Destination", "choose", "installed"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A sink and where to reach it."""

    sink: LiveSink
    address: str
    reason: str
    """Why it was taken; empty when it was named."""


def installed() -> dict[str, LiveSink]:
    """By name, ours first."""
    return {plugin.name: plugin.value for plugin in plugins.load("rrbridge.live_sinks")}


def choose(asked: str | None, sinks: Mapping[str, LiveSink], environment: Mapping[str, str]) -> Destination:
    """What `--to NAME[:ADDRESS]` means; without it the sink that the environment speaks for. Raises RecorderError."""
    return Destination(*pick(asked, sinks, environment, what="sink", purpose="play to", option="--to"))
