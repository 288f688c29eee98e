"""Files into recordings: recordings and bags as they are, images, meshes, videos and texts as one static entity each.

A robot model (URDF) becomes an entity per shape.

The entity of a single file is its path: `/tmp/a b.png` is logged at `/tmp/a\\ b.png`.
"""

from __future__ import annotations

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
from rrbridge.archetypes.assets import AssetAudio, AssetVideo
from rrbridge.archetypes.images import EncodedImage
from rrbridge.archetypes.meshes import Asset3D
from rrbridge.archetypes.text import TextDocument
from rrbridge.errors import FileError, InvalidValueError

__all__ = ["messages_of_contents", "messages_of_file"]

_IMAGES = {".jpg", ".jpeg", ".png", ".webp"}
_MESHES = {".glb", ".gltf", ".obj", ".stl", ".dae"}
_VIDEOS = {".mp4"}
_SOUNDS = {".aac", ".flac", ".m4a", ".mp3", ".ogg", ".wav"}
_TEXTS = {".md": "text/markdown", ".txt": "text/plain"}


def _single(path: Path, contents: bytes) -> Archetype | None:
    """The archetype that holds a file of this name whole; None if there is none."""
    from rrbridge._media_type import MEDIA_TYPES

    kind = path.suffix.lower()
    media_type = MEDIA_TYPES.get(kind)
    if kind in _IMAGES:
        return EncodedImage(contents=contents, media_type=media_type)
    if kind in _MESHES:
        return Asset3D(contents=contents, media_type=media_type)
    if kind in _VIDEOS:
        return AssetVideo(contents=contents, media_type=media_type)
    if kind in _SOUNDS:
        return AssetAudio(contents=contents, media_type=media_type)
    if kind in _TEXTS:
        try:
            return TextDocument(contents.decode(), media_type=_TEXTS[kind])
        except UnicodeDecodeError as err:
            raise FileError(path, f"not UTF-8 text: {err}") from err
    return None


def _entity(path: Path, prefix: str | None) -> str:
    parts = [part for part in path.parts if part not in ("/", ".")]
    return _entity_path.join(prefix or "", _entity_path.normalize(parts))


def _chunk(entity_path: str, archetype: Archetype) -> Chunk:
    columns = [batch.partition([len(batch.batch)]) for batch in archetype.as_component_batches()]
    return Chunk.from_columns(entity_path, components=columns)


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
    if kind in _IMAGES | _MESHES | _VIDEOS | _SOUNDS | _TEXTS.keys():
        try:
            contents = path.read_bytes()
        except OSError as err:
            raise FileError(path, err.strerror or str(err)) from err
        single = _single(path, contents)
        assert single is not None
        yield StoredChunk(into, _chunk(_entity(path, prefix), single))
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
        yield StoredChunk(into, _chunk(_entity(path, prefix), single))
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / (path.name or "file")
        copy.write_bytes(contents)
        yield from messages_of_file(copy, into, prefix=prefix, static=static)
