"""What every reader of recorded messages offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rrbridge.importers import ImportOptions, Note, Summary
from rrbridge_bridge.raw import Connection, RawBatch

if TYPE_CHECKING:
    from rrbridge_bridge.readers._blocks import Rows

__all__ = ["BagReader", "ReadOptions"]

MAX_ROWS = 8192
MAX_BYTES = 8 << 20


def _every(_topic: str) -> bool:
    return True


def _none(_topic: str, _msgtype: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Which messages to read, and in blocks of what size."""

    wants: Callable[[str], bool] = _every
    """Whether a topic is to be read."""
    start_nanos: int | None = None
    """Leave out messages logged before this."""
    end_nanos: int | None = None
    """Leave out messages logged after this."""
    max_rows: int = MAX_ROWS
    """At most so many messages in one batch."""
    max_bytes: int = MAX_BYTES
    """At most so many payload bytes in one batch, unless a single message is larger."""
    in_step: Callable[[str, str], bool] = _none
    """Whether messages of a topic and type are brought into order with others: such connections' batches leave all together, and
    the last of them `ends_step`."""
    progress: Callable[[int, int], None] | None = None
    """Called now and then with bytes of the file done and bytes in all."""

    @property
    def is_all_times(self) -> bool:
        """Whether messages are read whenever they were logged."""
        return self.start_nanos is None and self.end_nanos is None

    @classmethod
    def of(cls, options: ImportOptions) -> ReadOptions:
        """The part of a conversion's options that concerns reading."""
        return cls(
            wants=options.wants,
            start_nanos=options.start_nanos,
            end_nanos=options.end_nanos,
            progress=options.progress,
        )


class BagReader(Protocol):
    """A recording of messages, whatever its file format. A context manager; closing it removes temporary files."""

    @property
    def path(self) -> Path:
        """The file or folder."""

    @property
    def format(self) -> str:
        """`ROS 1 bag`, `rosbag2 sqlite3` or `MCAP`."""

    @property
    def ros_distro(self) -> str:
        """The ROS distribution that the file says it was made by (`humble`), for choosing message definitions; or empty."""

    @property
    def mcap_profile(self) -> str | None:
        """What the (first) MCAP file says that its messages follow: `ros1`, `ros2`, a name of one's own, perhaps an empty one.

        None for a recording in other files.
        """

    @property
    def connections(self) -> Sequence[Connection]:
        """Every connection; a topic may have several. From the index; a file without one is scanned once."""

    @property
    def notes(self) -> Sequence[Note]:
        """What a person should know: cut off, unindexed … Reading may add to it.

        A note is a loss only if messages that the file has, or once had, are not among what was read; an index that a scan
        could make up for is none.
        """

    def summary(self) -> Summary:
        """What the file holds, from its index; a file without one is scanned."""

    def batches(self, options: ReadOptions | None = None) -> Iterator[RawBatch]:
        """The messages, in file order within each connection, in blocks; blocks of several connections interleave.

        `RawBatch.order` rises with the position in the file over all connections, so sorting by it gives the file's
        order back. Memory is bounded whatever the file's size. Raises FileError.
        """

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]:
        """The messages of all connections in file order, some MiB at a time.

        `Rows.connection_ids` are ids of `connections`, or of none in a damaged file.
        Memory is bounded whatever the file's size. Raises FileError.
        """

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
