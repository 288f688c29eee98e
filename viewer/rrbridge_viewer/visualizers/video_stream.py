"""Video as a stream of compressed frames."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_viewer.render.primitives import Primitive
from rrbridge_viewer.render.video_decoding import VideoDecoders
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._images import draw_order, opacity, picture
from rrbridge_viewer.visualizers._ours import visualizers

DRAW_ORDER = -15.0

decoders = VideoDecoders()


@visualizers("VideoStream", needs=["VideoStream:codec"], content="2D")
def video_stream(entity: EntityData) -> Iterator[Primitive]:
    """The frame at the cursor."""
    found = decoders.frame(entity.path, int(entity.scalar("VideoStream:codec") or 0), entity.video)
    if found is not None:
        yield picture(
            found,
            opacity=opacity(entity, "VideoStream"),
            draw_order=draw_order(entity, "VideoStream", DRAW_ORDER),
        )
