"""Recordings and layouts on disk: `.rrd` and `.rbl`, as Rerun 0.23 to 0.41 and rrbridge write them.

Reading and writing load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rrbridge.rrd._importer import importer as importer
    from rrbridge.rrd._manifest import Manifest as Manifest
    from rrbridge.rrd._manifest import TimeRanges as TimeRanges
    from rrbridge.rrd._reader import Damage as Damage
    from rrbridge.rrd._reader import Footer as Footer
    from rrbridge.rrd._reader import RrdReader as RrdReader
    from rrbridge.rrd._writer import RrdWriter as RrdWriter

__all__ = ["Damage", "Footer", "Manifest", "RrdReader", "RrdWriter", "TimeRanges", "importer"]

_MODULE_OF = {
    "Damage": "_reader",
    "Footer": "_reader",
    "Manifest": "_manifest",
    "RrdReader": "_reader",
    "RrdWriter": "_writer",
    "TimeRanges": "_manifest",
    "importer": "_importer",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return found
