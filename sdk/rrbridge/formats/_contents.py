"""Files that become one entity as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rrbridge import _entity_path
from rrbridge._archetype import Archetype
from rrbridge._chunk import Chunk
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import FileError, RrbridgeError
from rrbridge.importers import ImportOptions, Note, Summary, TopicSummary

__all__ = ["ContentImporter", "content_chunks", "content_id", "read_content"]

MAX_BYTES = 2**31 - 1
"""What a cell of bytes in Arrow holds."""
OWN_TIMELINES = {"AssetAudio": "audio", "AssetVideo": "video"}


@dataclass(slots=True)
class ContentImporter:
    """Opens one kind of file, told by its name; what it holds stands at the entity of its name."""

    name: str
    media_types: Mapping[str, str | None]
    """By suffix, lower case; None: viewers find out."""
    archetype: Callable[[Path, bytes, str | None], Archetype]
    """Of path, content and media type. Raises FileError."""

    def probe(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - many of these begin with anything
        """By the file's name."""
        return path.suffix.lower() in self.media_types and not path.is_dir()

    def info(self, path: Path) -> Summary:
        """One entity."""
        size = _size(path)
        kind = self.media_types[path.suffix.lower()] or self.name
        topic = TopicSummary(_entity_path.normalize([path.name]), kind, 1)
        return Summary(path, self.name, size, None, None, (topic,))

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """The file as it is. Raises FileError."""
        entity = _entity_path.normalize([path.name])
        if not options.wants(entity):
            return
        content = read_content(path)
        tell = options.note or (lambda _: None)
        yield from content_chunks(
            _entity_path.join(options.prefix, entity), self.of_content(path, content), lambda text: tell(Note(text))
        )
        if options.progress:
            options.progress(len(content), len(content))

    def of_content(self, path: Path, content: bytes) -> Archetype:
        """What a file of this name with this content is. Raises FileError."""
        return self.archetype(path, content, self.media_types[path.suffix.lower()])

    def recording_id(self, path: Path) -> str:
        """Of its content."""
        return content_id(read_content(path))


def read_content(path: Path) -> bytes:
    """All bytes of a file. Raises FileError."""
    if _size(path) > MAX_BYTES:
        raise FileError(path, f"is larger than {MAX_BYTES} bytes, which is what one cell of a recording holds")
    try:
        return path.read_bytes()
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err


def content_id(*contents: bytes) -> str:
    """32 hex digits, equal for equal content."""
    from hashlib import blake2b

    digest = blake2b(digest_size=16)
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def content_chunks(entity_path: str, archetype: Archetype, tell: Callable[[str], None]) -> Iterator[Chunk]:
    """A static row; sounds and videos have a time of their own, and a video refers to its frames."""
    columns = [batch.partition([len(batch.batch)]) for batch in archetype.as_component_batches()]
    timeline = OWN_TIMELINES.get(type(archetype).__name__)
    if timeline is None:
        yield Chunk.from_columns(entity_path, components=columns)
        return
    times = [TimeColumn.of(timeline, TimeKind.DURATION, [0])]
    yield Chunk.from_columns(entity_path, times=times, components=columns)
    if timeline == "video":
        yield from _frames(entity_path, archetype, tell)


def _frames(entity_path: str, archetype: Archetype, tell: Callable[[str], None]) -> Iterator[Chunk]:
    from rrbridge.archetypes.assets import AssetVideo, VideoFrameReference

    assert isinstance(archetype, AssetVideo)
    try:
        at_nanos = archetype.read_frame_timestamps_nanos()
    except RrbridgeError as err:
        tell(f"{entity_path}: its frames are not known: {err}")
        return
    times = [TimeColumn.of("video", TimeKind.DURATION, at_nanos)]
    yield Chunk.from_columns(entity_path, times=times, components=VideoFrameReference.columns_nanos(at_nanos))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
