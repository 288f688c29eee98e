"""Output folders that are complete or absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rrbridge.errors import FileError

__all__ = ["complete_or_absent_folder", "folder_path"]

OURS = frozenset({".yaml", ".db3", ".mcap", ".parquet", ".csv"})
"""What a folder may hold to be replaced with `--force`: nobody's photos or source code."""


def folder_path(inputs: Sequence[Path], output: Path, *, force: bool) -> Path:
    """Where to write. Raises FileError if something is there that must not be replaced."""
    target = Path(os.path.realpath(output))
    for read in inputs:
        source = Path(os.path.realpath(read))
        if source == target or target in source.parents or source in target.parents:
            raise FileError(output, f"is, or holds, or lies in what is to be read, {read}; use -o to write elsewhere")
    if not target.exists():
        return target
    if not target.is_dir():
        raise FileError(output, "is a file; this format is written to a folder")
    inside = list(target.iterdir())
    if inside and not force:
        raise FileError(output, "exists already; use --force to replace it, or -o to write elsewhere")
    foreign = [path.name for path in inside if path.is_dir() or path.suffix not in OURS]
    if foreign:
        raise FileError(output, f"holds other things than recordings ({foreign[0]}), so it is not replaced")
    return target


@contextmanager
def complete_or_absent_folder(target: Path) -> Iterator[Path]:
    """A folder to write to, which takes the target's place at the end, or is removed. Raises FileError."""
    partial = target.with_name(f".{target.name[:150]}.{os.getpid()}.partial")
    aside = partial.with_suffix(".replaced")
    try:
        partial.mkdir()
        yield partial
        if target.exists():
            target.rename(aside)
        partial.rename(target)
    except FileError as err:
        if partial in (Path(err.path), *Path(err.path).parents):
            raise FileError(target, f"cannot be written: {err.message}") from err
        raise
    except OSError as err:
        if err.filename is None or partial in (Path(err.filename), *Path(err.filename).parents):
            raise FileError(target, f"cannot be written: {err.strerror or err}") from err
        raise
    finally:
        if aside.exists() and not target.exists():
            aside.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
