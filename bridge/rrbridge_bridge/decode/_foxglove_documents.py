"""What fields JSON documents of Foxglove's schemas have, for recordings whose own JSON schema does not say.

Documents are often written with an empty schema, and leave out what is empty. Facts: https://docs.foxglove.dev/docs/sdk/schemas.
"""

from __future__ import annotations

from rrbridge_bridge.decode._json_types import Leaf, ListOf, Node, Record

__all__ = ["completed", "usual_fields"]

PREFIX = "foxglove."
LEAVES = ("int", "float", "bool", "text", "base64")
FIELDS = {
    "ArrowPrimitive": "pose Pose, shaft_length float, shaft_diameter float, head_length float, head_diameter float, color Color",
    "CameraCalibration": "frame_id text, width int, height int, distortion_model text, "
    "D float[], K float[], R float[], P float[]",
    "CircleAnnotation": "timestamp Time, position Point2, diameter float, thickness float, fill_color Color, outline_color Color",
    "Color": "r float, g float, b float, a float",
    "CompressedImage": "frame_id text, data base64, format text",
    "CompressedVideo": "frame_id text, data base64, format text",
    "CubePrimitive": "pose Pose, size Vector3, color Color",
    "CylinderPrimitive": "pose Pose, size Vector3, bottom_scale float, top_scale float, color Color",
    "FrameTransform": "timestamp Time, parent_frame_id text, child_frame_id text, translation Vector3, rotation Quaternion",
    "FrameTransforms": "transforms FrameTransform[]",
    "GeoJSON": "geojson text",
    "Grid": "frame_id text, pose Pose, column_count int, cell_size Vector2, row_stride int, cell_stride int, "
    "fields PackedElementField[], data base64",
    "ImageAnnotations": "circles CircleAnnotation[], points PointsAnnotation[], texts TextAnnotation[]",
    "JointState": "name text, position float, velocity float, acceleration float, effort float",
    "JointStates": "joints JointState[]",
    "LaserScan": "frame_id text, pose Pose, start_angle float, end_angle float, ranges float[], intensities float[]",
    "LinePrimitive": "type int, pose Pose, thickness float, scale_invariant bool, points Vector3[], color Color, "
    "colors Color[], indices int[]",
    "LocationFix": "timestamp Time, frame_id text, latitude float, longitude float, altitude float, color Color",
    "LocationFixes": "fixes LocationFix[]",
    "Log": "level int, message text, name text, file text, line int",
    "ModelPrimitive": "pose Pose, scale Vector3, color Color, override_color bool, url text, media_type text, data base64",
    "Odometry": "frame_id text, body_frame_id text, pose Pose, linear_velocity Vector3, angular_velocity Vector3",
    "PackedElementField": "name text, offset int, type int",
    "Point2": "x float, y float",
    "Point3InFrame": "frame_id text, point Vector3",
    "PointCloud": "frame_id text, pose Pose, point_stride int, fields PackedElementField[], data base64",
    "PointsAnnotation": "timestamp Time, type int, points Point2[], outline_color Color, outline_colors Color[], "
    "fill_color Color, thickness float",
    "Pose": "position Vector3, orientation Quaternion",
    "PoseInFrame": "frame_id text, pose Pose",
    "PosesInFrame": "frame_id text, poses Pose[]",
    "Quaternion": "x float, y float, z float, w float",
    "RawImage": "frame_id text, width int, height int, encoding text, step int, data base64",
    "SceneEntity": "timestamp Time, frame_id text, id text, lifetime Time, frame_locked bool, arrows ArrowPrimitive[], "
    "cubes CubePrimitive[], spheres SpherePrimitive[], cylinders CylinderPrimitive[], lines LinePrimitive[], "
    "triangles TriangleListPrimitive[], texts TextPrimitive[], models ModelPrimitive[]",
    "SceneEntityDeletion": "timestamp Time, type int, id text",
    "SceneUpdate": "deletions SceneEntityDeletion[], entities SceneEntity[]",
    "SpherePrimitive": "pose Pose, size Vector3, color Color",
    "TextAnnotation": "timestamp Time, position Point2, text text, font_size float, text_color Color, background_color Color",
    "TextPrimitive": "pose Pose, billboard bool, font_size float, scale_invariant bool, color Color, text text",
    "Time": "sec int, nsec int",
    "TriangleListPrimitive": "pose Pose, points Vector3[], color Color, colors Color[], indices int[]",
    "Vector2": "x float, y float",
    "Vector3": "x float, y float, z float",
    "VoxelGrid": "frame_id text, pose Pose, row_count int, column_count int, cell_size Vector3, slice_stride int, "
    "row_stride int, cell_stride int, fields PackedElementField[], data base64",
}
"""By schema. A message's own timestamp is not among them: where it is left out, there is none."""


def usual_fields(msgtype: str) -> Record:
    """The fields of a schema of Foxglove; none of other types."""
    name = msgtype.removeprefix(PREFIX)
    if not msgtype.startswith(PREFIX) or name not in FIELDS:
        return Record(())
    return Record(tuple(f for f in _record(name).fields if f[0] != "timestamp"))


def _record(name: str) -> Record:
    pairs = (part.split(" ") for part in FIELDS[name].split(", "))
    return Record(tuple((field, _node(kind)) for field, kind in pairs))


def _node(kind: str) -> Node:
    if kind.endswith("[]"):
        return ListOf(_node(kind.removesuffix("[]")))
    return Leaf(kind) if kind in LEAVES else _record(kind)


def completed(said: Node, usual: Node) -> Node:
    """What a schema says, and what is usual where it does not say."""
    if isinstance(said, Record) and isinstance(usual, Record):
        known = {name: completed(said.by_name.get(name, node), node) for name, node in usual.fields}
        return Record(tuple({**said.by_name, **known}.items()))
    if isinstance(said, ListOf) and isinstance(usual, ListOf):
        return ListOf(completed(said.item, usual.item))
    if isinstance(said, Leaf) and (said.kind in ("null", "json") or (said.kind, usual) == ("text", Leaf("base64"))):
        return usual
    return said
