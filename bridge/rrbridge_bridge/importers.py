"""The importers that the entry points `rrbridge.importers` name: whatever opens recordings opens bags too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions, Summary
from rrbridge_bridge.readers import BagFormat, bag_format, open_bag

if TYPE_CHECKING:
    from rrbridge.chunk import McapInfo

__all__ = ["BagImporter", "McapFileImporter", "bag", "db3", "mcap"]


class BagImporter:
    """Opens one kind of recorded messages."""

    def __init__(self, name: str, kind: BagFormat) -> None:
        self.name = name
        self._kind = kind

    def probe(self, path: Path, head: bytes) -> bool:
        """By the first bytes; a folder by the files in it, which must be of one run."""
        if bag_format(path, head) != self._kind:
            return False
        if head:
            return True
        from rrbridge_bridge.readers._folder import is_one_run

        return is_one_run(path)

    def info(self, path: Path) -> Summary:
        """From the index; a file without one is scanned."""
        with open_bag(path) as reader:
            return reader.summary()

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """All its data."""
        from rrbridge_bridge.conversion import Conversion

        return Conversion([path], options).chunks()

    def recording_id(self, path: Path) -> str:
        """The same for equal files, and for the parts of one run."""
        from rrbridge_bridge.run_id import recording_id

        return recording_id(path)


class McapFileImporter(BagImporter):
    """Opens MCAP files, and tells what stands in their summaries."""

    def mcap_info(self, path: Path) -> McapInfo:
        """Header and summary of a file, made by a scan where it has none. Raises FileError."""
        from rrbridge_bridge.readers.mcap_info import mcap_info

        return mcap_info(path)


bag = BagImporter("ROS 1 bag", "bag")
db3 = BagImporter("rosbag2 sqlite3", "db3")
mcap = McapFileImporter("MCAP", "mcap")
