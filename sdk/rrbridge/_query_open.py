"""Opening what holds recordings: files, folders of files, lists of them, and recordings that are being made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, overload

from rrbridge import importers
from rrbridge._memory import memory_limit_bytes
from rrbridge._messages import StoreId, StoreKind
from rrbridge._query_chunks import ChunksOnDisk
from rrbridge._query_recording import LiveRecording, Recording, Recordings
from rrbridge._store import ChunkStore, load_messages
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError
from rrbridge.rrd import Manifest, RrdReader

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream

__all__ = ["open", "open_all"]

PathLike: TypeAlias = str | os.PathLike[str]


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
    """Open recordings to be asked: `.rrd`, `.mcap`, `.bag`, `.db3`, a rosbag2 folder, a folder of such, a list of them.

    One recording is a `Recording`, several are `Recordings`; both have `view`, `align` and `sql`. Files with the same
    application id and recording id, such as the parts of a split run, are one recording. A `RecordingStream` gives a
    recording that grows as it is logged to.

    `options`: how to read what is not yet a recording (topics, times, fields). A finished `.rrd` is opened by its index
    and read as far as it is asked; one that would not fit into `memory_limit` (`"4GB"`, `"25%"`, bytes; None: none)
    stays on disk. Files of other kinds are read into memory. Raises FileError.
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
    found: dict[StoreId, Recording] = {}
    paths_of: dict[StoreId, Path] = {}
    for path in (file for given in paths for file in _files(given)):
        for store_id, recording in _load(path, options, limit):
            paths_of.setdefault(store_id, path)
            known = found.get(store_id)
            found[store_id] = recording if known is None else _joined(known, recording)
    if not found:
        raise FileError(paths[0], "holds no recording, only a layout")
    names = _names(paths_of)
    return Recordings(replace(found[store_id], name=name) for store_id, name in names.items())


def _joined(first: Recording, second: Recording) -> Recording:
    first.store.insert_all(second.store.iter_chunks())
    return replace(first, on_disk=None)


def _load(
    path: Path, options: importers.ImportOptions | None, limit: int | None
) -> Iterator[tuple[StoreId, Recording]]:
    """The recordings of a file. Raises FileError."""
    manifests = _index_of(path) if _is_plain(options) else ()
    if not manifests:
        messages = (m for m in importers.read(path, options) if m.store_id.kind is StoreKind.RECORDING)
        for store_id, store in load_messages(messages).items():
            yield store_id, Recording(path.stem, store)
    for manifest in manifests:
        if manifest.store_id.kind is StoreKind.RECORDING:
            store = ChunkStore.open(path, store_id=manifest.store_id, memory_limit=limit)
            sizes = manifest.uncompressed_sizes if manifest.uncompressed_sizes is not None else manifest.byte_sizes
            is_large = limit is not None and int(sizes.sum()) > limit
            on_disk = ChunksOnDisk(path, manifest.store_id) if is_large else None
            yield manifest.store_id, Recording(path.stem, store, on_disk)


def _is_plain(options: importers.ImportOptions | None) -> bool:
    """Whether all of a recording is wanted, as it is."""
    return options is None or replace(options, note=None, progress=None) == importers.ImportOptions()


def _index_of(path: Path) -> tuple[Manifest, ...]:
    """The index of a finished `.rrd`; empty for anything else. Raises FileError."""
    if path.is_dir() or importers.find(path).name != "RRD":
        return ()
    footer = RrdReader(path).footer()
    return () if footer is None else footer.manifests


def _files(path: Path) -> list[Path]:
    """The file or rosbag2 folder itself, or the recordings in a folder. Raises FileError."""
    if not path.is_dir():
        return [path]
    try:
        importers.find(path)
    except NotARecordingError:
        pass
    else:
        return [path]
    found = []
    for inside in sorted(path.iterdir()):
        try:
            importers.find(inside)
        except NotARecordingError:
            continue
        found.append(inside)
    if not found:
        raise NotARecordingError(path, "no recording in this folder")
    return found


def _names(paths: dict[StoreId, Path]) -> dict[StoreId, str]:
    """The file's name where it says which recording it is, else with the recording's id."""
    stems = {store_id: path.stem or str(path) for store_id, path in paths.items()}
    often = Counter(stems.values())
    return {
        store_id: stem if often[stem] == 1 else f"{stem} {store_id.recording_id}" for store_id, stem in stems.items()
    }
