"""A worker process that hears a middleware for us: commands go in as JSON lines, frames come out."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.memory import MMAP_THRESHOLD_BYTES, TRIM_THRESHOLD_BYTES

__all__ = ["WorkerProcess"]

log = logging.getLogger(__name__)

PIPE_BUFFER_BYTES = 1 << 20
STDERR_LINES = 50
KEEPS_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(MMAP_THRESHOLD_BYTES),
    "MALLOC_TRIM_THRESHOLD_": str(TRIM_THRESHOLD_BYTES),
}
"""As `keep_freed_memory` does it for this process."""


class WorkerProcess:
    """The worker process and its three pipes."""

    def __init__(self, python: str, script: Path, *arguments: str) -> None:
        """Start it. Raises RecorderError."""
        try:
            self.process = subprocess.Popen(  # noqa: S603 - a fixed script under the Python that the person named
                [python, str(script), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**KEEPS_MEMORY, **os.environ},
                start_new_session=True,  # Ctrl-C is for the recorder, which stops the worker in good order
            )
        except OSError as err:
            raise RecorderError(f"{python} cannot be started: {err.strerror or err}") from err
        assert self.process.stdout is not None
        self.frames = io.BufferedReader(self.process.stdout, PIPE_BUFFER_BYTES)  # type: ignore[type-var]
        self.stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._lock = threading.Lock()
        self._stderr_thread = threading.Thread(target=self._collect_stderr, name="worker-stderr", daemon=True)
        self._stderr_thread.start()

    def _collect_stderr(self) -> None:
        assert self.process.stderr is not None
        with io.TextIOWrapper(io.BufferedReader(self.process.stderr), errors="replace") as lines:  # type: ignore[type-var]
            for line in lines:
                self.stderr.append(line.rstrip())
                log.info("%s", line.rstrip())

    def send(self, **command: Any) -> None:
        """Send a command; does nothing when the worker has ended."""
        assert self.process.stdin is not None
        with self._lock:
            try:
                self.process.stdin.write(json.dumps(command).encode() + b"\n")
            except (BrokenPipeError, ValueError):
                log.debug("the worker is gone; %s was not sent", command["do"])

    def write(self, *parts: bytes | memoryview) -> None:
        """Write bytes to its standard input, all of them. Raises OSError when the worker has ended."""
        assert self.process.stdin is not None
        with self._lock:
            if self.process.stdin.closed:
                raise BrokenPipeError
            descriptor = self.process.stdin.fileno()
            for part in parts:
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]

    def last_line(self) -> str:
        """What it last wrote to standard error."""
        return next((line for line in reversed(self.stderr) if line.strip()), "")

    def close(self, wait_secs: float) -> int:
        """Wait for its end, not longer than this, and let go of the pipes. Safe to call twice, from any thread."""
        try:
            status = self.process.wait(wait_secs)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        with self._lock:
            assert self.process.stdin is not None
            self.process.stdin.close()
        self._stderr_thread.join(1.0)
        self.frames.close()
        return status
