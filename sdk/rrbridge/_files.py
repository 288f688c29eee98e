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

    What is no regular file, such as a pipe, is written directly. Raises FileError if it cannot be made.
    """
    is_special = path.exists() and not path.is_file()
    draft = path if is_special else path.with_name(f".{path.name}.{new_tuid().hex()}")
    try:
        file = draft.open("wb" if is_special else "xb")
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
    try:
        with file:
            yield file
        if not is_special:
            draft.replace(path)
    except BaseException:
        if not is_special:
            with contextlib.suppress(OSError):
                draft.unlink()
        raise
