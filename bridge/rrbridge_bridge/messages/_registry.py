"""The registry that this folder fills; the entry point `rrbridge.adapters` names it."""

from rrbridge.adapters import Adapters

__all__ = ["adapters"]

_FOXGLOVE = [
    f"foxglove.{name}" for name in ("annotations", "cameras", "clouds", "grids", "places", "poses", "readings", "scene")
]
MODULES = {
    "ackermann_msgs": ["plots"],
    "action_msgs": ["goals"],
    "actionlib_msgs": ["goals"],
    "apriltag_msgs": ["tags"],
    "apriltag_ros": ["tags"],
    "autoware_auto_control_msgs": ["autoware"],
    "autoware_auto_perception_msgs": ["autoware"],
    "autoware_auto_planning_msgs": ["autoware"],
    "autoware_auto_vehicle_msgs": ["autoware"],
    "autoware_control_msgs": ["autoware"],
    "autoware_perception_msgs": ["autoware"],
    "autoware_planning_msgs": ["autoware"],
    "autoware_vehicle_msgs": ["autoware"],
    "builtin_interfaces": ["plots"],
    "control_msgs": ["control_msgs"],
    "costmap_2d": ["maps"],
    "darknet_ros_msgs": ["recognition"],
    "diagnostic_msgs": ["diagnostic_msgs"],
    "ffmpeg_image_transport_msgs": ["compressed_images"],
    "fiducial_msgs": ["tags"],
    "foxglove": _FOXGLOVE,
    "foxglove_msgs": _FOXGLOVE,
    "gazebo_msgs": ["gazebo_msgs"],
    "geographic_msgs": ["geographic"],
    "geometry_msgs": ["geometry_msgs", "tf2_msgs"],
    "gps_common": ["geographic"],
    "gps_msgs": ["geographic"],
    "grid_map_msgs": ["grid_map_msgs"],
    "jsk_recognition_msgs": ["recognition"],
    "livox_interfaces": ["livox"],
    "livox_ros_driver": ["livox"],
    "livox_ros_driver2": ["livox"],
    "map_msgs": ["maps"],
    "mavros_msgs": ["mavros_msgs"],
    "move_base_msgs": ["goals"],
    "nav2_msgs": ["maps", "nav2_msgs"],
    "nav_msgs": ["nav_msgs", "maps"],
    "nmea_msgs": ["receivers"],
    "novatel_gps_msgs": ["receivers"],
    "novatel_oem7_msgs": ["receivers"],
    "px4_msgs": ["px4_msgs"],
    "radar_msgs": ["radar_msgs"],
    "rcl_interfaces": ["logs"],
    "rosgraph_msgs": ["logs", "plots"],
    "sensor_msgs": ["sensor_msgs", "images", "compressed_images", "pointclouds", "robots"],
    "septentrio_gnss_driver": ["receivers"],
    "shape_msgs": ["shape_msgs"],
    "statistics_msgs": ["plots"],
    "std_msgs": ["std_msgs", "robots"],
    "stereo_msgs": ["stereo_msgs"],
    "tf": ["tf2_msgs", "robots"],
    "tf2_msgs": ["tf2_msgs", "robots"],
    "trajectory_msgs": ["trajectory_msgs"],
    "turtlesim": ["plots"],
    "ublox_msgs": ["receivers"],
    "vision_msgs": ["vision_msgs"],
    "visualization_msgs": ["visualization_msgs", "interactive_markers"],
    "yolo_msgs": ["recognition"],
    "yolov8_msgs": ["recognition"],
}
"""The modules here that have adapters and stages of a ROS package's types; each is imported when such a type comes up."""

adapters = Adapters(modules={name: [f"{__package__}.{m}" for m in modules] for name, modules in MODULES.items()})
