"""Where a recording goes: the name of its files, and their kinds."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich_click as click

from rrbridge.errors import FileError, RecorderError

__all__ = ["FORMATS", "Place", "place_of"]

FORMATS = ("rrd", "mcap")
_FILE_SUFFIX = re.compile(r"\.[A-Za-z]\w*")


@dataclass(frozen=True, slots=True)
class Place:
    """Files of one name beside each other, one of each kind."""

    stem: Path
    """Without a suffix."""
    formats: tuple[str, ...]
    """At least one of `FORMATS`, each once."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, if they are not cut into parts."""
        return tuple(self.stem.with_name(f"{self.stem.name}.{kind}") for kind in self.formats)

    @property
    def first_parts(self) -> tuple[Path, ...]:
        """The first files, if they are cut into parts."""
        return tuple(path.with_name(f"{self.stem.name}_0000{path.suffix}") for path in self.paths)

    def prepare(self) -> None:
        """Make the folder, but none above it: a disk that is not there must not be taken for one.

        Raises RecorderError when one of the files exists, FileError when the folder cannot be made.
        """
        for path in self.paths:
            if path.exists():
                raise RecorderError(f"{path} exists already; it is not overwritten")
        try:
            self.stem.parent.mkdir(exist_ok=True)
        except OSError as err:
            raise FileError(self.stem.parent, err.strerror or str(err)) from err


def place_of(outputs: Sequence[Path], formats: Sequence[str]) -> Place:
    """What `-o` and `--format` mean together; without any of them, a name by the time in the folder at hand, and `.rrd`.

    Raises click.UsageError where they contradict each other.
    """
    files = [path for path in outputs if path.suffix[1:] in FORMATS and not path.is_dir()]
    folders = [path for path in outputs if path not in files]
    for folder in folders:
        if _FILE_SUFFIX.fullmatch(folder.suffix) and not folder.is_dir():
            raise click.UsageError(
                f"-o {folder}: a recording is called .rrd or .mcap, and no folder has this name; make it first if it is meant"
            )
    stems = {path.with_suffix("") for path in files} | {folder / _name_by_time() for folder in folders}
    if len(stems) > 1:
        raise click.UsageError(
            f"{' and '.join(map(str, outputs))}: several -o have to be of one name in one folder: -o run.rrd -o run.mcap"
        )
    named = dict.fromkeys(path.suffix[1:] for path in files)
    wanted = dict.fromkeys(part.strip().lower() for text in formats for part in text.split(",") if part.strip())
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise click.UsageError(f"there is no format {unknown[0]!r}; there are {', '.join(FORMATS)}")
    if wanted and (other := [name for name in named if name not in wanted]):
        raise click.UsageError(f"-o names a .{other[0]}, --format only {', '.join(wanted)}")
    (stem,) = stems or {Path(_name_by_time())}
    return Place(stem, tuple(dict.fromkeys([*named, *wanted])) or FORMATS[:1])


def _name_by_time() -> str:
    """As rosbag2 makes one, by the local time."""
    return dt.datetime.now().astimezone().strftime("rrbridge_%Y_%m_%d-%H_%M_%S")
