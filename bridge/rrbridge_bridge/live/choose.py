"""Which live source is meant: the one that was named, or the one that the environment speaks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rrbridge import plugins
from rrbridge.errors import RecorderError
from rrbridge_bridge.live.source import LiveSource

__all__ = ["Choice", "choose", "live_sources"]

SCHEMES = {"ws": "foxglove", "wss": "foxglove", "http": "ros1", "https": "ros1"}
"""Which source an address without a name is for."""
_ADDRESS = re.compile(r"(?P<scheme>[a-z]+)://")


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
    sources = live_sources()
    if named:
        return _named(named, sources)
    for source in sorted(sources.values(), key=lambda source: (-source.priority, source.name)):
        if signs := source.signs(environment):
            return Choice(source, "", signs)
    known = ", ".join(sorted(sources)) or "none"
    raise RecorderError(
        "nothing here tells what the robot speaks. Source its ROS set-up first (source /opt/ros/<distro>/setup.bash), "
        f"or name what to listen to, with --from NAME or --from NAME:ADDRESS; there are {known}"
    )


def _named(named: str, sources: Mapping[str, LiveSource]) -> Choice:
    if address := _ADDRESS.match(named):
        name, where = SCHEMES.get(address["scheme"], ""), named
        reason = f"an address with {address['scheme']}:// is its own"
    else:
        name, _, where = named.partition(":")
        reason = ""
    if name not in sources:
        known = ", ".join(sorted(sources)) or "none"
        raise RecorderError(f"no live source for {named!r}; there are {known} (--from NAME or --from NAME:ADDRESS)")
    return Choice(sources[name], where, reason)
