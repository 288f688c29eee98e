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
from rrbridge._chunk import Chunk
from rrbridge._messages import LogMessage, StoredChunk, StoreId
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import InvalidValueError
from rrbridge.formats._contents import ContentImporter, content_chunks, read_content

__all__ = ["messages_of_contents", "messages_of_file"]

log = logging.getLogger(__name__)


def _of_contents(path: Path) -> ContentImporter | None:
    """The importer of files that hold one thing as a whole, if this is one by its name."""
    from rrbridge.formats import meshes, pictures, sounds, texts, videos

    known = (pictures.importer, meshes.importer, videos.importer, sounds.importer, texts.importer)
    return next((importer for importer in known if path.suffix.lower() in importer.media_types), None)


def _entity(path: Path, prefix: str | None) -> str:
    parts = [part for part in path.parts if part not in ("/", ".")]
    return _entity_path.join(prefix or "", _entity_path.normalize(parts))


def _chunks(single: ContentImporter, path: Path, contents: bytes, prefix: str | None) -> Iterator[Chunk]:
    return content_chunks(_entity(path, prefix), single.of_content(path, contents), log.warning)


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
    single = _of_contents(path)
    if single is not None:
        contents = read_content(path)
        yield from (StoredChunk(into, chunk) for chunk in _chunks(single, path, contents, prefix))
        return
    if path.suffix.lower() == ".urdf":
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
    single = _of_contents(path)
    if single is not None:
        yield from (StoredChunk(into, chunk) for chunk in _chunks(single, path, bytes(contents), prefix))
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / (path.name or "file")
        copy.write_bytes(contents)
        yield from messages_of_file(copy, into, prefix=prefix, static=static)
