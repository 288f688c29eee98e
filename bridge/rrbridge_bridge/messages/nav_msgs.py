"""nav_msgs: odometry, paths, maps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages.geometry_msgs import axes_at, vectors


@adapters("nav_msgs/msg/Odometry")
def odometry(msgs: Columns) -> Iterator[Emit]:
    """Where the robot thinks it is, and how fast it goes (in its own frame)."""
    yield from axes_at(msgs.pose.pose)
    yield from vectors({"linear": msgs.twist.twist.linear, "angular": msgs.twist.twist.angular})


@adapters("nav_msgs/msg/Path")
def path(msgs: Columns) -> Iterator[Emit]:
    """A way to go, or gone."""
    poses = msgs.poses
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(poses.offsets, xyz(poses.values.pose.position))))


@adapters("nav_msgs/msg/OccupancyGrid", carries=["data"], reference=True)
def occupancy_grid(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A map: -1 unknown, 0 free … 100 occupied, in rows from the lower edge; images start at the upper one."""
    grid, origin = msgs.info, msgs.info.origin
    widths, heights = grid.width.astype(np.int64), grid.height.astype(np.int64)
    is_whole = msgs.data.lengths == widths * heights
    whole = np.flatnonzero(is_whole)
    yield Skipped(np.flatnonzero(~is_whole), "a map has not as many cells as its width and height say")
    yield Emit(
        rr.GridMap.columns(
            data=Ragged.from_lengths((widths * heights)[whole], _upside_down(msgs.data, widths, heights, whole)),
            format=[
                rr.ImageFormat(w, h, None, rr.ColorModel.L, rr.ChannelDatatype.U8)
                for w, h in zip(widths[whole].tolist(), heights[whole].tolist(), strict=True)
            ],
            cell_size=grid.resolution[whole],
            translation=xyz(origin.position)[whole],
            quaternion=quaternion(origin.orientation)[whole],
            colormap=np.full(len(whole), rr.Colormap.RvizMap),
        ),
        rows=whole,
    )


def _upside_down(
    cells: Ragged, widths: npt.NDArray[np.int64], heights: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """Cells of the given messages with the order of their grid rows reversed; a loop per map, which are few and large."""
    flipped = [
        cells.values[cells.offsets[i] : cells.offsets[i + 1]].reshape(heights[i], widths[i])[::-1].reshape(-1)
        for i in rows.tolist()
    ]
    return np.concatenate(flipped).view(np.uint8) if flipped else np.empty(0, np.uint8)
