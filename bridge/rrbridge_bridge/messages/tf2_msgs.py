"""tf2_msgs: transforms between named frames."""

from __future__ import annotations

from collections.abc import Iterator

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Columns, Emit, nanos
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._registry import adapters


@adapters("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage", reference=True)
def tf_message(msgs: Columns) -> Iterator[Emit]:
    """One row per transform, each at its own stamp."""
    transforms = msgs.transforms
    edges = transforms.values
    yield Emit(
        rr.Transform3D.columns(
            translation=xyz(edges.transform.translation),
            quaternion=quaternion(edges.transform.rotation),
            parent_frame=edges.header.frame_id,
            child_frame=edges.child_frame_id,
        ),
        rows=transforms.row_of_value,
        times=[TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(edges.header.stamp))],
    )


@adapters("geometry_msgs/msg/TransformStamped")
def transform_stamped(msgs: Columns) -> Iterator[Emit]:
    """A transform that is published by itself."""
    yield Emit(
        rr.Transform3D.columns(
            translation=xyz(msgs.transform.translation),
            quaternion=quaternion(msgs.transform.rotation),
            parent_frame=msgs.header.frame_id,
            child_frame=msgs.child_frame_id,
        )
    )
