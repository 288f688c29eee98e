"""Adapters of ROS messages, one module per ROS package, one function per message type.

ROS 1 and ROS 2 names of a type are the same here (`sensor_msgs/msg/Imu`). Types marked `reference` become the same
components with the same values as the reference's importer makes them (DESIGN §7.4); the others it does not draw. A module
is imported when a type of its package comes up: `_registry` says which.
"""

from rrbridge_bridge.messages._registry import adapters as adapters

__all__ = ["adapters"]
