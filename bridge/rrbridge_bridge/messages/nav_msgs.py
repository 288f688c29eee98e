"""nav_msgs: odometry, paths, maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.adapters import Skipped
from rrbridge.columns import STAMP, Columns, Emit, Ragged, nanos
from rrbridge_bridge.messages._drawing import arrows_along, axes_at, pose_with_covariance, vectors
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._grids import grid_maps
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, rotate


@adapters("nav_msgs/msg/Odometry")
def odometry(msgs: Columns) -> Iterator[Emit]:
    """Where the robot thinks it is (in the header's frame), and how fast it goes (in its own frame)."""
    yield from pose_with_covariance(msgs.pose)
    twist = msgs.twist
    parts = ("linear", twist.twist.linear), ("angular", twist.twist.angular)
    yield from vectors(*parts, covariance=twist.covariance, frames=msgs.child_frame_id)


@adapters("nav_msgs/msg/Path")
def path(msgs: Columns) -> Iterator[Emit]:
    """A way to go, or gone."""
    poses = msgs.poses
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(poses.offsets, xyz(poses.values.pose.position))))


@adapters("nav_msgs/msg/Goals")
def goals(msgs: Columns) -> Iterator[Emit]:
    """Places to go to, one after the other."""
    yield from arrows_along(Ragged(msgs.goals.offsets, msgs.goals.values.pose))


@adapters("nav_msgs/msg/Trajectory")
def trajectory(msgs: Columns) -> Iterator[Emit]:
    """A way to go, and when and how fast: each point at its own time."""
    points, states = msgs.points, msgs.points.values
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(points.offsets, xyz(states.pose.position))))
    times = [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(states.header.stamp))]
    for emit in vectors(("linear", states.velocity.linear), ("angular", states.velocity.angular)):
        yield emit if emit.static else replace(emit, rows=points.row_of_value, times=times)


@adapters("nav_msgs/msg/TrajectoryPoint")
def trajectory_point(msgs: Columns) -> Iterator[Emit]:
    """Where to be, and how fast."""
    yield from axes_at(msgs.pose)
    yield from vectors(("linear", msgs.velocity.linear), ("angular", msgs.velocity.angular))


@adapters("nav_msgs/msg/GridCells")
def grid_cells(msgs: Columns) -> Iterator[Emit]:
    """Cells of a grid that something is true of, as flat boxes; metres."""
    cells = msgs.cells
    sizes = np.stack([msgs.cell_width, msgs.cell_height, np.zeros(len(msgs))], axis=-1) / 2
    columns = rr.Boxes3D.columns(
        centers=Ragged(cells.offsets, xyz(cells.values)),
        half_sizes=Ragged(cells.offsets, np.repeat(sizes, cells.lengths, axis=0)),
        fill_mode=np.full(len(msgs), rr.FillMode.Solid),
    )
    yield Emit(columns)


@adapters("nav_msgs/msg/MapMetaData")
def map_meta_data(msgs: Columns) -> Iterator[Emit]:
    """The outline of a map."""
    corners = np.zeros((len(msgs), 5, 3))
    with np.errstate(invalid="ignore"):  # of a map that is infinitely large
        size = np.stack([msgs.width, msgs.height], axis=-1) * msgs.resolution[:, None].astype(np.float64)
        corners[:, :, :2] = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]) * size[:, None]
    turns = np.repeat(orientation(msgs.origin.orientation), 5, axis=0)
    placed = rotate(turns, corners.reshape(-1, 3)) + np.repeat(xyz(msgs.origin.position), 5, axis=0)
    yield Emit(rr.LineStrips3D.columns(strips=Ragged.from_lengths(np.full(len(msgs), 5), placed)))


@adapters("nav_msgs/msg/OccupancyGrid", carries=["data"], reference=True)
def occupancy_grid(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A map: -1 unknown, 0 free … 100 occupied, in rows from the lower edge; images start at the upper one."""
    grid, origin = msgs.info, msgs.info.origin
    widths, heights = grid.width.astype(np.int64), grid.height.astype(np.int64)
    is_whole = msgs.data.lengths == widths * heights
    whole = np.flatnonzero(is_whole)
    yield Skipped(np.flatnonzero(~is_whole), "a map has not as many cells as its width and height say")
    starts = msgs.data.offsets
    columns = grid_maps(
        [msgs.data.values[starts[i] : starts[i + 1]].view(np.uint8).reshape(heights[i], widths[i]) for i in whole],
        cell_sizes=grid.resolution[whole],
        corners=xyz(origin.position)[whole],
        quaternions=quaternion(origin.orientation)[whole],
        colormap=rr.Colormap.RvizMap,
    )
    yield Emit(columns, rows=whole)
