"""`rrbridge rrd recover`: the same as `rrbridge recover`."""

from __future__ import annotations

from rrbridge_bridge.commands.recover import recover

__all__ = ["recover"]
