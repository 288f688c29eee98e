"""Depth images as PNG, … files, or as RVL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

from rrbridge._rvl import MEDIA_TYPE, depth_of_message
from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._depth import depth_cloud, depth_picture
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import decoded
from rrbridge_viewer.visualizers._ours import visualizers

NEEDS = ["EncodedDepthImage:blob"]


@visualizers("EncodedDepthImage", needs=NEEDS, content="2D", spaces=["2D"])
def encoded_depth_image(entity: EntityData) -> Iterator[Primitive]:
    """In 2D."""
    if (found := _depths(entity)) is not None:
        yield from depth_picture(entity, "EncodedDepthImage", found)


@visualizers("EncodedDepthImage cloud", needs=NEEDS, content="camera", spaces=["3D"])
def encoded_depth_image_cloud(entity: EntityData) -> Iterator[Primitive]:
    """In 3D."""
    if (found := _depths(entity)) is not None:
        yield from depth_cloud(entity, "EncodedDepthImage", found)


def _depths(entity: EntityData) -> npt.NDArray[Any] | None:
    """(h, w)."""
    blob = entity.bytes_of("EncodedDepthImage:blob")
    if blob is None:
        return None
    if entity.scalar("EncodedDepthImage:media_type") == MEDIA_TYPE:
        return depth_of_message(blob)
    found = decoded(blob)
    return found if found.ndim == 2 else None
