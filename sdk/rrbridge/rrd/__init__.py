"""Recordings and layouts on disk: `.rrd` and `.rbl`, as Rerun 0.23 to 0.41 and rrbridge write them."""

from __future__ import annotations

from rrbridge.rrd._importer import importer as importer
from rrbridge.rrd._manifest import Manifest as Manifest
from rrbridge.rrd._manifest import TimeRanges as TimeRanges
from rrbridge.rrd._reader import Damage as Damage
from rrbridge.rrd._reader import Footer as Footer
from rrbridge.rrd._reader import RrdReader as RrdReader
from rrbridge.rrd._writer import RrdWriter as RrdWriter

__all__ = ["Damage", "Footer", "Manifest", "RrdReader", "RrdWriter", "TimeRanges", "importer"]
