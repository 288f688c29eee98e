"""Notices that are not told again and again, for sources that hear strangers."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_bridge.live.source import Notice, Severity

__all__ = ["ToldOnce", "why_nothing"]

MAX_TOLD = 200
"""A stranger may say something else every time."""


def why_nothing(where: str = "", *, has_publisher: bool) -> str:
    """Why nothing is heard of a topic that was asked for by name; `where`, unless the reader is told that anyway."""
    on = f" on {where}" if where else ""
    return (
        f"there is a publisher of it{on}, but no connection to it so far"
        if has_publisher
        else f"no publisher of it was found{on}"
    )


class ToldOnce:
    """What was told so far."""

    def __init__(self) -> None:
        self._told: set[Notice] = set()
        self._counts: dict[tuple[str, str], int] = {}

    def once(self, notice: Notice) -> Iterator[Notice]:
        """The notice, unless it was told before."""
        if notice not in self._told and len(self._told) < MAX_TOLD:
            self._told.add(notice)
            yield notice

    def warning(self, text: str, topic: str = "") -> Iterator[Notice]:
        """A warning, unless it was told before."""
        return self.once(Notice(Severity.WARNING, text, topic))

    def counted(self, what: str, last: str, topic: str = "") -> Iterator[Notice]:
        """Something that happens again and again: told with its number, at first and whenever that has doubled."""
        count = self._counts[topic, what] = self._counts.get((topic, what), 0) + 1
        if count & (count - 1) == 0:
            yield Notice(Severity.WARNING, f"{count} {what}, {last}", topic, about=what)
