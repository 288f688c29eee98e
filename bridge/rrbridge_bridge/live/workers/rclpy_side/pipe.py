"""Frames on their way to the recorder; `rclpy_worker` says how they are laid out."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

HEADER = struct.Struct("<4sB3xIQ")
BLOCK = struct.Struct("<II")
RECORD = struct.Struct("<qqqII")
EVENT, MESSAGES = 1, 2
IOV = 512


class Pipe:
    """The way out: whole frames, written without joining their parts."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def event(self, name: str, **facts: Any) -> None:
        """Send an event."""
        head = json.dumps(dict(facts, event=name)).encode()
        self._write([HEADER.pack(b"RRBF", EVENT, len(head), 0), head])

    def messages(self, connection: int, records: list[bytes], payloads: list[bytes], size: int) -> None:
        """Send messages of one connection; `size` is the length of all payloads together."""
        count = len(payloads)
        head = BLOCK.pack(connection, count) + b"".join(records)
        self._write([HEADER.pack(b"RRBF", MESSAGES, len(head), size), head, *payloads])

    def _write(self, parts: list[bytes]) -> None:
        start = 0
        while start < len(parts):
            some = parts[start : start + IOV]
            start += IOV
            left = sum(map(len, some)) - os.writev(self.fd, some)
            if left:
                rest = memoryview(b"".join(some))[-left:]
                while rest:
                    rest = rest[os.write(self.fd, rest) :]
