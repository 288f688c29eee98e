"""Images whose pixels are class ids."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.primitives import Picture, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order, opacity, pixels
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._values import class_color

DRAW_ORDER = 0.0
OPACITY = 0.5
"""What lies below stays visible."""
BACKGROUND_CLASS = 0


@visualizers("SegmentationImage", needs=["SegmentationImage:buffer", "SegmentationImage:format"], content="2D")
def segmentation_image(entity: EntityData) -> Iterator[Primitive]:
    """Each class in its colour; class 0 is nothing unless it is described."""
    found = pixels(entity, "SegmentationImage")
    if found is None or found.ndim != 2:
        return
    class_ids = np.nan_to_num(found, posinf=0, neginf=0).astype(np.int64) if found.dtype.kind == "f" else found
    known, number = np.unique(class_ids, return_inverse=True)
    colors = np.array([class_color(entity, int(class_id)) for class_id in known], np.uint8).reshape(-1, 4)
    if BACKGROUND_CLASS not in entity.annotations:
        colors[known == BACKGROUND_CLASS] = 0
    height, width = found.shape
    yield Picture(
        pixels=colors[number.reshape(height, width)],
        across=(float(width), 0.0, 0.0),
        down=(0.0, float(height), 0.0),
        opacity=opacity(entity, "SegmentationImage", OPACITY),
        draw_order=draw_order(entity, "SegmentationImage", DRAW_ORDER),
    )
