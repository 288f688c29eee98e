"""What a kind of recording file has to offer to the recorder: `.rrd`, `.mcap`, or another.

An `Output` is one kind for one run, an `OutputFile` one of its files. Where the run is cut into files, when they are synced, and
which are deleted again is decided above, for all kinds alike (`parts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rrbridge_bridge.live.source import Document
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.record.counters import Account

__all__ = ["Output", "OutputFile", "RunInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What is known of a run when it begins."""

    start_nanos: int
    """Since the Unix epoch."""
    name: str
    robot: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the person noted."""


class OutputFile(Protocol):
    """A file that is being recorded, under the name `….active` until it is whole.

    Every method belongs to one thread at a time, but `sync` may be called from another meanwhile. All raise FileError.
    """

    path: Path
    """Its name when it is whole."""
    decodes: bool
    """Whether it holds more than bytes, so that writing takes longer."""

    @property
    def bytes_written(self) -> int:
        """Size so far."""

    @property
    def synced_bytes(self) -> int:
        """Of these, how many are known to survive a power cut."""

    @property
    def is_finished(self) -> bool:
        """Whether it is whole and has its name."""

    @property
    def kept_path(self) -> Path | None:
        """Where the recording is; None when it was deleted or moved."""

    def announce(self, connection: Connection) -> None:
        """A connection will bring messages; again when more has become known of it."""

    def document(self, document: Document) -> None:
        """A text that belongs to the recording."""

    def write(self, batch: RawBatch, *, in_haste: bool, held: Int64s | None = None) -> int:
        """Append messages: their bytes first, then what they mean, unless in haste. How many have bytes alone because of it.

        `held`: places (`RawBatch.order`) of this connection's messages, from now or before, that may have to be repeated.
        """

    def flush(self) -> None:
        """Hand all that was written to the operating system."""

    def repeat(self, messages: Sequence[RawBatch], at_nanos: int) -> None:
        """Messages from before this file that still hold, of any connections, marked as repeated; before all others.

        They stand at the log time `at_nanos`, with the time they were published at.
        """

    def settle(self, *, is_end: bool) -> None:
        """All that has arrived was written; `is_end`: and nothing more will come, of the whole run."""

    def account(self, account: Account) -> None:
        """What has happened to each topic so far; asked for every few seconds."""

    def sync(self) -> None:
        """Put what was written on the disk; does nothing when it is closed."""

    def check_place(self) -> None:
        """Raises FileError when the file was deleted or moved: no one would find what is written from now on."""

    def close(self, account: Account) -> None:
        """Write the final account and the index, sync, and give the file its name; if that fails it keeps the unfinished one."""

    def abandon(self) -> None:
        """Leave the file as it is, without index and under its unfinished name: everything that was written opens."""


class Output(Protocol):
    """One kind of file, for one run."""

    suffix: str
    """Of its files' names: `.rrd`."""

    def open(self, path: Path, info: RunInfo) -> OutputFile:
        """Begin a file, the next of the run if there was one before; what holds for the whole run stands in it already.

        Raises RecorderError when it, or its unfinished form, exists; FileError when it cannot be made.
        """

    def notes(self) -> Iterable[tuple[str, str]]:
        """Topics and sentences: what a person should know of what was made of messages; those told before too."""

    def undecoded(self) -> Mapping[tuple[str, str], tuple[int, str]]:
        """By topic and type: messages of which only the bytes could be kept, though there was time, and why."""
