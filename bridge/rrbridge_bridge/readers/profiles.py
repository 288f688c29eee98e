"""What an MCAP file says that its messages follow: `ros1`, `ros2`, or a name of one's own."""

from __future__ import annotations

from rrbridge_bridge.readers._folder import FolderReader
from rrbridge_bridge.readers._reader import BagReader
from rrbridge_bridge.readers._unpack import UnpackedReader
from rrbridge_bridge.readers.mcap import McapReader

__all__ = ["mcap_profile"]


def mcap_profile(reader: BagReader) -> str | None:
    """The profile that the (first) MCAP file names, perhaps an empty one; None for a recording in other files."""
    match reader:
        case McapReader():
            return reader.header.profile
        case UnpackedReader():
            return mcap_profile(reader.inner)
        case FolderReader():
            return mcap_profile(next(iter(reader.readers())))
    return None
