"""The doors through which parts of rrbridge, and a user's own package, find each other: entry points.

| group | an entry names |
| --- | --- |
| `rrbridge.importers` | an `rrbridge.importers.Importer`: opens one kind of file |
| `rrbridge.adapters` | an `rrbridge.adapters.Adapters`: turns messages into archetypes |
| `rrbridge.live` | a live source for `rrbridge record` |
| `rrbridge.live_sinks` | a live sink for `rrbridge play` |
| `rrbridge.feeds` | an `rrbridge.feeds.FeedSource`: a running robot for `rrbridge view --live` |
| `rrbridge.views` | a view class of the viewer |
| `rrbridge.visualizers` | a `Visualizers` of the viewer: turns components into things to draw |
| `rrbridge.commands` | a click command of the `rrbridge` program |

rrbridge's own features come through the same doors and are loaded first. A plug-in that cannot be loaded, or is not what its
group asks for, is reported once and left out, never fatal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rrbridge._entry_points import EntryPoint, entry_points

__all__ = ["FAULTS", "Plugin", "leave_out", "load"]

log = logging.getLogger(__name__)

FAULTS = (Exception, SystemExit)
"""What a stranger's code may raise without taking the program down: `sys.exit()` in it ends nothing either."""

_reported: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class Plugin:
    """One loaded entry point."""

    name: str
    """The name it is registered under."""
    origin: str
    """The distribution it comes from: `rrbridge 0.1.0`."""
    target: str
    """`module:object`."""
    value: Any
    """The object itself."""


def load(group: str, kind: Any = object) -> Iterator[Plugin]:
    """Load every plug-in of a group that is a `kind` (a class or a runtime-checkable protocol), our own first, then by name."""
    for entry in sorted(entry_points(group=group), key=lambda e: (_distribution(e) != "rrbridge", e.name)):
        try:
            value = entry.load()
        except FAULTS as err:
            leave_out(entry.name, entry.value, f"{type(err).__name__}: {err}")
            continue
        if not isinstance(value, kind):
            leave_out(entry.name, entry.value, f"{type(value).__name__} is not {kind.__module__}.{kind.__name__}")
            continue
        version = entry.dist.version if entry.dist else ""
        yield Plugin(entry.name, f"{_distribution(entry)} {version}".strip(), entry.value, value)


def leave_out(name: str, target: str, reason: str) -> None:
    """Say, once in a process, that a plug-in is not used."""
    if (name, target) not in _reported:
        _reported.add((name, target))
        log.warning("plug-in %s (%s) was left out: %s", name, target, reason)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else ""
