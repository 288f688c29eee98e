"""The doors through which parts of rrbridge, and a user's own package, find each other: entry points.

| group | an entry names |
| --- | --- |
| `rrbridge.importers` | an `rrbridge.importers.Importer`: opens one kind of file |
| `rrbridge.adapters` | an `rrbridge.adapters.Adapters`: turns messages into archetypes |
| `rrbridge.live` | a live source for `rrbridge record` |
| `rrbridge.views` | a view class of the viewer |
| `rrbridge.visualizers` | a `Visualizers` of the viewer: turns components into things to draw |
| `rrbridge.commands` | a click command of the `rrbridge` program |

rrbridge's own features come through the same doors and are loaded first. A plug-in that cannot be loaded is reported and
left out, never fatal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

__all__ = ["Plugin", "load"]

log = logging.getLogger(__name__)


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


def load(group: str) -> Iterator[Plugin]:
    """Load every plug-in of a group, rrbridge's own first, then by name."""
    for entry in sorted(entry_points(group=group), key=lambda e: (_distribution(e) != "rrbridge", e.name)):
        try:
            value = entry.load()
        except Exception as err:  # noqa: BLE001 - whatever a stranger's module does at import must not take us down
            log.warning("plug-in %s (%s) was left out: %s: %s", entry.name, entry.value, type(err).__name__, err)
            continue
        version = entry.dist.version if entry.dist else ""
        yield Plugin(entry.name, f"{_distribution(entry)} {version}".strip(), entry.value, value)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else ""
