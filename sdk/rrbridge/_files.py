"""Whole files: those that archetypes hold, and those that appear when they are written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rrbridge._media_type import MEDIA_TYPES
from rrbridge._tuid import new_tuid
from rrbridge.errors import FileError, InvalidValueError

__all__ = ["file_content", "replacing"]


def file_content(name: str, path: Any, contents: Any, media_type: Any) -> tuple[Any, Any]:
    """A file's content and media type, from its path or as given: bytes, or a file open for reading.

    Raises InvalidValueError unless exactly one is given, FileError if the file cannot be read.
    """
    if (path is None) == (contents is None):
        raise InvalidValueError(name, "exactly one of path=, contents=", "neither" if path is None else "both")
    if path is None:
        return contents.read() if hasattr(contents, "read") else contents, media_type
    try:
        content = Path(path).read_bytes()
    except OSError as err:
        raise FileError(str(path), err.strerror or str(err)) from err
    return content, media_type if media_type is not None else MEDIA_TYPES.get(Path(path).suffix.lower())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` when the block ends well, and is gone when it does not.

    Links stay links. What is no regular file, such as a pipe, is written directly. Raises FileError.
    """
    try:
        target = path.resolve()
        is_special = target.exists() and not target.is_file()
        draft = target if is_special else target.with_name(f".{new_tuid().hex()}.partial")
        file = draft.open("wb" if is_special else "xb")
    except RuntimeError as err:
        raise FileError(path, "a link that leads to itself") from err
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
    try:
        with file:
            yield file
        if not is_special:
            _move(draft, target)
    except BaseException:
        if not is_special:
            with contextlib.suppress(OSError):
                draft.unlink()
        raise


def _move(draft: Path, target: Path) -> None:
    try:
        draft.replace(target)
    except OSError as err:
        raise FileError(target, err.strerror or str(err)) from err
