"""Files and folders that are looked at one by one: one that cannot be read does not keep the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rrbridge.errors import FileError

__all__ = ["each_recording"]

T = TypeVar("T")


def each_recording(
    files: Iterable[Path], look: Callable[[Path], T], failures: list[FileError], *, messages_only: bool = False
) -> Iterator[T]:
    """What is found in the recordings of files and folders; why some could not be read goes to `failures`.

    `messages_only`: tables, pictures and the like in folders are passed over.
    """
    from rrbridge._folders import contents
    from rrbridge.errors import FileError

    for file in files:
        try:
            inside = contents(file)
        except FileError as err:
            failures.append(err)
            continue
        failures += inside.failed
        for member in inside.recordings():
            if messages_only and file.is_dir() and not _has_messages(member.importer):
                continue
            try:
                found = look(member.path)
            except FileError as err:
                failures.append(err)
                continue
            yield found


def _has_messages(importer: object) -> bool:
    from rrbridge.importers import MessageImporter
    from rrbridge_bridge.importers import BagImporter

    return isinstance(importer, BagImporter | MessageImporter)
