"""Maps that change piece by piece: map_msgs updates, Nav2's costmaps, voxel grids.

An update names cells of a map that came before, so this is a stage. What it makes is the whole map as it is after the update, on
the map's entity, so that at any time there is one picture and it is right. Whole maps are large and updates frequent, so
there is a budget, `BURST_BYTES` and then `BYTES_PER_SEC` of log time. While it is used up, an update is drawn as a small map
of its own where it lies, at `<topic of the update>/patch`; the whole map follows as soon as the budget allows, and at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._entity_path import escape_entity_path_part
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.adapters import Skipped
from rrbridge.columns import STAMP, Columns, Emit, Ragged, nanos
from rrbridge.stages import Messages
from rrbridge_bridge.messages._fields import quaternion, xyz
from rrbridge_bridge.messages._grids import COST_COLORS, Cells, grid_maps
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import rotate

BURST_BYTES = 64 << 20
BYTES_PER_SEC = 4 << 20
"""Of whole maps that updates may write, before compression."""
MAX_CELLS = 1 << 30

SUFFIX = "_updates"
GRID, GRID_UPDATE = "nav_msgs/msg/OccupancyGrid", "map_msgs/msg/OccupancyGridUpdate"
COSTMAP, COSTMAP_UPDATE = "nav2_msgs/msg/Costmap", "nav2_msgs/msg/CostmapUpdate"

Floats = npt.NDArray[np.float64]


@adapters("nav2_msgs/msg/Costmap")
def costmap(msgs: Columns) -> Iterator[Emit | Skipped]:
    """What it costs to be in each cell, in RViz's colours for costs."""
    grids = [_Grid.of_costmap(msgs, row) for row in range(len(msgs))]
    whole = np.array([row for row, grid in enumerate(grids) if grid is not None], np.int64)
    yield Skipped(np.setdiff1d(np.arange(len(msgs)), whole), "a map has not as many cells as its width and height say")
    yield Emit(_drawn([grid for grid in grids if grid is not None]), rows=whole)


