"""Opening what holds recordings: files, folders of files, lists of them, and recordings that are being made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, overload

from rrbridge import importers
from rrbridge._messages import LogMessage, StoreId, StoreKind
from rrbridge._query_recording import LiveRecording, Recording, Recordings
from rrbridge._store import ChunkStore, load_messages
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError

if TYPE_CHECKING:
    from rrbridge._recording import RecordingStream

__all__ = ["open", "open_all"]

PathLike: TypeAlias = str | os.PathLike[str]


@overload
def open(source: RecordingStream) -> LiveRecording: ...  # noqa: A001 - `rr.open` is what it is called
@overload
def open(  # noqa: A001
    source: PathLike | Iterable[PathLike], options: importers.ImportOptions | None = None
) -> Recording | Recordings: ...
def open(  # noqa: A001
    source: RecordingStream | PathLike | Iterable[PathLike], options: importers.ImportOptions | None = None
) -> Recording | Recordings | LiveRecording:
    """Open recordings to be asked: `.rrd`, `.mcap`, `.bag`, `.db3`, a rosbag2 folder, a folder of such, a list of them.

    One recording is a `Recording`, several are `Recordings`; both have `view`, `align` and `sql`. Files with the same
    application id and recording id, such as the parts of a split run, are one recording. A `RecordingStream` gives a
    recording that grows as it is logged to. `options`: how to read what is not yet a recording (topics, times, fields).
    Raises FileError.
    """
    from rrbridge._recording import RecordingStream

    if isinstance(source, RecordingStream):
        return LiveRecording(source)
    found = open_all(source, options)
    return found[0] if len(found) == 1 and not _is_list(source) else found


def open_all(source: PathLike | Iterable[PathLike], options: importers.ImportOptions | None = None) -> Recordings:
    """The same, as `Recordings` however many there are, so that there is always a column with their names."""
    paths = [Path(path) for path in ([source] if isinstance(source, str | os.PathLike) else source)]
    if not paths:
        raise InvalidValueError("source", "a recording", "none")
    stores: dict[StoreId, ChunkStore] = {}
    paths_of: dict[StoreId, Path] = {}
    for path in (file for given in paths for file in _files(given)):
        for store_id, store in _load(path, options).items():
            known = stores.setdefault(store_id, store)
            paths_of.setdefault(store_id, path)
            if known is not store:
                known.insert_all(store.chunks())
    if not stores:
        raise FileError(paths[0], "holds no recording, only a layout")
    return Recordings(Recording(name, stores[store_id]) for store_id, name in _names(paths_of).items())


def _load(path: Path, options: importers.ImportOptions | None) -> dict[StoreId, ChunkStore]:
    return load_messages(message for message in _recording_messages(path, options))


def _recording_messages(path: Path, options: importers.ImportOptions | None) -> Iterator[LogMessage]:
    return (m for m in importers.read(path, options) if m.store_id.kind is StoreKind.RECORDING)


def _is_list(source: object) -> bool:
    return not isinstance(source, str | os.PathLike)


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
