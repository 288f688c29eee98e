"""Named frames in space: their axes, their names, and lines to their parents."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rrbridge._transform_frames import is_implicit
from rrbridge._transforms import Relations
from rrbridge_viewer.pinholes import Pinholes
from rrbridge_viewer.query import Query
from rrbridge_viewer.render.primitives import F64, Colors, Labels, Lines, Primitive
from rrbridge_viewer.visualizers._axes import axes

__all__ = ["FRAMES", "frame_primitives"]

FRAMES = ""
"""In place of an entity's path: frames belong to none."""
LENGTH_SHARE = 0.05
"""Of axes, as a share of the space that the frames fill."""
LINK_SHARE = 0.4
"""Of axes, as a share of the usual distance to the parent: they should not reach into each other."""
LONELY_LENGTH = 0.3
"""Scene units, where all frames are at one place."""
LINK_COLOR: Colors = np.array([[92, 101, 112, 255]], np.uint8)
NAME_COLOR: Colors = np.array([[150, 159, 169, 255]], np.uint8)
LINK_RADIUS = np.array([-0.75], np.float32)


def frame_primitives(query: Query, frame: str) -> tuple[Primitive, ...]:
    """The named frames that are connected with `frame`; the very same objects while none of them moves."""
    transforms = query.recording.transforms
    planes = Pinholes(query.recording, query.timeline, query.time).image_frames
    names = [name for name in transforms.frames() if not is_implicit(name) and name not in planes]
    if not names:
        return ()
    relations = transforms.transforms_to(frame, names, query.timeline, query.time)
    return query.recording.memo(
        ("frames", frame), relations, lambda: _primitives(relations, transforms.parents(query.timeline, query.time))
    )


def _primitives(relations: Relations, parents: Mapping[str, str | None]) -> tuple[Primitive, ...]:
    of_others = set(parents.values())
    shown = [
        index
        for index in np.flatnonzero(relations.connected).tolist()
        # A frame that no transform speaks of says nothing.
        if parents.get(relations.sources[index]) is not None or relations.sources[index] in of_others
    ]
    if not shown:
        return ()
    names = [relations.sources[index] for index in shown]
    poses = relations.target_from_source[shown]
    place = {name: number for number, name in enumerate(names)}
    linked = np.array([place.get(parents.get(name) or "", -1) for name in names], np.int64)
    origins = poses[:, :3, 3]
    children = np.flatnonzero(linked >= 0)
    links = np.stack([origins[linked[children]], origins[children]], axis=1)
    made: list[Primitive] = []
    if len(children):
        made.append(
            Lines(
                key="frames#links",
                entity_path=FRAMES,
                positions=links.reshape(-1, 3).astype(np.float32),
                offsets=np.arange(len(children) + 1) * 2,
                colors=LINK_COLOR,
                radii=LINK_RADIUS,
                instance_ids=children.astype(np.uint32),
            )
        )
    drawn = axes(poses[:, :3].astype(np.float32), _length(origins, links))
    made.append(
        Lines(
            key="frames#axes",
            entity_path=FRAMES,
            positions=drawn.positions,
            offsets=drawn.offsets,
            colors=drawn.colors,
            radii=drawn.radii,
            instance_ids=drawn.instance_ids,
        )
    )
    made.append(
        Labels(
            key="frames#names",
            entity_path=FRAMES,
            texts=tuple(names),
            positions=origins.astype(np.float32),
            colors=NAME_COLOR,
            beside=True,
        )
    )
    return tuple(made)


def _length(origins: F64, links: F64) -> float:
    """How long axes should be; a power of two, so that it seldom changes while the robot moves."""
    low, high = np.quantile(origins, [0.05, 0.95], axis=0)
    extent = float(np.linalg.norm(high - low))
    distances = np.linalg.norm(links[:, 1] - links[:, 0], axis=1)
    distances = distances[distances > 1e-6]
    usual = float(np.median(distances)) if len(distances) else 0.0
    wanted = [share for share in (extent * LENGTH_SHARE, usual * LINK_SHARE) if share > 1e-6]
    return 2.0 ** round(math.log2(min(wanted))) if wanted else LONELY_LENGTH
