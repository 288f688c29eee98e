"""What detectors outside of vision_msgs send: darknet_ros, YOLO in ROS 2, jsk_recognition_msgs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, Text
from rrbridge_bridge.messages._colors import class_colors
from rrbridge_bridge.messages._drawing import closed
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation
from rrbridge_bridge.messages.vision_msgs import boxes_in_picture


@adapters("darknet_ros_msgs/msg/BoundingBoxes")
def darknet(msgs: Columns) -> Iterator[Emit]:
    """Things in a picture, pixels."""
    things, each = msgs.bounding_boxes, msgs.bounding_boxes.values
    low = np.stack([each.xmin, each.ymin], axis=-1).astype(np.float64)
    high = np.stack([each.xmax, each.ymax], axis=-1).astype(np.float64)
    name = next(name for name in each if name.lower() in ("class", "class_id"))
    classes = each[name].to_list()
    labels = Text.from_strings([f"{c} {p:.2f}" for c, p in zip(classes, each.probability.tolist(), strict=True)])
    picture = Columns(len(msgs), {"header": msgs.image_header})
    straight = np.zeros(len(classes))
    with np.errstate(invalid="ignore"):
        yield boxes_in_picture(
            picture, things, (low + high) / 2, (high - low) / 2, straight, labels, class_colors(classes)
        )


@adapters("yolo_msgs/msg/DetectionArray", "yolov8_msgs/msg/DetectionArray")
def yolo(msgs: Columns) -> Iterator[Emit]:
    """Things in a picture, pixels."""
    things, each = msgs.detections, msgs.detections.values
    center, size = each.bbox.center, each.bbox.size
    classes = each.class_name.to_list()
    parts = zip(classes, each.score.tolist(), each.id.to_list(), strict=True)
    labels = Text.from_strings([f"{c} {score:.2f} {own}".strip() for c, score, own in parts])
    yield boxes_in_picture(
        msgs,
        things,
        np.stack([center.position.x, center.position.y], axis=-1),
        np.stack([size.x, size.y], axis=-1) / 2,
        center.theta,
        labels,
        class_colors(classes),
    )


@adapters("jsk_recognition_msgs/msg/BoundingBox")
def bounding_box(msgs: Columns) -> Iterator[Emit]:
    """A box in space, metres."""
    yield _boxes(Ragged(np.arange(len(msgs) + 1), msgs))


@adapters("jsk_recognition_msgs/msg/BoundingBoxArray")
def bounding_boxes(msgs: Columns) -> Iterator[Emit]:
    """Boxes in space, metres."""
    yield _boxes(msgs.boxes)


def _boxes(boxes: Ragged) -> Emit:
    each = boxes.values
    labels = [str(label) for label in each.label.tolist()]
    return Emit(
        rr.Boxes3D.columns(
            centers=Ragged(boxes.offsets, xyz(each.pose.position)),
            half_sizes=Ragged(boxes.offsets, xyz(each.dimensions) / 2),
            quaternions=Ragged(boxes.offsets, orientation(each.pose.orientation)),
            labels=Ragged(boxes.offsets, Text.from_strings(labels)),
            colors=Ragged(boxes.offsets, class_colors(labels)),
        )
    )


@adapters("jsk_recognition_msgs/msg/PolygonArray")
def polygons(msgs: Columns) -> Iterator[Emit]:
    """Closed outlines: of planes, of footprints."""
    outlines = closed(msgs.polygons.values.polygon.points)
    strips = Ragged(outlines.offsets, xyz(outlines.values))
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(msgs.polygons.offsets, strips)))
