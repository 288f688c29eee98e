"""Adapters of ROS messages, one module per ROS package, one function per message type.

ROS 1 and ROS 2 names of a type are the same here (`sensor_msgs/msg/Imu`). Types marked `reference` become the same
components with the same values as the reference's importer makes them (DESIGN §7.4); the others it does not draw.
"""

from rrbridge_bridge.messages import diagnostic_msgs as diagnostic_msgs
from rrbridge_bridge.messages import geometry_msgs as geometry_msgs
from rrbridge_bridge.messages import images as images
from rrbridge_bridge.messages import logs as logs
from rrbridge_bridge.messages import nav_msgs as nav_msgs
from rrbridge_bridge.messages import pointclouds as pointclouds
from rrbridge_bridge.messages import sensor_msgs as sensor_msgs
from rrbridge_bridge.messages import std_msgs as std_msgs
from rrbridge_bridge.messages import tf2_msgs as tf2_msgs
from rrbridge_bridge.messages import visualization_msgs as visualization_msgs
from rrbridge_bridge.messages._registry import adapters as adapters

__all__ = ["adapters"]
