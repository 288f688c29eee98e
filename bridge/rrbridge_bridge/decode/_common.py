"""Definitions of types that are in no type store but common in recordings without definitions, as ROS 2 made them up to Humble.

Only of types that have had one layout since, or whose other layouts are of other sizes, so that they are not taken for it.
"""

from __future__ import annotations

from functools import cache

from rrbridge_bridge.decode import _msg
from rrbridge_bridge.decode.tree import Definition

__all__ = ["common_definition"]

TEXTS = """\
ackermann_msgs/msg/AckermannDrive
float32 steering_angle
float32 steering_angle_velocity
float32 speed
float32 acceleration
float32 jerk

ackermann_msgs/msg/AckermannDriveStamped
std_msgs/Header header
ackermann_msgs/AckermannDrive drive

apriltag_msgs/msg/AprilTagDetection
string family
int32 id
int32 hamming
float32 goodness
float32 decision_margin
apriltag_msgs/Point centre
apriltag_msgs/Point[4] corners
float64[9] homography

apriltag_msgs/msg/AprilTagDetectionArray
std_msgs/Header header
apriltag_msgs/AprilTagDetection[] detections

apriltag_msgs/msg/Point
float64 x
float64 y

control_msgs/msg/DynamicJointState
std_msgs/Header header
string[] joint_names
control_msgs/InterfaceValue[] interface_values

control_msgs/msg/InterfaceValue
string[] interface_names
float64[] values

fiducial_msgs/msg/Fiducial
int32 fiducial_id
int32 direction
float64 x0
float64 y0
float64 x1
float64 y1
float64 x2
float64 y2
float64 x3
float64 y3

fiducial_msgs/msg/FiducialArray
std_msgs/Header header
int32 image_seq
fiducial_msgs/Fiducial[] fiducials

fiducial_msgs/msg/FiducialTransform
int32 fiducial_id
geometry_msgs/Transform transform
float64 image_error
float64 object_error
float64 fiducial_area

fiducial_msgs/msg/FiducialTransformArray
std_msgs/Header header
int32 image_seq
fiducial_msgs/FiducialTransform[] transforms

gazebo_msgs/msg/EntityState
string name
geometry_msgs/Pose pose
geometry_msgs/Twist twist
string reference_frame

gazebo_msgs/msg/LinkState
string link_name
geometry_msgs/Pose pose
geometry_msgs/Twist twist
string reference_frame

gazebo_msgs/msg/LinkStates
string[] name
geometry_msgs/Pose[] pose
geometry_msgs/Twist[] twist

gazebo_msgs/msg/ModelState
string model_name
geometry_msgs/Pose pose
geometry_msgs/Twist twist
string reference_frame

gazebo_msgs/msg/ModelStates
string[] name
geometry_msgs/Pose[] pose
geometry_msgs/Twist[] twist

grid_map_msgs/msg/GridMap
std_msgs/Header header
grid_map_msgs/GridMapInfo info
string[] layers
string[] basic_layers
std_msgs/Float32MultiArray[] data
uint16 outer_start_index
uint16 inner_start_index

grid_map_msgs/msg/GridMapInfo
float64 resolution
float64 length_x
float64 length_y
geometry_msgs/Pose pose

livox_interfaces/msg/CustomMsg
std_msgs/Header header
uint64 timebase
uint32 point_num
uint8 lidar_id
uint8[3] rsvd
livox_interfaces/CustomPoint[] points

livox_interfaces/msg/CustomPoint
uint32 offset_time
float32 x
float32 y
float32 z
uint8 reflectivity
uint8 tag
uint8 line

livox_ros_driver/msg/CustomMsg
std_msgs/Header header
uint64 timebase
uint32 point_num
uint8 lidar_id
uint8[3] rsvd
livox_ros_driver/CustomPoint[] points

livox_ros_driver/msg/CustomPoint
uint32 offset_time
float32 x
float32 y
float32 z
uint8 reflectivity
uint8 tag
uint8 line

livox_ros_driver2/msg/CustomMsg
std_msgs/Header header
uint64 timebase
uint32 point_num
uint8 lidar_id
uint8[3] rsvd
livox_ros_driver2/CustomPoint[] points

livox_ros_driver2/msg/CustomPoint
uint32 offset_time
float32 x
float32 y
float32 z
uint8 reflectivity
uint8 tag
uint8 line

nav2_msgs/msg/Particle
geometry_msgs/Pose pose
float64 weight

nav2_msgs/msg/ParticleCloud
std_msgs/Header header
nav2_msgs/Particle[] particles

nmea_msgs/msg/Sentence
std_msgs/Header header
string sentence

radar_msgs/msg/RadarReturn
float32 range
float32 azimuth
float32 elevation
float32 doppler_velocity
float32 amplitude

radar_msgs/msg/RadarScan
std_msgs/Header header
radar_msgs/RadarReturn[] returns

radar_msgs/msg/RadarTrack
unique_identifier_msgs/UUID uuid
geometry_msgs/Point position
geometry_msgs/Vector3 velocity
geometry_msgs/Vector3 acceleration
geometry_msgs/Vector3 size
uint16 classification
float32[6] position_covariance
float32[6] velocity_covariance
float32[6] acceleration_covariance
float32[6] size_covariance

radar_msgs/msg/RadarTracks
std_msgs/Header header
radar_msgs/RadarTrack[] tracks

vision_msgs/msg/BoundingBox2D
vision_msgs/Pose2D center
float64 size_x
float64 size_y

vision_msgs/msg/BoundingBox2DArray
std_msgs/Header header
vision_msgs/BoundingBox2D[] boxes

vision_msgs/msg/BoundingBox3D
geometry_msgs/Pose center
geometry_msgs/Vector3 size

vision_msgs/msg/BoundingBox3DArray
std_msgs/Header header
vision_msgs/BoundingBox3D[] boxes

vision_msgs/msg/Classification
std_msgs/Header header
vision_msgs/ObjectHypothesis[] results

vision_msgs/msg/Detection2D
std_msgs/Header header
vision_msgs/ObjectHypothesisWithPose[] results
vision_msgs/BoundingBox2D bbox
string id

vision_msgs/msg/Detection2DArray
std_msgs/Header header
vision_msgs/Detection2D[] detections

vision_msgs/msg/Detection3D
std_msgs/Header header
vision_msgs/ObjectHypothesisWithPose[] results
vision_msgs/BoundingBox3D bbox
string id

vision_msgs/msg/Detection3DArray
std_msgs/Header header
vision_msgs/Detection3D[] detections

vision_msgs/msg/ObjectHypothesis
string class_id
float64 score

vision_msgs/msg/ObjectHypothesisWithPose
vision_msgs/ObjectHypothesis hypothesis
geometry_msgs/PoseWithCovariance pose

vision_msgs/msg/Point2D
float64 x
float64 y

vision_msgs/msg/Pose2D
vision_msgs/Point2D position
float64 theta
"""
"""Type and fields of each, separated by empty lines."""


@cache
def _all() -> dict[str, str]:
    found = (part.partition("\n") for part in TEXTS.strip().split("\n\n"))
    return {name: text for name, _, text in found}


@cache
def common_definition(msgtype: str) -> Definition | None:
    """What is known of a type here; None if nothing."""
    text = _all().get(msgtype)
    return None if text is None else _msg.parse_msg(text, msgtype.partition("/")[0])
