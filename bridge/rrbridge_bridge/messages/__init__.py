"""Adapters of ROS messages, one module per ROS package, one function per message type.

ROS 1 and ROS 2 names of a type are the same here (`sensor_msgs/msg/Imu`). Types marked `reference` become the same
"""

from rrbridge_bridge.messages._registry import adapters as adapters

__all__ = ["adapters"]
