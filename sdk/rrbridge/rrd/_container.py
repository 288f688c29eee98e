"""The container: stream header, frames, footer trailer (FORMAT §3.1, §3.2, §3.4). All integers are little-endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import xxhash

__all__ = [
    "FRAME",
    "HEADER_BYTES",
    "MAGIC",
    "OLDEST_READABLE",
    "OUR_VERSION",
    "TRAILER_BYTES",
    "FrameKind",
    "HeaderError",
    "TooOldError",
    "Trailer",
    "Version",
    "parse_header",
    "parse_trailer",
    "stream_header",
    "trailer",
]

MAGIC = b"RRF2"
OLD_MAGICS = (b"RRF0", b"RRF1")
FOOTER_MARK = b"FOOT"
PROTOBUF = 2
CHECKSUM_SEED = 7850921

_HEADER = struct.Struct("<4s4sBBH")
_TRAILER = struct.Struct("<QQI4s4sI")
FRAME = struct.Struct("<QQ")
"""Kind, length of the payload."""
HEADER_BYTES = _HEADER.size
TRAILER_BYTES = _TRAILER.size


class FrameKind(IntEnum):
    """What a frame holds."""

    END = 0
    STORE_INFO = 1
    ARROW = 2
    ACTIVATION = 3


class HeaderError(ValueError):
    """Not a stream header that can be read."""


class TooOldError(HeaderError):
    """The header of a version from before the format was settled."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"written by Rerun {version}, before the format was settled in 0.23. Convert it once with an older tool: "
            'pip install "rerun-sdk>=0.23.2,<0.24" in an environment of its own, then `rerun rrd migrate FILE`'
        )


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Version of the software whose format a stream follows."""

    major: int
    minor: int
    patch: int
    meta: int = 0
    """Kind of release in the top two bits (0 release, 1 rc, 2 alpha, 3 alpha+dev), its number in the rest."""

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor: what compatibility goes by."""
        return self.major, self.minor

    def to_bytes(self) -> bytes:
        """The four bytes of the header."""
        return bytes((self.major, self.minor, self.patch, self.meta))

    def __str__(self) -> str:
        suffix = ("", "-rc.{0}", "-alpha.{0}", "-alpha.{0}+dev")[self.meta >> 6].format(self.meta & 0x3F)
        return f"{self.major}.{self.minor}.{self.patch}{suffix}"


OUR_VERSION = Version(0, 41, 0)
"""The generation of the format that we write."""
OLDEST_READABLE = (0, 23)


def stream_header(*, lz4: bool) -> bytes:
    """The twelve bytes that open a stream."""
    return _HEADER.pack(MAGIC, OUR_VERSION.to_bytes(), int(lz4), PROTOBUF, 0)


def parse_header(data: bytes) -> Version:
    """The version in a stream header. Raises HeaderError, or TooOldError."""
    magic = data[:4]
    if magic in OLD_MAGICS:
        raise TooOldError("0.22 or older")
    if magic != MAGIC:
        raise HeaderError("not a .rrd file: it does not begin with RRF2")
    if len(data) < HEADER_BYTES:
        raise HeaderError("the file ends inside its header")
    _, version_bytes, _, serializer, reserved = _HEADER.unpack(data[:HEADER_BYTES])
    version = Version(*version_bytes)
    if version.release < OLDEST_READABLE:
        raise TooOldError(str(version))
    if serializer != PROTOBUF or reserved:
        raise HeaderError(f"unknown options in the header: serializer {serializer}, reserved bytes {reserved}")
    return version


@dataclass(frozen=True, slots=True)
class Trailer:
    """Where the footer's payload is, from the start of its stream."""

    offset: int
    size: int
    checksum: int

    def matches(self, payload: bytes | memoryview) -> bool:
        """Whether these are the bytes that were summed."""
        return xxhash.xxh32_intdigest(payload, CHECKSUM_SEED) == self.checksum


def trailer(offset: int, payload: bytes) -> bytes:
    """The last 32 bytes of a finished file."""
    checksum = xxhash.xxh32_intdigest(payload, CHECKSUM_SEED)
    return _TRAILER.pack(offset, len(payload), checksum, MAGIC, FOOTER_MARK, 1)


def parse_trailer(data: bytes) -> Trailer | None:
    """The trailer, or None where these bytes are none."""
    if len(data) != TRAILER_BYTES:
        return None
    offset, size, checksum, magic, mark, entries = _TRAILER.unpack(data)
    if (magic, mark, entries) != (MAGIC, FOOTER_MARK, 1):
        return None
    return Trailer(offset, size, checksum)
