"""Reading recorded messages from ROS 1 bags, rosbag2 folders, `.db3` and MCAP files: `open_bag(path)`."""

from rrbridge_bridge.readers._beside import AttachedFile, HoldsMore, NamedMetadata
from rrbridge_bridge.readers._open import BagFormat, bag_format, open_bag
from rrbridge_bridge.readers._reader import BagReader, ReadOptions

__all__ = [
    "AttachedFile",
    "BagFormat",
    "BagReader",
    "HoldsMore",
    "NamedMetadata",
    "ReadOptions",
    "bag_format",
    "open_bag",
]
