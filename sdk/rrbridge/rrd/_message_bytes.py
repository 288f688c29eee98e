"""Recordings of messages' bytes alone, as `rrbridge record --no-decode` makes them: they say nothing until they are decoded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from rrbridge import _entity_path
from rrbridge._messages import LogMessage, StoredChunk, StoreKind
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._reader import RrdReader

__all__ = ["DATA", "Undecoded", "holds_undecoded", "is_of_messages", "is_undecoded"]

DATA = "McapMessage:data"
BYTES = frozenset({DATA, "channel_id", "sequence", "repeated"})
ABOUT = ("McapChannel:", "McapSchema:")
"""What components that describe where messages came from begin with."""


class Undecoded:
    """Looks at chunks as they go by."""

    def __init__(self) -> None:
        self._components: dict[str, set[str]] = {}

    def see(self, message: LogMessage) -> None:
        """Take it into account."""
        if isinstance(message, StoredChunk) and message.store_id.kind is StoreKind.RECORDING:
            self._components.setdefault(message.chunk.entity_path, set()).update(message.chunk.components)

    def __bool__(self) -> bool:
        return are_undecoded(self._components)


def are_undecoded(components: Mapping[str, Collection[str]]) -> bool:
    """Whether entities with these components hold messages' bytes, and nothing that was made of any of them."""
    topics = {path for path, names in components.items() if DATA in names}
    return bool(topics) and all(
        all(name in BYTES or name.startswith(ABOUT) for name in names)
        for path, names in components.items()
        if any(above in topics for above in _upwards(path))
    )


def holds_undecoded(reader: RrdReader) -> bool:
    """Whether a file is one recording of this kind, and perhaps layouts. Raises FileError."""
    recordings = [m for m in reader.manifests() if m.store_id.kind is StoreKind.RECORDING]
    return len(recordings) == 1 and is_undecoded(recordings[0])


def is_undecoded(manifest: Manifest) -> bool:
    """Whether a recording is of this kind."""
    return are_undecoded(
        {path: [known.component for known in all_known] for path, all_known in manifest.components.items()}
    )


def is_of_messages(message: LogMessage) -> bool:
    """Whether a chunk holds bytes of messages, or describes where they came from."""
    return isinstance(message, StoredChunk) and any(
        name == DATA or name.startswith(ABOUT) for name in message.chunk.components
    )


def _upwards(path: str) -> Iterator[str]:
    above: str | None = path
    while above is not None:
        yield above
        above = _entity_path.parent(above)
