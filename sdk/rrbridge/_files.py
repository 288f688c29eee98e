"""Files that archetypes hold whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rrbridge._media_type import MEDIA_TYPES
from rrbridge.errors import FileError, InvalidValueError

__all__ = ["file_content"]


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
