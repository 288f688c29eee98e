"""Images as JPEG, PNG, … files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import decoded, draw_order, is_smooth, opacity, picture, value_range
from rrbridge_viewer.visualizers._ours import visualizers

DRAW_ORDER = -10.0


@visualizers("EncodedImage", needs=["EncodedImage:blob"], content="2D")
def encoded_image(entity: EntityData) -> Iterator[Primitive]:
    """Decoded when its bytes change."""
    blob = entity.bytes_of("EncodedImage:blob")
    if blob is not None:
        found = decoded(blob)
        yield picture(
            found,
            shown_range=(0.0, 255.0) if found.dtype == np.uint8 else value_range(found),
            opacity=opacity(entity, "EncodedImage"),
            smooth=is_smooth(entity, "EncodedImage"),
            draw_order=draw_order(entity, "EncodedImage", DRAW_ORDER),
        )
