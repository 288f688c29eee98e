"""The registry that this folder fills; the entry point `rrbridge.adapters` names it."""

from rrbridge.adapters import Adapters

__all__ = ["adapters"]

MODULES = {
    "diagnostic_msgs": ["diagnostic_msgs"],
    "ffmpeg_image_transport_msgs": ["compressed_images"],
    "foxglove_msgs": ["compressed_images"],
    "geometry_msgs": ["geometry_msgs", "tf2_msgs"],
    "nav_msgs": ["nav_msgs"],
    "rcl_interfaces": ["logs"],
    "rosgraph_msgs": ["logs"],
    "sensor_msgs": ["sensor_msgs", "images", "compressed_images", "pointclouds"],
    "std_msgs": ["std_msgs"],
    "tf": ["tf2_msgs"],
    "tf2_msgs": ["tf2_msgs"],
    "visualization_msgs": ["visualization_msgs"],
}
"""The modules here that have adapters and stages of a ROS package's types; each is imported when such a type comes up."""

adapters = Adapters(modules={name: [f"{__package__}.{m}" for m in modules] for name, modules in MODULES.items()})
