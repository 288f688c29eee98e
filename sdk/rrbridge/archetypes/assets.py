"""Whole video and audio files."""

from __future__ import annotations

from dataclasses import KW_ONLY
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList, DrawnArchetype
from rrbridge._files import file_content
from rrbridge.errors import InvalidValueError


class AssetVideo(Archetype):
    """A whole video file; `VideoFrameReference` says which frame is shown when."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.BlobLike | IO[bytes] | None = None,
        media_type: c.MediaTypeLike | None = None,
    ) -> None:
        """Give `path`, or `contents` with its media type."""
        blob, media = file_content("AssetVideo", path, contents, media_type)
        self._assign(blob=blob, media_type=media)

    @classmethod
    def columns(  # type: ignore[override]  # columns take the file's bytes, not its path
        cls, *, blob: c.BlobLike | None = None, media_type: c.MediaTypeLike | None = None
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"blob": blob, "media_type": media_type})

    def read_frame_timestamps_nanos(self) -> npt.NDArray[np.int64]:
        """When each frame is shown, nanoseconds since the video's start, in order. Raises MissingExtraError without PyAV."""
        from rrbridge._video import frame_timestamps_nanos

        if self.blob is None:
            raise InvalidValueError("AssetVideo", "a video", "none")
        return frame_timestamps_nanos(np.asarray(cast("Any", self.blob).values).tobytes())


class AssetAudio(DrawnArchetype):
    """A whole sound file."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.BlobLike | IO[bytes] | None = None,
        media_type: c.MediaTypeLike | None = None,
    ) -> None:
        """Give `path`, or `contents` with its media type."""
        blob, media = file_content("AssetAudio", path, contents, media_type)
        self._assign(blob=blob, media_type=media)

    @classmethod
    def columns(  # type: ignore[override]  # columns take the file's bytes, not its path
        cls, *, blob: c.BlobLike | None = None, media_type: c.MediaTypeLike | None = None
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"blob": blob, "media_type": media_type})


class VideoFrameReference(DrawnArchetype):
    """Shows one frame of a video."""

    timestamp: c.VideoTimestampLike
    """Nanoseconds since the video's start."""
    _: KW_ONLY
    video_reference: c.EntityPathLike | None = None
    """The entity with the video; none: the same."""
    opacity: c.OpacityLike | None = None
    draw_order: c.DrawOrderLike | None = None

    def __init__(
        self,
        timestamp: int | None = None,
        *,
        seconds: float | None = None,
        nanoseconds: int | None = None,
        video_reference: str | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
    ) -> None:
        """Give one of `timestamp` (nanoseconds), `seconds`, `nanoseconds`."""
        if isinstance(timestamp, float):
            raise InvalidValueError(
                "VideoFrameReference", "nanoseconds as a whole number, or seconds=", repr(timestamp)
            )
        in_nanos = None if seconds is None else round(seconds * 1e9)
        given = [v for v in (timestamp, nanoseconds, in_nanos) if v is not None]
        if len(given) != 1:
            raise InvalidValueError(
                "VideoFrameReference", "one of timestamp, seconds=, nanoseconds=", f"{len(given)} of them"
            )
        self._assign(timestamp=given[0], video_reference=video_reference, opacity=opacity, draw_order=draw_order)

    @classmethod
    def columns(  # type: ignore[override]  # columns are given field by field, without the constructor's other ways
        cls,
        *,
        timestamp: c.VideoTimestampLike | None = None,
        video_reference: c.EntityPathLike | None = None,
        opacity: c.OpacityLike | None = None,
        draw_order: c.DrawOrderLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns(
            {
                "timestamp": timestamp,
                "video_reference": video_reference,
                "opacity": opacity,
                "draw_order": draw_order,
            }
        )

    @classmethod
    def columns_secs(cls, seconds: npt.ArrayLike) -> ComponentColumnList:
        """Many rows at once, from seconds since the video's start."""
        return cls.columns(timestamp=_nanos(seconds, 1e9))

    @classmethod
    def columns_millis(cls, milliseconds: npt.ArrayLike) -> ComponentColumnList:
        """Many rows at once, from milliseconds since the video's start."""
        return cls.columns(timestamp=_nanos(milliseconds, 1e6))

    @classmethod
    def columns_nanos(cls, nanoseconds: npt.ArrayLike) -> ComponentColumnList:
        """Many rows at once, from nanoseconds since the video's start."""
        return cls.columns(timestamp=_nanos(nanoseconds, 1))


def _nanos(values: npt.ArrayLike, factor: float) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise InvalidValueError("VideoFrameReference:timestamp", "numbers", str(array.dtype))
    whole = array.dtype.kind in "iu"
    nanos: npt.NDArray[np.int64] = (
        array.astype(np.int64) * int(factor) if whole else np.rint(array * factor).astype(np.int64)
    )
    return nanos
