"""A folder of pictures and nothing else: a sequence at one entity, in the order of their names.

Times: `frame` counts from 0. Where all names are times, as many datasets have it (`1403636579763555584.png` in nanoseconds,
`1305031102.175304.png` in seconds), `timestamp` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import FileError
from rrbridge.formats._contents import content_id, read_content
from rrbridge.formats.pictures import MEDIA_TYPES
from rrbridge.importers import ImportOptions, Summary, TopicSummary, natural_order

__all__ = ["PictureFolderImporter", "importer"]

CHUNK_BYTES = 4 << 20
TIME_NAME = re.compile(r"(?P<nanos>\d{19})|(?P<micros>\d{16})|(?P<seconds>\d{10})\.(?P<fraction>\d{1,9})")


class PictureFolderImporter:
    """Opens folders of at least two pictures."""

    name = "folder of pictures"

    def probe(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - folders have none
        """Whether there is nothing else in the folder; hidden files do not count."""
        if not path.is_dir():
            return False
        try:
            inside = [p for p in path.iterdir() if not p.name.startswith(".")]
        except OSError:
            return False
        return len(inside) > 1 and all(p.suffix.lower() in MEDIA_TYPES and not p.is_dir() for p in inside)

    def info(self, path: Path) -> Summary:
        """By names and sizes."""
        found = pictures(path)
        stamps = times_of_names(found)
        start, end = (int(stamps.min()), int(stamps.max())) if stamps is not None else (None, None)
        kinds = sorted({MEDIA_TYPES[p.suffix.lower()] or p.suffix for p in found})
        topic = TopicSummary(_entity_path.normalize([_name(path)]), ", ".join(kinds), len(found), "", start, end)
        return Summary(path, self.name, sum(p.stat().st_size for p in found), start, end, (topic,))

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """A row per picture. Raises FileError."""
        entity = _entity_path.normalize([_name(path)])
        if not options.wants(entity):
            return
        found = pictures(path)
        stamps = times_of_names(found)
        rows = np.arange(len(found))
        if stamps is not None:
            low = options.start_nanos if options.start_nanos is not None else stamps.min()
            high = options.end_nanos if options.end_nanos is not None else stamps.max()
            rows = np.flatnonzero((stamps >= low) & (stamps <= high))
        total, done = sum(found[row].stat().st_size for row in rows), 0
        batch: list[tuple[int, bytes]] = []
        for row in rows.tolist():
            batch.append((row, read_content(found[row])))
            done += len(batch[-1][1])
            if sum(len(content) for _, content in batch) >= CHUNK_BYTES:
                yield _chunk(_entity_path.join(options.prefix, entity), found, stamps, batch)
                batch = []
            if options.progress:
                options.progress(done, total)
        if batch:
            yield _chunk(_entity_path.join(options.prefix, entity), found, stamps, batch)

    def recording_id(self, path: Path) -> str:
        """Of the pictures' names and sizes, and of the first and the last."""
        found = pictures(path)
        names = "\0".join(f"{p.name} {p.stat().st_size}" for p in found).encode("utf-8", "surrogateescape")
        return content_id(names, read_content(found[0]), read_content(found[-1]))


def pictures(path: Path) -> list[Path]:
    """The pictures of a folder: `a2.png` comes before `a10.png`. Raises FileError if there are none."""
    inside = [p for p in path.iterdir() if p.suffix.lower() in MEDIA_TYPES and not p.name.startswith(".")]
    if not inside:
        raise FileError(path, "holds no pictures")
    stamps = times_of_names(inside)
    if stamps is not None:
        return [inside[i] for i in np.argsort(stamps, kind="stable")]
    return sorted(inside, key=natural_order)


def times_of_names(paths: Sequence[Path]) -> npt.NDArray[np.int64] | None:
    """Nanoseconds since the epoch, one for each path, if the names of all are times of one kind."""
    matches = [TIME_NAME.fullmatch(path.stem) for path in paths]
    kinds = {match.lastgroup if match else None for match in matches}
    if None in kinds or len(kinds) != 1:
        return None
    return np.array([_nanos(match) for match in matches if match], np.int64)


def _nanos(match: re.Match[str]) -> int:
    if match["seconds"]:
        return int(match["seconds"]) * 10**9 + int(match["fraction"].ljust(9, "0"))
    return int(match["nanos"]) if match["nanos"] else int(match["micros"]) * 1000


def _chunk(
    entity: str,
    found: Sequence[Path],
    stamps: npt.NDArray[np.int64] | None,
    batch: Sequence[tuple[int, bytes]],
) -> Chunk:
    from rrbridge.archetypes.images import EncodedImage

    rows = np.array([row for row, _ in batch])
    times = [TimeColumn.of("frame", TimeKind.SEQUENCE, rows)]
    if stamps is not None:
        times.append(TimeColumn.of("timestamp", TimeKind.TIMESTAMP, stamps[rows]))
    columns = EncodedImage.columns(
        blob=[content for _, content in batch],
        media_type=[_media_type(found[row]) for row in rows],
    )
    return Chunk.from_columns(entity, times=times, components=columns)


def _media_type(path: Path) -> str:
    return MEDIA_TYPES[path.suffix.lower()] or "application/octet-stream"


def _name(path: Path) -> str:
    return path.name or path.resolve().name


importer = PictureFolderImporter()
