"""Opening files of any kind. An importer turns one kind of file into chunks; `read` finds the right one.

Importers come through the entry point group `rrbridge.importers`, which names an object that follows `Importer`.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from rrbridge import plugins
from rrbridge._chunk import Chunk
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import EmptyFileError, FileError, NotARecordingError

if TYPE_CHECKING:
    from rrbridge._mcap_info import McapInfo

__all__ = [
    "EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE",
    "ImportOptions",
    "Importer",
    "McapImporter",
    "MessageImporter",
    "Note",
    "Summary",
    "TopicSummary",
    "find",
    "info",
    "installed",
    "natural_order",
    "read",
]

EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE = 66
"""How a program that the reference's viewer asks to import a file says that the file is not of its kind."""

HEAD_BYTES = 64
RECORDING_SUFFIXES = frozenset((".bag", ".db3", ".mcap", ".rrd", ".rbl"))
"""Of files that say themselves, by their first bytes, what they are."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a person should know about a file, as found out by reading it: damaged, unindexed, kept as bytes only …"""

    text: str
    """A sentence without the file's name."""
    is_loss: bool = False
    """Whether part of the data is missing, or could not be read, because of it."""
    about: str = ""
    """If it is of a thing that goes on, such as messages that get lost: a later note about the same replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to open a file. Importers ignore what has no meaning for their format."""

    application_id: str = "rrbridge"
    """One id for all converted data, so that a layout saved today fits tomorrow's bag."""
    recording_id: str | None = None
    """None: one derived from the file's content, the same at every conversion."""
    robot: str | None = None
    """Adds a recording property that names the robot."""
    prefix: str = ""
    """Put before entity paths and frame ids, to tell several robots apart."""
    include: tuple[re.Pattern[str], ...] = ()
    """Topics to take (any may match); empty: all."""
    exclude: tuple[re.Pattern[str], ...] = ()
    """Topics to leave out."""
    start_nanos: int | None = None
    """Leave out messages logged before this."""
    end_nanos: int | None = None
    """Leave out messages logged after this."""
    fields: Literal["all", "unmapped", "none"] = "all"
    """Whose message fields become typed columns: every message's, only those without an adapter, or none."""
    mapping: Literal["all", "reference"] = "all"
    """Every adapter, or only those for types that the reference importer maps too."""
    raw: bool = False
    """Keep each message's bytes, so that the bag can be made again."""
    carries_latched: bool = True
    """What was latched before `start_nanos` stands at the start again."""
    definitions: tuple[Path, ...] = ()
    """Folders to search for message definitions (a workspace's `src`) and `package://` files."""
    progress: Callable[[int, int], None] | None = None
    """Called now and then with bytes done and bytes in all."""
    note: Callable[[Note], None] | None = None
    """Called with what a person should know, by the time that reading has come to its end."""

    def wants(self, topic: str) -> bool:
        """Whether a topic is to be taken."""
        if any(p.search(topic) for p in self.exclude):
            return False
        return not self.include or any(p.search(topic) for p in self.include)


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """One topic of a file, without reading its messages."""

    topic: str
    msgtype: str
    count: int | None
    """Number of messages; None where only a full read can tell."""
    encoding: str = ""
    start_nanos: int | None = None
    end_nanos: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a file holds, from its index."""

    path: Path
    format: str
    """`ROS 1 bag`, `rosbag2 sqlite3`, `MCAP`, `RRD` …"""
    size_bytes: int
    start_nanos: int | None
    end_nanos: int | None
    topics: tuple[TopicSummary, ...]
    notes: tuple[str, ...] = ()
    """What a person should know: truncated, unindexed, several recordings …"""


@runtime_checkable
class Importer(Protocol):
    """Opens one kind of file."""

    name: str

    def probe(self, path: Path, head: bytes) -> bool:
        """Whether this file is for us, judged by its name and first bytes; folders come with an empty head."""

    def info(self, path: Path) -> Summary:
        """What it holds, from the index alone where there is one."""

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """Its data."""

    def recording_id(self, path: Path) -> str:
        """An id derived from content: equal for equal files, and for the parts of one split run."""


@runtime_checkable
class MessageImporter(Protocol):
    """An importer whose files say themselves which stores they hold."""

    def messages(self, path: Path, options: ImportOptions) -> Iterator[LogMessage]:
        """Everything in the file, in order."""


@runtime_checkable
class McapImporter(Importer, Protocol):
    """An importer of MCAP files, which can tell more about them than a summary has room for."""

    def mcap_info(self, path: Path) -> McapInfo:
        """Header and summary of an MCAP file, made by a scan where it has none. Raises FileError."""


class _Importers:
    """Loads them as far as they are asked for: a bag is opened without what opens robots, pictures and tables."""

    def __init__(self) -> None:
        self._loaded: list[Importer] = []
        self._rest = plugins.load("rrbridge.importers", Importer)
        self._lock = RLock()

    def __iter__(self) -> Iterator[Importer]:
        for number in itertools.count():
            with self._lock:
                if number == len(self._loaded):
                    plugin = next(self._rest, None)
                    if plugin is None:
                        return
                    self._loaded.append(plugin.value)
            yield self._loaded[number]


@cache
def installed() -> Iterable[Importer]:
    """Every importer, rrbridge's own first."""
    return _Importers()


