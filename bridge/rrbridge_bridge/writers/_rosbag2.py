"""rosbag2 folders: one part, and `metadata.yaml`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import yaml

from rrbridge_bridge.writers.db3 import RecordingFacts

if TYPE_CHECKING:
    from rrbridge_bridge.raw import Connection
    from rrbridge_bridge.readers import AttachedFile, NamedMetadata
    from rrbridge_bridge.readers._blocks import Rows
    from rrbridge_bridge.writers._sink import Sink

__all__ = ["FolderSink"]


class FolderSink:
    """A folder around the sink of its part."""

    def __init__(self, folder: Path, make_part: Callable[[Path], Sink], storage: str, part_name: str) -> None:
        self._folder = folder
        self._part = make_part(folder)
        self._storage = storage
        self._part_name = part_name
        self._facts = RecordingFacts()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._part.__exit__(kind, error, trace)

    def announce(self, connection: Connection) -> None:
        """Pass it on."""
        self._facts.announce(connection)
        self._part.announce(connection)

    def write(self, rows: Rows) -> None:
        """Pass them on."""
        self._facts.count(rows)
        self._part.write(rows)

    def add(self, record: NamedMetadata | AttachedFile) -> bool:
        """What the part's format has a place for."""
        return self._part.add(record)

    def finish(self) -> None:
        """Finish the part, and write `metadata.yaml`."""
        self._part.finish()
        document = self._facts.document(self._storage, self._part_name)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        (self._folder / "metadata.yaml").write_text(text, "utf-8")
