"""Which live source or sink is meant: the one that was named, or the one that the environment speaks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rrbridge import plugins
from rrbridge.errors import RecorderError
from rrbridge_bridge.live.source import LiveSource

__all__ = ["Choice", "choose", "live_sources", "pick"]

SCHEMES = {"ws": "foxglove", "wss": "foxglove", "http": "ros1", "https": "ros1"}
"""What an address without a name is for."""
_ADDRESS = re.compile(r"(?P<scheme>[a-z]+)://")


class Offered(Protocol):
    """What sources and sinks have in common."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    @property
    def priority(self) -> int:
        """Of several with signs, the highest is meant."""

    def signs(self, environment: Mapping[str, str]) -> str:
        """What speaks for it; empty if nothing does."""


Kind = TypeVar("Kind", bound=Offered)


@dataclass(frozen=True, slots=True)
class Choice:
    """A source, and why it is this one."""

    source: LiveSource
    address: str
    """In the source's own form; empty: where it usually is."""
    reason: str
    """What speaks for it, for people; empty when it was named."""


def live_sources() -> dict[str, LiveSource]:
    """Every live source by its name."""
    return {plugin.value.name: plugin.value for plugin in plugins.load("rrbridge.live")}


def choose(named: str | None, environment: Mapping[str, str]) -> Choice:
    """The source of `--from NAME`, `NAME:ADDRESS` or an address; without it, the one that the environment speaks for.

    Raises RecorderError when there is no such source, or nothing speaks for any.
    """
    return Choice(*pick(named, live_sources(), environment, what="source", purpose="listen to", option="--from"))


def pick(
    named: str | None,
    offered: Mapping[str, Kind],
    environment: Mapping[str, str],
    *,
    what: str,
    purpose: str,
    option: str,
) -> tuple[Kind, str, str]:
    """Which one, its address, and what speaks for it; `what`, `purpose` and `option` stand in errors. Raises RecorderError."""
    known = ", ".join(sorted(offered)) or "none"
    how = f"{option} NAME or {option} NAME:ADDRESS"
    if named:
        name, address, reason = _parsed(named)
        if name not in offered:
            raise RecorderError(f"no live {what} for {named!r}; there are {known} ({how})")
        return offered[name], address, reason
    for one in sorted(offered.values(), key=lambda one: (-one.priority, one.name)):
        if signs := one.signs(environment):
            return one, "", signs
    raise RecorderError(
        "nothing here tells what the robot speaks. Source its ROS set-up first (source /opt/ros/<distro>/setup.bash), "
        f"or name what to {purpose}, with {how}; there are {known}"
    )


def _parsed(named: str) -> tuple[str, str, str]:
    """Name, address and reason."""
    if address := _ADDRESS.match(named):
        scheme = address["scheme"]
        return SCHEMES.get(scheme, ""), named, f"an address with {scheme}:// is its own"
    name, _, where = named.partition(":")
    return name, where, ""
