"""What happens on misuse, by the names of the reference's `rerun.error_utils`."""

from __future__ import annotations

from rrbridge._misuse import set_strict_mode as set_strict_mode
from rrbridge._misuse import strict_mode as strict_mode
from rrbridge.errors import RrbridgeWarning as RerunWarning

__all__ = ["RerunWarning", "set_strict_mode", "strict_mode"]
