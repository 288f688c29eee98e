"""What writes messages into one kind of file."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from rrbridge_bridge.raw import Connection
    from rrbridge_bridge.readers import AttachedFile, NamedMetadata
    from rrbridge_bridge.readers._blocks import Rows

__all__ = ["Sink"]


class Sink(Protocol):
    """A file that is being written. A context manager; leaving it closes the file, whole or not."""

    def announce(self, connection: Connection) -> None:
        """Messages of this connection may follow. Raises FileError if the format has no place for them."""

    def write(self, rows: Rows) -> None:
        """Append messages of connections that were announced. Raises OSError."""

    def add(self, record: NamedMetadata | AttachedFile) -> bool:
        """Keep what is no message; False if the format has no place for it."""

    def finish(self) -> None:
        """Write what stands at the end. Raises OSError."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