def find(path: Path) -> Importer:
    """The importer for a file or folder. Raises NotARecordingError or FileError."""
    try:
        head = b"" if path.is_dir() else _head(path)
    except FileNotFoundError:
        raise FileError(path, "no such file or folder") from None
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
    for importer in () if not head and not path.is_dir() else installed():
        try:
            if importer.probe(path, head):
                return importer
        except plugins.FAULTS as err:
            target = f"{type(importer).__module__}:{type(importer).__qualname__}"
            plugins.leave_out(str(importer.name), target, f"its probe failed: {type(err).__name__}: {err}")
    refused = NotARecordingError if path.is_dir() or any(head) else EmptyFileError
    raise refused(path, _refusal(path, head))


def _name_of(path: Path) -> Chunk:
    """A recording's name, where the file says none: its own."""
    from rrbridge.archetypes.meta import RecordingInfo

    name = os.fsencode(path.name or path.resolve().name).decode("utf-8", "replace")
    columns = [batch.partition([len(batch.batch)]) for batch in RecordingInfo(name=name).as_component_batches()]
    return Chunk.from_columns("/__properties", components=columns)


def _refusal(path: Path, head: bytes) -> str:
    if path.is_dir():
        return "not a folder that rrbridge can open as one recording"
    if not head:
        return "is empty"
    if not any(head):
        return "begins with zeros alone, as a power cut leaves a file of which nothing was on the disk yet"
    if path.suffix.lower() in RECORDING_SUFFIXES:
        return f"not a file that rrbridge can open: it is called {path.suffix}, but does not begin like one"
    names = ", ".join(importer.name for importer in installed())
    return f"not a file that rrbridge can open; it opens {names}"


def natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A sort key of names: `run_2.bag` comes before `run_10.bag`."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def info(path: Path) -> Summary:
    """What a file holds, from its index."""
    return find(path).info(path)


def read(path: Path, options: ImportOptions | None = None) -> Iterator[LogMessage]:
    """Everything in a file as messages, whatever its format."""
    options = options or ImportOptions()
    importer = find(path)
    if isinstance(importer, MessageImporter):
        yield from importer.messages(path, options)
        return
    recording_id = options.recording_id or importer.recording_id(path)
    store_id = StoreId(StoreKind.RECORDING, options.application_id, recording_id)
    yield StoreInfo.new(store_id)
    is_named = False
    for chunk in importer.chunks(path, options):
        is_named = is_named or chunk.entity_path == "/__properties"
        yield StoredChunk(store_id, chunk)
    if not is_named:
        yield StoredChunk(store_id, _name_of(path))


def _head(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        # Opening a pipe would wait for somebody to write to it, and a file is read from several places.
        raise FileError(path, "is not a file but a pipe, a socket or a device; recordings are read from files")
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
