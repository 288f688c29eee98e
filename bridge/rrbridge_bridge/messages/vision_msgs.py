"""vision_msgs: what was seen and where, in a picture or in space; as the package of ROS 1, of Foxy and of Humble has it.

| | until Galactic | from Humble on |
| --- | --- | --- |
| a result's class | `id` (a number in ROS 1), `score` | `hypothesis.class_id`, `hypothesis.score` |
| a box's centre | `center.x`, `.y`, `.theta` | `center.position.x`, `.y`, `center.theta` |
| a detection's name | `tracking_id` | `id` |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, Text, take
from rrbridge_bridge.messages._colors import class_colors
from rrbridge_bridge.messages._drawing import image_plane
from rrbridge_bridge.messages._fields import path_parts, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation

__all__ = ["boxes_in_picture"]

Floats = npt.NDArray[np.float64]
_NO_CLASS = 0xC8C8C8FF
"""Of a box that is not said to be of a class."""


@adapters("vision_msgs/msg/Detection2D")
def detection_2d(msgs: Columns) -> Iterator[Emit]:
    """A thing in a picture."""
    yield from _boxes_2d(msgs, _one_each(msgs))


@adapters("vision_msgs/msg/Detection2DArray")
def detection_2d_array(msgs: Columns) -> Iterator[Emit]:
    """Things in a picture."""
    yield from _boxes_2d(msgs, msgs.detections)


@adapters("vision_msgs/msg/Detection3D")
def detection_3d(msgs: Columns) -> Iterator[Emit]:
    """A thing in space."""
    yield from _boxes_3d(msgs, _one_each(msgs))


@adapters("vision_msgs/msg/Detection3DArray")
def detection_3d_array(msgs: Columns) -> Iterator[Emit]:
    """Things in space."""
    yield from _boxes_3d(msgs, msgs.detections)


@adapters("vision_msgs/msg/BoundingBox2D")
def bounding_box_2d(msgs: Columns) -> Iterator[Emit]:
    """A box in a picture, we do not know around what."""
    yield from _boxes_2d(msgs, _one_each(msgs))


@adapters("vision_msgs/msg/BoundingBox2DArray")
def bounding_box_2d_array(msgs: Columns) -> Iterator[Emit]:
    """Boxes in a picture."""
    yield from _boxes_2d(msgs, msgs.boxes)


@adapters("vision_msgs/msg/BoundingBox3D")
def bounding_box_3d(msgs: Columns) -> Iterator[Emit]:
    """A box in space."""
    yield from _boxes_3d(msgs, _one_each(msgs))


@adapters("vision_msgs/msg/BoundingBox3DArray")
def bounding_box_3d_array(msgs: Columns) -> Iterator[Emit]:
    """Boxes in space."""
    yield from _boxes_3d(msgs, msgs.boxes)


@adapters("vision_msgs/msg/Classification", "vision_msgs/msg/Classification2D")
def classification(msgs: Columns) -> Iterator[Emit]:
    """What a picture may show: the score of each class as a plot."""
    results = msgs.results
    classes = path_parts(_class_names(results.values))
    yield Emit(rr.Scalars.columns(scalars=_scores(results.values)), at=classes.to_pylist(), rows=results.row_of_value)


def _one_each(msgs: Columns) -> Ragged:
    return Ragged(np.arange(len(msgs) + 1), msgs)


def _hypotheses(results: Columns) -> Columns:
    found: Columns = results.get("hypothesis", results)
    return found


def _class_names(results: Columns) -> list[str]:
    found = _hypotheses(results)
    names = found.get("class_id", found.get("id"))
    return names.to_list() if isinstance(names, Text) else [str(number) for number in names.tolist()]


def _scores(results: Columns) -> Floats:
    scores: Floats = _hypotheses(results).score
    return scores


def _labelled(things: Columns) -> tuple[Text, npt.NDArray[np.uint32]]:
    """A label for each, `class score` of the likeliest result and the thing's own name, and a colour for the class."""
    colors = np.full(len(things), _NO_CLASS, np.uint32)
    own = things.get("tracking_id", things.get("id"))
    names = own.to_list() if isinstance(own, Text) else [""] * len(things)
    results = things.get("results")
    if results is None:
        return Text.from_strings(names), colors
    some = np.flatnonzero(results.lengths)
    best = take(results.values, _likeliest(results, _scores(results.values)))
    classes = _class_names(best)
    for row, name, score in zip(some.tolist(), classes, _scores(best).tolist(), strict=True):
        names[row] = f"{name} {score:.2f} {names[row]}".strip()
    colors[some] = class_colors(classes)
    return Text.from_strings(names), colors


