"""The default of `index=` where tables are logged."""

from __future__ import annotations

__all__ = ["AUTO_INDEX", "AutoIndex"]


class AutoIndex:
    """Says that a table's own metadata tell which of its columns are times."""

    def __repr__(self) -> str:
        return "AUTO_INDEX"


AUTO_INDEX = AutoIndex()
