"""Depth images as pixels."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._depth import depth_cloud, depth_picture
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import pixels
from rrbridge_viewer.visualizers._ours import visualizers

NEEDS = ["DepthImage:buffer", "DepthImage:format"]


@visualizers("DepthImage", needs=NEEDS, content="2D", spaces=["2D"])
def depth_image(entity: EntityData) -> Iterator[Primitive]:
    """In 2D."""
    found = pixels(entity, "DepthImage")
    if found is not None and found.ndim == 2:
        yield from depth_picture(entity, "DepthImage", found)


@visualizers("DepthImage cloud", needs=NEEDS, content="camera", spaces=["3D"])
def depth_image_cloud(entity: EntityData) -> Iterator[Primitive]:
    """In 3D."""
    found = pixels(entity, "DepthImage")
    if found is not None and found.ndim == 2:
        yield from depth_cloud(entity, "DepthImage", found)
