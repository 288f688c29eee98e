"""What is found wrong, each kind once with how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["Problem", "Problems"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as the format has it."""

    text: str
    offset: int
    """Where it is seen first, from the start of the file."""
    is_error: bool
    """Whether readers fail or answer wrongly for it; otherwise it only costs something."""
    where: str = ""
    """The entity, component or recording that it is seen at first."""
    times: int = 1


class Problems:
    """A file may have a million chunks with the same fault: that is one problem."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, bool], Problem] = {}

    def error(self, offset: int, text: str, where: str = "") -> None:
        """Readers fail or answer wrongly for it."""
        self._note(Problem(text, offset, True, where))

    def warn(self, offset: int, text: str, where: str = "") -> None:
        """It works, but should not be so."""
        self._note(Problem(text, offset, False, where))

    def _note(self, problem: Problem) -> None:
        key = problem.text, problem.is_error
        known = self._found.get(key)
        self._found[key] = problem if known is None else replace(known, times=known.times + 1)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found.values())
