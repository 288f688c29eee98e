"""Depth images as PNG, … files."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._depth import depth_cloud, depth_picture
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import decoded
from rrbridge_viewer.visualizers._ours import visualizers

NEEDS = ["EncodedDepthImage:blob"]


@visualizers("EncodedDepthImage", needs=NEEDS, content="2D", spaces=["2D"])
def encoded_depth_image(entity: EntityData) -> Iterator[Primitive]:
    """In 2D."""
    blob = entity.bytes_of("EncodedDepthImage:blob")
    if blob is not None and (found := decoded(blob)).ndim == 2:
        yield from depth_picture(entity, "EncodedDepthImage", found)


@visualizers("EncodedDepthImage cloud", needs=NEEDS, content="camera", spaces=["3D"])
def encoded_depth_image_cloud(entity: EntityData) -> Iterator[Primitive]:
    """In 3D."""
    blob = entity.bytes_of("EncodedDepthImage:blob")
    if blob is not None and (found := decoded(blob)).ndim == 2:
        yield from depth_cloud(entity, "EncodedDepthImage", found)
