"""Starting a viewer, and the pipe to it."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, cast

from rrbridge.errors import FileError

__all__ = ["spawn_viewer"]

log = logging.getLogger(__name__)

_viewers: list[subprocess.Popen[bytes]] = []
"""Those that may still run: they outlive the recording, and the program if need be."""


def spawn_viewer(
    *, memory_limit: str = "75%", executable_name: str = "rrbridge", executable_path: str | None = None
) -> IO[bytes]:
    """Start `rrbridge view -`; returns the pipe that it reads a recording from. Raises FileError."""
    beside = Path(sys.executable).with_name(executable_name)
    found = executable_path or (str(beside) if beside.is_file() else shutil.which(executable_name))
    if found is None:
        raise FileError(executable_name, 'no such program; pip install "rrbridge[viewer]"')
    command = [found, "view", "-", "--memory-limit", memory_limit]
    log.debug("starting %s", command)
    try:
        viewer = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own program
    except OSError as err:
        raise FileError(found, err.strerror or str(err)) from err
    _viewers[:] = [started for started in _viewers if started.poll() is None]
    _viewers.append(viewer)
    return cast("IO[bytes]", viewer.stdin)
