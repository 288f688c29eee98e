"""What can go wrong, as a tree::

    RrbridgeError
    ├── InvalidValueError        a value does not fit the field it was given for
    ├── InvalidChunkError        an Arrow batch is not a chunk
    ├── FileError                something about one file; carries `path`
    │   ├── NotARecordingError   no importer takes this file
    │   │   └── EmptyFileError       there is nothing in it
    │   ├── DamagedFileError     the file contradicts itself; carries `offset`
    │   └── UnsupportedVersionError
    ├── DecodeError              a message does not follow its definition; carries `topic`, `msgtype`, `field`
    ├── UnknownTypeError         no definition for a message type
    ├── SelectorSyntaxError      a selector cannot be parsed; carries `query`, `position`
    ├── SelectorError            a selector does not fit the data; carries `query`, `reason`
    ├── LensError                lenses contradict each other, or do not fit a chunk; carries `entity`, `component`
    ├── ConsumedStreamError      a lazy stream was used twice
    ├── TransformError           two frames cannot be related at a time; carries `target`, `source`, `reason`
    │   ├── UnknownFrameError        there is no such frame; carries `frame`, `near`
    │   ├── FramesNotConnectedError  they are in two trees; carries `target_tree`, `source_tree`
    │   └── TransformTimeError       outside of what was recorded; carries `frame`, `timeline`, `time`, `first`, `last`
    ├── QueryError               SQL that cannot be answered; carries `query`
    ├── PluginConflictError      two plug-ins claim the same thing
    ├── MissingExtraError        an optional part is not installed
    └── RecorderError            recording cannot start or go on

Every error keeps the facts it names as attributes, so that a program can act on them without reading the sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

__all__ = [
    "ConsumedStreamError",
    "DamagedFileError",
    "DecodeError",
    "EmptyFileError",
    "FileError",
    "FramesNotConnectedError",
    "InvalidChunkError",
    "InvalidValueError",
    "LensError",
    "MissingExtraError",
    "NotARecordingError",
    "PluginConflictError",
    "QueryError",
    "RecorderError",
    "RrbridgeError",
    "RrbridgeWarning",
    "SelectorError",
    "SelectorSyntaxError",
    "TransformError",
    "TransformTimeError",
    "UnknownFrameError",
    "UnknownTypeError",
    "UnsupportedVersionError",
]


class RrbridgeError(Exception):
    """Base of every error that rrbridge raises on purpose."""


class RrbridgeWarning(UserWarning):
    """A logging call was misused; the call did nothing, the program goes on."""


class InvalidValueError(RrbridgeError, ValueError):
    """A value does not fit the field it was given for."""

    def __init__(self, field: str, expected: str, given: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {given}")
        self.field = field
        self.expected = expected
        self.given = given


class InvalidChunkError(RrbridgeError, ValueError):
    """An Arrow record batch does not follow the chunk schema."""


class FileError(RrbridgeError):
    """Something about one file."""

    def __init__(self, path: str | os.PathLike[str], message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class NotARecordingError(FileError):
    """No importer takes this file."""


class EmptyFileError(NotARecordingError):
    """There is nothing in the file, or zeros alone, as a power cut leaves one that was just begun."""


class DamagedFileError(FileError):
    """The file contradicts itself, or ends too early."""

    def __init__(self, path: str | os.PathLike[str], message: str, *, offset: int) -> None:
        super().__init__(path, f"{message} (at byte {offset})")
        self.reason = message
        self.offset = offset


class UnsupportedVersionError(FileError):
    """The file is of a version that this reader does not know."""


class DecodeError(RrbridgeError):
    """A message's bytes do not follow its definition."""

    def __init__(self, message: str, *, msgtype: str = "", topic: str = "", field: str = "") -> None:
        where = " ".join(part for part in (topic, msgtype, field) if part)
        super().__init__(f"{where}: {message}" if where else message)
        self.reason = message
        self.msgtype = msgtype
        self.topic = topic
        self.field = field

    @property
    def within_topic(self) -> str:
        """The reason, and the field if one is to blame: for where topic and type are told already."""
        return f"{self.field}: {self.reason}" if self.field else self.reason


class UnknownTypeError(RrbridgeError):
    """No definition was found for a message type."""

    def __init__(self, msgtype: str, hint: str = "") -> None:
        super().__init__(f"no definition of {msgtype}" + (f"; {hint}" if hint else ""))
        self.msgtype = msgtype


class SelectorSyntaxError(RrbridgeError, ValueError):
    """A selector's text cannot be parsed."""

    def __init__(self, query: str, position: int, reason: str) -> None:
        super().__init__(f"selector {query!r}, character {position + 1}: {reason}")
        self.query = query
        self.position = position
        """Index of the character in `query` at which it stops making sense."""
        self.reason = reason


class SelectorError(RrbridgeError, RuntimeError):
    """A selector asks for something that the data it is applied to cannot have."""

    def __init__(self, query: str, reason: str) -> None:
        super().__init__(f"selector {query}: {reason}")
        self.query = query
        self.reason = reason


class LensError(RrbridgeError, ValueError):
    """Lenses contradict each other, or what they select makes no chunk."""

    def __init__(self, reason: str, *, entity: str = "", component: str = "") -> None:
        where = " ".join(part for part in (entity, component) if part)
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.entity = entity
        self.component = component


class ConsumedStreamError(RrbridgeError, ValueError):
    """A lazy stream that another one was already made of was used again."""


class TransformError(RrbridgeError):
    """Two frames cannot be related at the asked time."""

    def __init__(self, reason: str, *, target: str, source: str) -> None:
        super().__init__(f"no transform from {source} to {target}: {reason}")
        self.reason = reason
        self.target = target
        self.source = source


class UnknownFrameError(TransformError):
    """There is no such frame, at any time."""

    def __init__(self, reason: str, *, target: str, source: str, frame: str, near: tuple[str, ...]) -> None:
        super().__init__(reason, target=target, source=source)
        self.frame = frame
        self.near = near


class FramesNotConnectedError(TransformError):
    """The frames are in two trees at the asked time, and each of these has other frames."""

    def __init__(
        self, reason: str, *, target: str, source: str, target_tree: tuple[str, ...], source_tree: tuple[str, ...]
    ) -> None:
        super().__init__(reason, target=target, source=source)
        self.target_tree = target_tree
        self.source_tree = source_tree


class TransformTimeError(TransformError):
    """An edge between the frames is known, but not at the asked time.

    Times are numbers of the timeline: nanoseconds, or sequence numbers.
    """

    def __init__(
        self, reason: str, *, target: str, source: str, frame: str, timeline: str, time: int, first: int, last: int
    ) -> None:
        super().__init__(reason, target=target, source=source)
        self.frame = frame
        self.timeline = timeline
        self.time = time
        self.first = first
        self.last = last


class QueryError(RrbridgeError):
    """SQL that cannot be answered."""

    def __init__(self, message: str, query: str) -> None:
        super().__init__(message)
        self.query = query


class PluginConflictError(RrbridgeError):
    """Two plug-ins claim the same thing."""


class MissingExtraError(RrbridgeError, ImportError):
    """An optional part of rrbridge is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs more packages: pip install "rrbridge[{extra}]"')
        self.extra = extra


class RecorderError(RrbridgeError):
    """Recording cannot start, or cannot go on."""
