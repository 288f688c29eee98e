"""Opening what holds recordings: files, folders of files, lists of them, and recordings that are being made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, overload

from rrbridge import importers
from rrbridge._folders import recordings_in
from rrbridge._joined_files import JoinedFiles
from rrbridge._memory import memory_limit_bytes
from rrbridge._messages import StoreId, StoreKind
from rrbridge._query_chunks import ChunksOnDisk
from rrbridge._query_recording import LiveRecording, Recording, Recordings
from rrbridge._store import ChunkStore, load_messages
from rrbridge._store_cold import ColdFile
from rrbridge.errors import FileError, InvalidValueError
from rrbridge.rrd import Manifest, RrdReader
from rrbridge.rrd._importer import reader_of

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream

__all__ = ["open", "open_all"]

PathLike: TypeAlias = str | os.PathLike[str]
Part: TypeAlias = ChunkStore | tuple[RrdReader, Manifest]
"""What a file holds of a recording: read into memory, or its index."""


@overload
def open(source: RecordingStream) -> LiveRecording: ...  # noqa: A001 - `rr.open` is what it is called
@overload
def open(  # noqa: A001
    source: PathLike | Iterable[PathLike],
    options: importers.ImportOptions | None = None,
    *,
    memory_limit: str | int | None = "25%",
) -> Recording | Recordings: ...
def open(  # noqa: A001
    source: RecordingStream | PathLike | Iterable[PathLike],
    options: importers.ImportOptions | None = None,
    *,
    memory_limit: str | int | None = "25%",
) -> Recording | Recordings | LiveRecording:
    """Open recordings to be asked: `.rrd`, `.mcap`, `.bag`, `.db3`, a rosbag2 folder, `.csv` …, a folder of such, a list of them.

    One recording is a `Recording`, several are `Recordings`; both have `view`, `align` and `sql`. Files with the same
    application id and recording id, such as the parts of a split run, are one recording. A `RecordingStream` gives a
    recording that grows as it is logged to.

    `options`: how to read what is not yet a recording (topics, times, fields). An `.rrd` is opened by its index, which is
    made by reading it once where writing was interrupted, and read as far as it is asked; one that would not fit into
    `memory_limit` (`"4GB"`, `"25%"`, bytes; None: none) stays on disk. Files of other kinds are read into memory.
    Raises FileError.
    """
    from rrbridge._recording import RecordingStream

    if isinstance(source, RecordingStream):
        return LiveRecording(source)
    found = open_all(source, options, memory_limit=memory_limit)
    return found[0] if len(found) == 1 and isinstance(source, str | os.PathLike) else found


def open_all(
    source: PathLike | Iterable[PathLike],
    options: importers.ImportOptions | None = None,
    *,
    memory_limit: str | int | None = "25%",
) -> Recordings:
    """The same, as `Recordings` however many there are, so that there is always a column with their names."""
    paths = [Path(path) for path in ([source] if isinstance(source, str | os.PathLike) else source)]
    if not paths:
        raise InvalidValueError("source", "a recording", "none")
    limit = memory_limit_bytes(memory_limit)
    found: dict[StoreId, list[Part]] = {}
    paths_of: dict[StoreId, Path] = {}
    for path in recordings_in(*paths):
        for store_id, part in _load(path, options):
            paths_of.setdefault(store_id, path)
            found.setdefault(store_id, []).append(part)
    if not found:
        raise FileError(paths[0], "holds no recording, at most a layout")
    names = _names(paths_of)
    return Recordings(_recording(name, store_id, found[store_id], limit) for store_id, name in names.items())


def _load(path: Path, options: importers.ImportOptions | None) -> Iterator[tuple[StoreId, Part]]:
    """The recordings of a file. Raises FileError."""
    is_rrd = not path.is_dir() and importers.find(path).name == "RRD"
    reader = reader_of(path, options) if is_rrd and _is_plain(options) else None
    manifests = () if reader is None else reader.manifests()
    if reader is None or not manifests:
        messages = (m for m in importers.read(path, options) if m.store_id.kind is StoreKind.RECORDING)
        yield from load_messages(messages).items()
        return
    for manifest in manifests:
        if manifest.store_id.kind is StoreKind.RECORDING:
            yield manifest.store_id, (reader, manifest)


def _recording(name: str, store_id: StoreId, parts: list[Part], limit: int | None) -> Recording:
    """One recording of what files hold of it; in memory, unless all of them have an index."""
    on_disk = [part for part in parts if not isinstance(part, ChunkStore)]
    if len(on_disk) == len(parts):
        reader = on_disk[0][0] if len(parts) == 1 else JoinedFiles.of(on_disk)
        if reader is not None:
            return _on_disk(name, store_id, reader, limit)
    if len(parts) == 1 and isinstance(parts[0], ChunkStore):
        return Recording(name, parts[0])
    store = ChunkStore(store_id)
    for part in parts:
        given = part if isinstance(part, ChunkStore) else ChunkStore.open(part[0], store_id=store_id)
        store.insert_all(given.iter_chunks())
    return Recording(name, store)


def _on_disk(name: str, store_id: StoreId, reader: RrdReader | JoinedFiles, limit: int | None) -> Recording:
    store = ChunkStore.open(reader, store_id=store_id, memory_limit=limit)
    manifest = next(manifest for manifest in reader.manifests() if manifest.store_id == store_id)
    sizes = manifest.uncompressed_sizes if manifest.uncompressed_sizes is not None else manifest.byte_sizes
    is_large = limit is not None and int(sizes.sum()) > limit
    return Recording(name, store, ChunksOnDisk(ColdFile(reader, manifest)) if is_large else None)


def _is_plain(options: importers.ImportOptions | None) -> bool:
    """Whether all of a recording is wanted, as it is."""
    return options is None or replace(options, note=None, progress=None) == importers.ImportOptions()


def _names(paths: dict[StoreId, Path]) -> dict[StoreId, str]:
    """The file's name where it says which recording it is, else with the recording's id."""
    stems = {store_id: path.stem or str(path) for store_id, path in paths.items()}
    often = Counter(stems.values())
    return {
        store_id: stem if often[stem] == 1 else f"{stem} {store_id.recording_id}" for store_id, stem in stems.items()
    }
