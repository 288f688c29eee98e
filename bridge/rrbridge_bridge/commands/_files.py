"""Files and folders that are looked at one by one: one that cannot be read does not keep the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rrbridge.errors import FileError

__all__ = ["each_recording"]

T = TypeVar("T")


def each_recording(files: Iterable[Path], look: Callable[[Path], T], failures: list[FileError]) -> Iterator[T]:
    """What is found in the recordings of files and folders; why some could not be read goes to `failures`."""
    from rrbridge._folders import recordings_in
    from rrbridge.errors import FileError

    for file in files:
        try:
            paths = recordings_in(file)
        except FileError as err:
            failures.append(err)
            continue
        for path in paths:
            try:
                found = look(path)
            except FileError as err:
                failures.append(err)
                continue
            yield found
