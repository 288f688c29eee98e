"""What a reader has to say about its file."""

from __future__ import annotations

from collections.abc import Iterable

from rrbridge.importers import Note

__all__ = ["Notes"]


MAX_NOTES = 100
"""A file may be damaged in a million places."""


class Notes:
    """Notes in the order in which they came up, each once; the first so many, and whether there are more."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}
        self._has_more = False
        self._has_lost_more = False

    @property
    def found(self) -> tuple[Note, ...]:
        """All of them."""
        if not self._has_more:
            return tuple(self._found)
        return (*self._found, Note("and more of the kind", is_loss=self._has_lost_more))

    @property
    def texts(self) -> tuple[str, ...]:
        """Their sentences."""
        return tuple(note.text for note in self.found)

    @property
    def has_losses(self) -> bool:
        """Whether something is missing from what was read."""
        return any(note.is_loss for note in self.found)

    def say(self, text: str) -> None:
        """Something worth knowing by which no message is lost: an index that had to be made up for."""
        self.take([Note(text)])

    def lost(self, text: str) -> None:
        """Something by which messages, or parts of them, are missing."""
        self.take([Note(text, is_loss=True)])

    def take(self, notes: Iterable[Note]) -> None:
        """Another reader's notes."""
        for note in notes:
            if note in self._found:
                continue
            if len(self._found) < MAX_NOTES:
                self._found[note] = None
            else:
                self._has_more = True
                self._has_lost_more |= note.is_loss
