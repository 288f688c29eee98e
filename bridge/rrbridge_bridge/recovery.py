"""Mended files: where they are written, and what becomes of the damaged ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rrbridge.errors import FileError
from rrbridge.rrd import RrdWriter
from rrbridge.rrd.tools.recover import Recovery, recover
from rrbridge_bridge.output_files import complete_or_absent, output_path, progress_bar
from rrbridge_bridge.record.active import ACTIVE_SUFFIX
from rrbridge_bridge.recovery_mcap import is_mcap, recover_mcap

__all__ = ["Recovered", "recover_file", "recovered_path"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one file."""

    path: Path
    output: Path | None
    """None where there was nothing to mend and nothing was asked for."""
    backup: Path | None
    """Where the damaged file is now, if it was replaced."""
    input_bytes: int
    output_bytes: int
    found: Recovery

    @property
    def is_lossless(self) -> bool:
        """Whether all data is kept."""
        return self.found.is_lossless


def recovered_path(file: Path, output: Path | None, *, force: bool) -> Path:
    """Where to write. Raises FileError if something is there that must not be overwritten."""
    if output is None:
        named = file.with_suffix("") if file.suffix == ACTIVE_SUFFIX and file.with_suffix("").suffix else file
        output = file.with_name(f"{named.stem}.recovered{named.suffix}")
    return output_path([file], output, force=force)


def recover_file(file: Path, output: Path | None) -> Recovered:
    """Mend one file; into its own place if `output` is None. Raises FileError."""
    target = Path(os.path.realpath(file)) if output is None else output
    try:
        input_bytes = file.stat().st_size
    except OSError as err:
        raise FileError(file, err.strerror or str(err)) from err
    backup = None
    with complete_or_absent(target) as partial:
        found = _mended(file, partial)
        output_bytes = partial.stat().st_size
        if output is None:
            if found.was_whole:
                partial.unlink()
                return Recovered(file, None, None, input_bytes, input_bytes, found)
            backup = _set_aside(target)
        _sync(partial)
    _sync(target.parent)
    return Recovered(file, target if output is None else output, backup, input_bytes, output_bytes, found)


def _mended(file: Path, target: Path) -> Recovery:
    with progress_bar("recovering") as progress:
        if is_mcap(file):
            return recover_mcap(file, target, progress)
        with RrdWriter(target) as writer:
            return recover(file, writer, progress)


def _set_aside(path: Path) -> Path:
    """Give the file a second name, under which it stays when its place is taken."""
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.damaged" + (f".{number}" if number > 1 else ""))
        try:
            os.link(path, backup)
        except FileExistsError:
            number += 1
        except OSError as err:
            if backup.exists():
                number += 1
                continue
            try:
                path.rename(backup)  # a file system without links, as on many memory cards
            except OSError:
                raise FileError(backup, f"cannot be made: {err.strerror or err}") from err
            return backup
        else:
            return backup


def _sync(path: Path) -> None:
    """Put a file or a folder's names on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
