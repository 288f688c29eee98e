"""Images as pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order, is_smooth, opacity, picture, pixels, value_range
from rrbridge_viewer.visualizers._ours import visualizers

DRAW_ORDER = -10.0


@visualizers("Image", needs=["Image:buffer", "Image:format"], content="2D")
def image(entity: EntityData) -> Iterator[Primitive]:
    """Grey images of 8 bits as they are; others from their least to their greatest value."""
    found = pixels(entity, "Image")
    if found is not None:
        yield picture(
            found,
            shown_range=(0.0, 255.0) if found.dtype == np.uint8 or found.ndim == 3 else value_range(found),
            opacity=opacity(entity, "Image"),
            smooth=is_smooth(entity, "Image"),
            draw_order=draw_order(entity, "Image", DRAW_ORDER),
        )
