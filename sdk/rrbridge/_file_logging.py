"""Files into recordings: recordings and bags as they are, images, meshes, videos and texts as one static entity each.

A robot model (URDF) becomes an entity per shape.

The entity of a single file is its path: `/tmp/a b.png` is logged at `/tmp/a\\ b.png`.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rrbridge import _entity_path, importers
from rrbridge._archetype import Archetype
from rrbridge._chunk import Chunk
from rrbridge._messages import LogMessage, StoredChunk, StoreId
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.archetypes.assets import AssetAudio, AssetVideo, VideoFrameReference
from rrbridge.archetypes.images import EncodedImage
from rrbridge.archetypes.meshes import Asset3D
from rrbridge.archetypes.text import TextDocument
from rrbridge.errors import FileError, InvalidValueError, RrbridgeError

__all__ = ["messages_of_contents", "messages_of_file"]

log = logging.getLogger(__name__)

_ANYMAP = "image/x-portable-anymap"
_IMAGES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".dds": "image/vnd-ms.dds",
    ".exr": "image/x-exr",
    ".farbfeld": None,
    ".ff": "application/octet-stream",
    ".gif": "image/gif",
    ".hdr": "image/vnd.radiance",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".pam": _ANYMAP,
    ".pbm": _ANYMAP,
    ".pgm": _ANYMAP,
    ".png": "image/png",
    ".ppm": _ANYMAP,
    ".tga": "image/x-targa",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
_MESHES = {".ply", ".glb", ".gltf", ".obj", ".stl", ".dae"}
_VIDEOS = {".mp4"}
_SOUNDS = {".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}
_OPUS = "audio/ogg"
_OWN_TIMELINES: dict[type[Archetype], str] = {AssetAudio: "audio", AssetVideo: "video"}
_TEXTS = {".md": "text/markdown", ".txt": "text/plain"}


def _single(path: Path, contents: bytes) -> Archetype | None:
    """The archetype that holds a file of this name whole; None if there is none."""
    from rrbridge._media_type import MEDIA_TYPES

    kind = path.suffix.lower()
    media_type = MEDIA_TYPES.get(kind)
    if kind in _IMAGES:
        return EncodedImage.from_fields(blob=contents, media_type=_IMAGES[kind])
    if kind == ".ply":
        from rrbridge._ply import archetype_of_ply

        return archetype_of_ply(path, contents)
    if kind in _MESHES:
        return Asset3D(contents=contents, media_type=media_type)
    if kind in _VIDEOS:
        return AssetVideo.from_fields(blob=contents)
    if kind in _SOUNDS:
        return AssetAudio(contents=contents, media_type=media_type or _OPUS)
    if kind in _TEXTS:
        try:
            return TextDocument(contents.decode(), media_type=_TEXTS[kind])
        except UnicodeDecodeError as err:
            raise FileError(path, f"not UTF-8 text: {err}") from err
    return None


def _entity(path: Path, prefix: str | None) -> str:
    parts = [part for part in path.parts if part not in ("/", ".")]
    return _entity_path.join(prefix or "", _entity_path.normalize(parts))


def _chunks(entity_path: str, archetype: Archetype) -> Iterator[Chunk]:
    """A static row; sounds and videos have a time of their own, and a video refers to its frames."""
    columns = [batch.partition([len(batch.batch)]) for batch in archetype.as_component_batches()]
    timeline = _OWN_TIMELINES.get(type(archetype))
    times = [] if timeline is None else [TimeColumn.of(timeline, TimeKind.DURATION, [0])]
    yield Chunk.from_columns(entity_path, times=times, components=columns)
    if timeline is not None and isinstance(archetype, AssetVideo):
        try:
            at_nanos = archetype.read_frame_timestamps_nanos()
        except RrbridgeError as err:
            log.warning("%s: its frames are not known: %s", entity_path, err)
            return
        frames = VideoFrameReference.columns_nanos(at_nanos)
        yield Chunk.from_columns(
            entity_path, times=[TimeColumn.of(timeline, TimeKind.DURATION, at_nanos)], components=frames
        )


def _static(chunk: Chunk) -> Chunk:
    return Chunk.from_columns(chunk.entity_path, components=chunk.components.values(), row_ids=chunk.row_ids)


def _robot(path: Path, prefix: str | None, *, static: bool) -> Iterator[Chunk]:
    """Shapes below the prefix, at the time of logging unless static; the joints at rest in `/tf_static`, always static."""
    from rrbridge.urdf import UrdfTree

    now = time.time_ns()
    for chunk in UrdfTree.from_file_path(path).stream():
        if chunk.entity_path == "/tf_static":
            yield chunk
            continue
        yield Chunk.from_columns(
            _entity_path.join(prefix or "", chunk.entity_path),
            times=[] if static else [TimeColumn.of("log_time", TimeKind.TIMESTAMP, np.array([now]))],
            components=chunk.components.values(),
        )


def messages_of_file(
    path: Path, into: StoreId, *, prefix: str | None = None, static: bool = False
) -> Iterator[LogMessage]:
    """What a file holds. Recordings keep their own ids; all else goes to the recording `into`. Raises FileError."""
    kind = path.suffix.lower()
    if kind in _IMAGES.keys() | _MESHES | _VIDEOS | _SOUNDS | _TEXTS.keys():
        try:
            contents = path.read_bytes()
        except OSError as err:
            raise FileError(path, err.strerror or str(err)) from err
        single = _single(path, contents)
        assert single is not None
        yield from (StoredChunk(into, chunk) for chunk in _chunks(_entity(path, prefix), single))
        return
    if kind == ".urdf":
        for chunk in _robot(path, prefix, static=static):
            yield StoredChunk(into, chunk)
        return
    importer = importers.find(path)
    if isinstance(importer, importers.MessageImporter):
        yield from importer.messages(path, importers.ImportOptions())
        return
    for chunk in importer.chunks(path, importers.ImportOptions(prefix=prefix or "")):
        yield StoredChunk(into, _static(chunk) if static else chunk)


def messages_of_contents(
    path: Path, contents: bytes, into: StoreId, *, prefix: str | None = None, static: bool = False
) -> Iterator[LogMessage]:
    """What a file of this name with this content would hold. Raises FileError, InvalidValueError."""
    if not isinstance(contents, bytes | bytearray | memoryview):
        raise InvalidValueError("file_contents", "bytes", type(contents).__name__)
    single = _single(path, bytes(contents))
    if single is not None:
        yield from (StoredChunk(into, chunk) for chunk in _chunks(_entity(path, prefix), single))
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / (path.name or "file")
        copy.write_bytes(contents)
        yield from messages_of_file(copy, into, prefix=prefix, static=static)