@adapters("nav2_msgs/msg/VoxelGrid", "costmap_2d/msg/VoxelGrid")
def voxel_grid(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Marked voxels, as boxes. A column of up to 16 is one number, in which a marked voxel has both its bits set."""
    size = np.stack([msgs.size_x, msgs.size_y, msgs.size_z], axis=-1).astype(np.int64)
    is_whole = (msgs.data.lengths == size[:, 0] * size[:, 1]) & (size[:, 2] <= 16)
    yield Skipped(np.flatnonzero(~is_whole), "a voxel grid has not as many cells as its size says")
    rows = np.flatnonzero(is_whole)
    found = [_marked(msgs.data[row], *size[row].tolist()) for row in rows.tolist()]
    counts = [len(cells) for cells in found]
    cells = np.concatenate(found) if found else np.zeros((0, 3))
    resolution = np.repeat(xyz(msgs.resolutions)[rows], counts, axis=0)
    columns = rr.Boxes3D.columns(
        centers=Ragged.from_lengths(
            counts, np.repeat(xyz(msgs.origin)[rows], counts, axis=0) + (cells + 0.5) * resolution
        ),
        half_sizes=Ragged.from_lengths(counts, resolution / 2),
        fill_mode=np.full(len(rows), rr.FillMode.Solid),
    )
    yield Emit(columns, rows=rows)


def _marked(columns: npt.NDArray[np.uint32], width: int, height: int, depth: int) -> npt.NDArray[np.int64]:
    """Indices x, y, z of marked voxels, shape (n, 3)."""
    both = (columns & (columns >> 16)).reshape(height, width, 1) >> np.arange(depth, dtype=np.uint32)
    y, x, z = np.nonzero(both & 1)
    return np.stack([x, y, z], axis=-1)


@dataclass(frozen=True, eq=False, slots=True)
class _Grid:
    """A map. Once it is part of a state, its cells are not written to."""

    cells: Cells
    cell_size: float
    corner: Floats
    quaternion: Floats
    colormap: rr.Colormap
    frame: str

    @classmethod
    def of_occupancy(cls, msgs: Columns, row: int) -> _Grid | None:
        info = msgs.info
        cells = _cells(msgs.data, row, info.width, info.height)
        return None if cells is None else cls._of(cells, info.resolution, info.origin, rr.Colormap.RvizMap, msgs, row)

    @classmethod
    def of_costmap(cls, msgs: Columns, row: int) -> _Grid | None:
        about = msgs.metadata
        costs = _cells(msgs.data, row, about.size_x, about.size_y)
        if costs is None:
            return None
        return cls._of(COST_COLORS[costs], about.resolution, about.origin, rr.Colormap.RvizCostmap, msgs, row)

    @classmethod
    def _of(
        cls, cells: Cells, resolution: Any, origin: Columns, colormap: rr.Colormap, msgs: Columns, row: int
    ) -> _Grid:
        corner, turn = xyz(origin.position)[row], quaternion(origin.orientation)[row]
        return cls(cells, float(resolution[row]), corner, turn, colormap, msgs.header.frame_id[row])


@dataclass(frozen=True, eq=False, slots=True)
class _Patch:
    """Cells of a map that have changed."""

    x: int
    y: int
    cells: Cells

    @classmethod
    def of(cls, msgs: Columns, row: int) -> _Patch | None:
        is_costmap = "size_x" in msgs
        width, height = (msgs.size_x, msgs.size_y) if is_costmap else (msgs.width, msgs.height)
        cells = _cells(msgs.data, row, width, height)
        if cells is None:
            return None
        return cls(int(msgs.x[row]), int(msgs.y[row]), COST_COLORS[cells] if is_costmap else cells)

    def fits(self, grid: _Grid) -> bool:
        height, width = self.cells.shape
        return (
            self.x >= 0
            and self.y >= 0
            and self.x + width <= grid.cells.shape[1]
            and self.y + height <= grid.cells.shape[0]
        )

    def put_into(self, grid: _Grid) -> None:
        """Change the cells of a grid."""
        height, width = self.cells.shape
        grid.cells[self.y : self.y + height, self.x : self.x + width] = self.cells

    def as_grid(self, grid: _Grid) -> _Grid:
        """A map of its own, where it lies."""
        offset = np.array([[self.x * grid.cell_size, self.y * grid.cell_size, 0.0]])
        corner = grid.corner + rotate(grid.quaternion[None], offset)[0]
        return replace(grid, cells=self.cells, corner=corner)


@dataclass(frozen=True, eq=False, slots=True)
class MapSoFar:
    """What is known of a map."""

    grid: _Grid | None = None
    budget: float = float(BURST_BYTES)
    at_nanos: int = 0
    """Log time up to which the budget is counted."""
    owed: tuple[int, int, int] | None = None
    """Log time, publish time and stamp of an update since which the whole map was not written."""
    topic: str = ""
    """Of the map."""
    patch: str = ""
    """Where updates are drawn that the map does not show yet."""

    def later(self, nanos_now: int) -> MapSoFar:
        """With what time has added to the budget."""
        gained = BYTES_PER_SEC * max(nanos_now - self.at_nanos, 0) / 1e9
        most = max(BURST_BYTES, 0 if self.grid is None else self.grid.cells.size)
        return replace(self, budget=min(self.budget + gained, most), at_nanos=max(nanos_now, self.at_nanos))

    def can_afford(self, grid: _Grid) -> bool:
        """Whether there is budget to write a map whole."""
        return grid.cells.size <= self.budget


def _base(topic: str) -> str:
    """The map's topic, of its updates' topic too."""
    return topic.removesuffix(SUFFIX)


def _settle(state: MapSoFar, until_nanos: int, is_end: bool) -> tuple[MapSoFar, list[Emit]]:
    """The whole map that is still owed, once the budget allows."""
    state = state.later(until_nanos)
    if state.owed is None or state.grid is None or not (is_end or state.can_afford(state.grid)):
        return state, []
    times = _times(np.array([state.owed]))
    whole = [_drawn([state.grid]), rr.CoordinateFrame.columns(frame=[state.grid.frame])]
    emits = [Emit(_cleared(1), at=state.patch, times=times), Emit(whole, at=_entity(state.topic), times=times)]
    return replace(state, owed=None, budget=max(state.budget - state.grid.cells.size, 0.0)), emits


@adapters.stage(GRID, GRID_UPDATE, COSTMAP, COSTMAP_UPDATE, start=MapSoFar(), group=_base, settle=_settle)
def map_updates(state: MapSoFar, msgs: Messages) -> tuple[MapSoFar, list[Emit | Skipped]]:
    """Maps that change piece by piece, whole after each update."""
    columns, last = msgs.columns, len(msgs) - 1
    if msgs.msgtype in (GRID, COSTMAP):
        read = _Grid.of_occupancy if msgs.msgtype == GRID else _Grid.of_costmap
        found = (read(columns, row) for row in range(last, -1, -1))
        grid = next((one for one in found if one is not None), None)
        if grid is None:
            return state, []
        gone = [Emit(_cleared(1), at=state.patch, rows=np.array([last]))] if state.owed else []
        state = replace(state.later(int(msgs.log_time_nanos[-1])), grid=_owned(grid), owed=None, topic=msgs.topic)
        return state, [*gone]
    return _patched(replace(state, topic=_base(msgs.topic), patch=f"{_entity(msgs.topic)}/patch"), msgs)


@np.errstate(invalid="ignore", over="ignore")  # of what is infinitely far or large
def _patched(state: MapSoFar, msgs: Messages) -> tuple[MapSoFar, list[Emit | Skipped]]:
    skipped: dict[str, list[int]] = {}
    wholes: list[tuple[int, _Grid]] = []
    patches: list[tuple[int, _Grid]] = []
    uncovered: list[int] = []
    grid = None if state.grid is None else _owned(state.grid)
    for row in range(len(msgs)):
        patch = _Patch.of(msgs.columns, row)
        if patch is None or grid is None or not patch.fits(grid):
            skipped.setdefault(_reason(patch, grid), []).append(row)
            continue
        patch.put_into(grid)
        state = state.later(int(msgs.log_time_nanos[row]))
        if not state.can_afford(grid):
            patches.append((row, patch.as_grid(grid)))
            state = replace(state, owed=_times_of(msgs, row))
            continue
        wholes.append((row, _owned(grid)))
        uncovered += [row] if state.owed else []
        state = replace(state, owed=None, budget=state.budget - grid.cells.size)
    out: list[Emit | Skipped] = [Skipped(np.array(rows), reason) for reason, rows in skipped.items()]
    if uncovered:
        out.append(Emit(_cleared(len(uncovered)), at=state.patch, rows=np.array(uncovered)))
    for at, grids in ((_entity(state.topic), wholes), (state.patch, patches)):
        if grids:
            out.append(Emit(_drawn([g for _, g in grids]), at=at, rows=np.array([row for row, _ in grids])))
    return replace(state, grid=grid), out


def _reason(patch: _Patch | None, grid: _Grid | None) -> str:
    if patch is None:
        return "an update has not as many cells as its width and height say"
    return "an update came before its map" if grid is None else "an update reaches beyond its map"


def _times_of(msgs: Messages, row: int) -> tuple[int, int, int]:
    stamp = int(nanos(msgs.columns.header.stamp)[row])
    return int(msgs.log_time_nanos[row]), int(msgs.publish_time_nanos[row]), stamp


def _cells(data: Ragged, row: int, widths: Any, heights: Any) -> Cells | None:
    """The cells of a message, as bytes; None where there are not as many as there should be."""
    width, height = int(widths[row]), int(heights[row])
    lo, hi = int(data.offsets[row]), int(data.offsets[row + 1])
    if width * height != hi - lo or width * height > MAX_CELLS:
        return None
    return np.asarray(data.values[lo:hi]).view(np.uint8).reshape(height, width)


def _owned(grid: _Grid) -> _Grid:
    """With cells of its own: those it had belong to a batch, or to a state."""
    return replace(grid, cells=grid.cells.copy())


def _drawn(grids: list[_Grid]) -> rr.ComponentColumnList:
    return grid_maps(
        [grid.cells for grid in grids],
        cell_sizes=np.array([grid.cell_size for grid in grids]),
        corners=np.array([grid.corner for grid in grids]).reshape(-1, 3),
        quaternions=np.array([grid.quaternion for grid in grids]).reshape(-1, 4),
        colormap=grids[0].colormap if grids else rr.Colormap.RvizMap,
    )


def _cleared(count: int) -> rr.ComponentColumnList:
    return rr.Clear._columns({"is_recursive": np.zeros(count, np.bool_)})


def _entity(topic: str) -> str:
    return "/" + "/".join(escape_entity_path_part(part) for part in topic.split("/") if part)


def _times(nanos_of: npt.NDArray[np.int64]) -> list[TimeColumn]:
    names = ("message_log_time", "message_publish_time", STAMP)
    return [TimeColumn.of(name, TimeKind.TIMESTAMP, nanos_of[:, i]) for i, name in enumerate(names)]
