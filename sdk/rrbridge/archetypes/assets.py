"""Whole video and audio files."""

from __future__ import annotations

from dataclasses import KW_ONLY
from pathlib import Path

from rrbridge import components as c
from rrbridge._archetype import Archetype
from rrbridge.encodings import BlobLike, read_bytes
from rrbridge.errors import InvalidValueError

_VIDEO_TYPES = {".mp4": "video/mp4"}
_AUDIO_TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg"}


def _content(
    name: str,
    types: dict[str, str],
    path: str | Path | None,
    contents: BlobLike | None,
    media_type: c.MediaTypeLike | None,
) -> tuple[BlobLike, c.MediaTypeLike | None]:
    """The file's bytes and media type, from its path or as given."""
    if path is not None and contents is None:
        return read_bytes(path), media_type or types.get(Path(path).suffix.lower())
    if contents is not None and path is None:
        return contents, media_type
    raise InvalidValueError(name, "exactly one of path=, contents=", "both" if path else "neither")


class AssetVideo(Archetype):
    """A whole video file; `VideoFrameReference` says which frame is shown when."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.BlobLike | None = None,
        media_type: c.MediaTypeLike | None = None,
    ) -> None:
        """Give `path`, or `contents` with its media type."""
        blob, media = _content("AssetVideo", _VIDEO_TYPES, path, contents, media_type)
        self._assign(blob=blob, media_type=media)


class AssetAudio(Archetype):
    """A whole sound file."""

    blob: c.BlobLike
    _: KW_ONLY
    media_type: c.MediaTypeLike | None = None

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        contents: c.BlobLike | None = None,
        media_type: c.MediaTypeLike | None = None,
    ) -> None:
        """Give `path`, or `contents` with its media type."""
        blob, media = _content("AssetAudio", _AUDIO_TYPES, path, contents, media_type)
        self._assign(blob=blob, media_type=media)


class VideoFrameReference(Archetype):
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
        given = [
            v for v in (timestamp, nanoseconds, None if seconds is None else round(seconds * 1e9)) if v is not None
        ]
        if len(given) != 1:
            raise InvalidValueError(
                "VideoFrameReference", "one of timestamp, seconds=, nanoseconds=", f"{len(given)} of them"
            )
        self._assign(timestamp=given[0], video_reference=video_reference, opacity=opacity, draw_order=draw_order)
