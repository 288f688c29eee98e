"""rosbag2 folders with an MCAP file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written
from rrbridge_bridge.writers.mcap import COMPRESSIONS, McapSink

if TYPE_CHECKING:
    from rrbridge.importers import ImportOptions

__all__ = ["rosbag2_mcap"]


def _write(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    from rrbridge_bridge.writers._copy import copy_messages
    from rrbridge_bridge.writers._rosbag2 import FolderSink

    def make(path: Path, _profile: str) -> FolderSink:
        name = f"{output.name}_0.mcap"
        return FolderSink(path, lambda folder: McapSink(folder / name, how, "ros2"), "mcap", name)

    return copy_messages(inputs, output, options, how, rosbag2_mcap, make, encoding="cdr")


rosbag2_mcap = OutputFormat("rosbag2-mcap", "rosbag2 folder with MCAP", ".mcap", COMPRESSIONS, _write, is_folder=True)