def _likeliest(results: Ragged, scores: Floats) -> npt.NDArray[np.int64]:
    """Index of the first result with the highest score, of each thing that has any; NaN is least."""
    least_first = np.where(np.isnan(scores), np.inf, -scores)
    order = np.lexsort((np.arange(len(scores)), least_first, results.row_of_value))
    best: npt.NDArray[np.int64] = order[results.offsets[:-1][results.lengths > 0] - results.offsets[0]]
    return best


def _boxes_2d(msgs: Columns, things: Ragged) -> Iterator[Emit]:
    """Pixels."""
    boxes = things.values.get("bbox", things.values)
    labels, colors = _labelled(things.values)
    center, angles = boxes.center.get("position", boxes.center), boxes.center.theta
    centers = np.stack([center.x, center.y], axis=-1)
    half_sizes = np.stack([boxes.size_x, boxes.size_y], axis=-1) / 2
    yield boxes_in_picture(_with_frames(msgs, things), things, centers, half_sizes, angles, labels, colors)


def boxes_in_picture(
    msgs: Columns,
    things: Ragged,
    centers: Floats,
    half_sizes: Floats,
    angles: Floats,
    labels: Text,
    colors: npt.NDArray[np.uint32],
) -> Emit:
    """Boxes of all things, pixels and radians, in the picture that the messages' header names."""
    turned = np.isfinite(angles) & (angles != 0)  # of these the outline is drawn, as `Boxes2D` cannot be turned
    straight = _some(things, ~turned)
    outlined = _some(things, turned)
    return Emit(
        [
            rr.Boxes2D.columns(
                centers=straight(centers),
                half_sizes=straight(half_sizes),
                labels=straight(labels),
                colors=straight(colors),
            ),
            rr.LineStrips2D.columns(
                strips=_outlines(outlined(centers), outlined(half_sizes), outlined(angles)),
                labels=outlined(labels),
                colors=outlined(colors),
            ),
            *image_plane(msgs),
        ]
    )


def _some(things: Ragged, kept: npt.NDArray[np.bool_]) -> Callable[[Any], Ragged]:
    """Of columns with a value for each thing those of some."""
    sizes = np.bincount(things.row_of_value[kept], minlength=len(things))
    offsets = Ragged.from_lengths(sizes, None).offsets
    return lambda values: Ragged(offsets, take(values, kept))


def _outlines(centers: Ragged, half_sizes: Ragged, angles: Ragged) -> Ragged:
    """The four corners of each box, and the first again."""
    corners = half_sizes.values[:, None] * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    cosine, sine = np.cos(angles.values)[:, None], np.sin(angles.values)[:, None]
    x, y = corners[..., 0], corners[..., 1]
    with np.errstate(invalid="ignore"):
        turned = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=-1) + centers.values[:, None]
    return Ragged(centers.offsets, Ragged.from_lengths(np.full(len(turned), 5), turned.reshape(-1, 2)))


def _boxes_3d(msgs: Columns, things: Ragged) -> Iterator[Emit]:
    """Metres."""
    boxes = things.values.get("bbox", things.values)
    labels, colors = _labelled(things.values)
    columns = rr.Boxes3D.columns(
        centers=Ragged(things.offsets, xyz(boxes.center.position)),
        half_sizes=Ragged(things.offsets, xyz(boxes.size) / 2),
        quaternions=Ragged(things.offsets, orientation(boxes.center.orientation)),
        labels=Ragged(things.offsets, labels),
        colors=Ragged(things.offsets, colors),
    )
    header = _with_frames(msgs, things).get("header")
    frames = [] if header is None else [rr.CoordinateFrame.columns(frame=header.frame_id)]
    yield Emit([columns, *frames])


def _with_frames(msgs: Columns, things: Ragged) -> Columns:
    """The messages; those whose header names no frame with that of their first thing, as many drivers fill in only one."""
    if "header" not in msgs or "header" not in things.values:
        return msgs
    own = msgs.header.frame_id
    lost = (np.diff(own.offsets) == 0) & (things.lengths > 0)
    if not lost.any():
        return msgs
    names = np.array(own.to_list(), object)
    names[lost] = take(things.values.header.frame_id, things.offsets[:-1][lost]).to_list()
    return Columns(len(msgs), {"header": Columns(len(msgs), {"frame_id": Text.from_strings(names.tolist())})})
