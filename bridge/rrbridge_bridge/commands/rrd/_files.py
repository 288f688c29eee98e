"""What the tools share: files or standard input in, a file or standard output out, and what is said about damage."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from rrbridge_bridge.output_files import Progress, complete_or_absent, output_path, progress_bar

if TYPE_CHECKING:
    from rrbridge.rrd import Damage, Manifest, RrdReader, RrdWriter
    from rrbridge.rrd._codec import Entry
    from rrbridge.rrd.tools.merge import Repeats

__all__ = [
    "STDIN",
    "Inputs",
    "continue_on_error",
    "force",
    "inputs",
    "manifests_of",
    "open_output",
    "output",
    "repeats_in",
    "say",
    "shifted",
]

F = TypeVar("F", bound=Callable[..., Any])
STDIN = Path("-")


def inputs(command: F) -> F:
    """The argument for the files that are read."""
    return click.argument("paths", metavar="[IN]...", nargs=-1, type=click.Path(path_type=Path))(command)


def output(command: F) -> F:
    """The option for where to write."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path), help="Where to write; by default standard output."
    )(command)


def force(command: F) -> F:
    """The option to overwrite."""
    return click.option("--force", is_flag=True, help="Overwrite the output.")(command)


def continue_on_error(command: F) -> F:
    """The option to go on after damage."""
    return click.option("--continue-on-error", is_flag=True, help="Leave out what is damaged, say so, and go on.")(
        command
    )


class Inputs:
    """Files to read, or standard input where there are none; what they lack is noted and told at the end."""

    def __init__(self, paths: Sequence[Path], *, keep_going: bool = False) -> None:
        """`keep_going`: damage in the middle of a file is a loss like an end that was cut off, and no error."""
        self.paths = tuple(paths) or (STDIN,)
        self.losses: list[str] = []
        self._keep_going = keep_going
        if STDIN in self.paths and sys.stdin.isatty():
            raise click.UsageError("no file is given, and nothing comes through standard input")

    def readers(self) -> Iterator[RrdReader]:
        """One after the other."""
        for path in self.paths:
            yield self._reader(path)

    def _reader(self, path: Path) -> RrdReader:
        from rrbridge.errors import DamagedFileError
        from rrbridge.rrd import RrdReader

        name = "standard input" if path == STDIN else str(path)

        def note(damage: Damage) -> None:
            if not self._keep_going and reader.truncated_at is None:
                hint = "use --continue-on-error to leave it out, or `rrbridge recover` to mend the file"
                raise DamagedFileError(name, f"{damage.reason}; {hint}", offset=damage.offset)
            self.losses.append(f"{name}: {damage}")

        reader = RrdReader(sys.stdin.buffer if path == STDIN else path, on_damage=note)
        return reader

    def entries(self, label: str) -> Iterator[Entry]:
        """Everything in all of them, under a progress bar. Raises FileError."""
        done, total = 0, self.total_bytes
        with progress_bar(label) as bar:
            for path, reader in zip(self.paths, self.readers(), strict=True):
                yield from reader.entries(shifted(bar, done, total))
                done += 0 if path == STDIN else _size(path)

    @property
    def total_bytes(self) -> int:
        """Size of all files; 0 where one is a pipe."""
        return 0 if STDIN in self.paths else sum(map(_size, self.paths))

    @property
    def files(self) -> list[Path]:
        """Those that are files."""
        return [path for path in self.paths if path != STDIN]

    def exit_code(self) -> int:
        """Tell what is missing; the exit code that says so too."""
        from rrbridge_bridge.cli import EXIT_LOSSES

        for loss in dict.fromkeys(self.losses):  # a file may be read twice
            say(f"data is missing: {loss}")
        return EXIT_LOSSES if self.losses else 0


def manifests_of(path: Path) -> list[Manifest]:
    """The indexes of a file's recordings that have chunks: its own, or made by reading it. Raises FileError.

    Damage is passed over: whoever reads the file will tell of it.
    """
    from rrbridge.rrd import RrdReader

    reader = RrdReader(path, on_damage=lambda _: None)
    footer = reader.footer()
    if footer is None:
        with progress_bar("indexing") as bar:
            found = reader.scan(bar)
    else:
        found = footer.manifests
    return [manifest for manifest in found if manifest.store_id.kind.name == "RECORDING" and len(manifest)]


def repeats_in(source: Inputs) -> Repeats:
    """The rows that parts of one recording have from each other. Raises FileError."""
    from rrbridge.rrd import RrdReader
    from rrbridge.rrd.tools.merge import Repeats

    return Repeats.in_files(RrdReader(path) for path in source.files) if len(source.paths) > 1 else Repeats()


def shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Progress of one file of several."""
    if progress is None or not total:
        return progress
    return lambda done, _: progress(before + done, total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will say what is wrong


@contextmanager
def open_output(target: Path | None, read: Sequence[Path], *, force: bool) -> Iterator[RrdWriter]:
    """A writer to a file that appears when it is complete, or to standard output. Raises FileError."""
    from rrbridge.rrd import RrdWriter

    if target is None or target == STDIN:
        if sys.stdout.isatty():
            raise click.UsageError("a recording is no text: give -o FILE, or a pipe")
        with RrdWriter(sys.stdout.buffer) as writer:
            yield writer
        return
    with complete_or_absent(output_path(read, target, force=force)) as partial, RrdWriter(partial) as writer:
        yield writer


def say(text: str) -> None:
    """A line on standard error, which is not where data goes."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True, highlight=False).print(Text(text))
