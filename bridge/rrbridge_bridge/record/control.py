"""A door to a running recorder for other programs of the same person: a Unix socket that takes one request per connection.

A request is a JSON line, `{"do": "pause"}`; the answer is one too: `{"ok": true, "text": "paused …", "status": {…}}`, or
`{"ok": false, "text": "why not"}`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rrbridge.errors import RecorderError

__all__ = ["ControlServer", "ask", "check_name", "names", "runtime_folder"]

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 1 << 24
MAX_REQUEST_BYTES = 4096
ANSWER_SECS = 5.0
SUFFIX = ".sock"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")


def runtime_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the sockets are: of one person, gone after a restart. Raises RecorderError when it is somebody else's."""
    environment = os.environ if environment is None else environment
    base = environment.get("XDG_RUNTIME_DIR", "")
    if base and os.access(
        base, os.W_OK | os.X_OK
    ):  # services and sudo often have the name of one that is not there for them
        folder = Path(base) / "rrbridge"
    else:
        folder = Path(tempfile.gettempdir()) / f"rrbridge-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as err:
        raise RecorderError(f"{folder} cannot be made: {err.strerror or err}") from err
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RecorderError(f"{folder} is not a folder of yours alone (mode 0700)")
    return folder


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise RecorderError(f"{name!r} is no name of a recorder: letters, digits, _ . -, at most 40")
    return runtime_folder() / (name + SUFFIX)


def check_name(name: str) -> None:
    """Raises RecorderError if a recorder has that name."""
    path = _path(name)
    if path.exists() and _is_alive(path):
        raise RecorderError(f"a recorder called {name!r} is running; give this one another --name")


def names() -> list[str]:
    """Recorders that listen now."""
    found = sorted(runtime_folder().glob("*" + SUFFIX))
    return [path.name.removesuffix(SUFFIX) for path in found if _is_alive(path)]


def ask(name: str, command: str) -> dict[str, Any]:
    """The answer of the recorder of that name. Raises RecorderError if there is none."""
    path = _path(name)
    try:
        with _connected(path) as connection:
            connection.sendall(json.dumps({"do": command}).encode() + b"\n")
            answer = json.loads(_line(connection, MAX_LINE_BYTES))
    except OSError as err:
        raise RecorderError(f"no recorder {name!r} answers: {err.strerror or err}") from err
    except ValueError as err:
        raise RecorderError(f"the recorder {name!r} gave an answer that is none: {err}") from err
    if not isinstance(answer, dict):
        raise RecorderError(f"the recorder {name!r} gave an answer that is none")
    return answer


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _is_alive(path: Path) -> bool:
    try:
        _connected(path).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return path.exists()  # a busy one is one
    return True


def _line(connection: socket.socket, most: int) -> bytes:
    found = bytearray()
    while not found.endswith(b"\n"):
        part = connection.recv(65536)
        if not part or len(found) + len(part) > most:
            raise ValueError("cut off" if not part else "too long")
        found += part
    return bytes(found)


class ControlServer:
    """Answers in a thread of its own until it is closed."""

    def __init__(self, name: str, answer: Callable[[str], dict[str, Any]]) -> None:
        """Listen under that name. Raises RecorderError when another recorder has it, or it cannot be had."""
        self.name = name
        self._path = _path(name)
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._bind()
            self._socket.listen(8)
        except RecorderError:
            self._socket.close()
            raise
        except OSError as err:
            self._socket.close()
            raise RecorderError(f"{self._path}: {err.strerror or err}") from err
        self._inode = self._path.stat().st_ino
        self._thread = threading.Thread(target=self._serve, name="record-control", daemon=True)
        self._thread.start()

    def _bind(self) -> None:
        check_name(self.name)
        self._path.unlink(missing_ok=True)  # of one that was killed
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(ANSWER_SECS)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(ANSWER_SECS)
                    line = _line(connection, MAX_REQUEST_BYTES)
                    connection.sendall(json.dumps(self._reply(line)).encode() + b"\n")
                except (OSError, ValueError) as err:
                    log.debug("a request was not answered: %s", err)

    def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("do"), str):
            return {"ok": False, "text": 'a request is {"do": COMMAND}'}
        return self._answer(request["do"])
