"""The registry that this folder fills; the entry point `rrbridge.adapters` names it."""

from rrbridge.adapters import Adapters

__all__ = ["adapters"]

_FOXGLOVE = [
    f"foxglove.{name}" for name in ("annotations", "cameras", "clouds", "grids", "places", "poses", "readings", "scene")
]
MODULES = {
    "ackermann_msgs": ["plots"],
    "apriltag_msgs": ["tags"],
    "apriltag_ros": ["tags"],
    "builtin_interfaces": ["plots"],
    "control_msgs": ["control_msgs"],
    "costmap_2d": ["maps"],
    "diagnostic_msgs": ["diagnostic_msgs"],
    "ffmpeg_image_transport_msgs": ["compressed_images"],
    "fiducial_msgs": ["tags"],
    "foxglove": _FOXGLOVE,
    "foxglove_msgs": _FOXGLOVE,
    "geographic_msgs": ["geographic"],
    "geometry_msgs": ["geometry_msgs", "tf2_msgs"],
    "gps_common": ["geographic"],
    "gps_msgs": ["geographic"],
    "map_msgs": ["maps"],
    "grid_map_msgs": ["grid_map_msgs"],
    "mavros_msgs": ["mavros_msgs"],
    "nav2_msgs": ["maps", "nav2_msgs"],
    "nav_msgs": ["nav_msgs", "maps"],
    "rcl_interfaces": ["logs"],
    "radar_msgs": ["radar_msgs"],
    "rosgraph_msgs": ["logs", "plots"],
    "sensor_msgs": ["sensor_msgs", "images", "compressed_images", "pointclouds", "robots"],
    "shape_msgs": ["shape_msgs"],
    "statistics_msgs": ["plots"],
    "stereo_msgs": ["stereo_msgs"],
    "std_msgs": ["std_msgs", "robots"],
    "tf": ["tf2_msgs", "robots"],
    "tf2_msgs": ["tf2_msgs", "robots"],
    "trajectory_msgs": ["trajectory_msgs"],
    "turtlesim": ["plots"],
    "vision_msgs": ["vision_msgs"],
    "visualization_msgs": ["visualization_msgs", "interactive_markers"],
}
"""The modules here that have adapters and stages of a ROS package's types; each is imported when such a type comes up."""

adapters = Adapters(modules={name: [f"{__package__}.{m}" for m in modules] for name, modules in MODULES.items()})
