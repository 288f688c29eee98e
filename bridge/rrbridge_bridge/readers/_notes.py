"""What a reader has to say about its file."""

from __future__ import annotations

from collections.abc import Iterable

from rrbridge.importers import Note

__all__ = ["Notes"]


class Notes:
    """Notes in the order in which they came up, each once."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}

    @property
    def found(self) -> tuple[Note, ...]:
        """All of them."""
        return tuple(self._found)

    @property
    def texts(self) -> tuple[str, ...]:
        """Their sentences."""
        return tuple(note.text for note in self._found)

    @property
    def has_losses(self) -> bool:
        """Whether something is missing from what was read."""
        return any(note.is_loss for note in self._found)

    def say(self, text: str) -> None:
        """Something worth knowing by which no message is lost: an index that had to be made up for."""
        self.take([Note(text)])

    def lost(self, text: str) -> None:
        """Something by which messages, or parts of them, are missing."""
        self.take([Note(text, is_loss=True)])

    def take(self, notes: Iterable[Note]) -> None:
        """Another reader's notes."""
        self._found |= dict.fromkeys(notes)
