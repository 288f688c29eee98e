"""Output that is complete or absent, and the bar that shows how far it is."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeAlias

from rrbridge.errors import FileError

__all__ = [
    "Bar",
    "Progress",
    "beside",
    "complete_or_absent",
    "no_progress_bar",
    "output_path",
    "progress_bar",
    "shortened",
]

Progress: TypeAlias = Callable[[int, int], None]
"""Told bytes done and bytes in all."""
MAX_NAME_BYTES = 200
SHOWN_EVERY_SECS = 0.1
PACKED = (".zstd", ".zst", ".bz2", ".gz")


def output_path(inputs: Sequence[Path], output: Path | None, *, force: bool) -> Path:
    """Where to write: beside the first input if `output` is None; the target itself where `output` is a symbolic link.

    Raises FileError if something is there that must not be overwritten: without `force` anything, with it what is no file,
    and in any case what is being read.
    """
    if output is None:
        output = beside(inputs[0].resolve())
    target = Path(os.path.realpath(output))
    if target.is_symlink():
        raise FileError(output, "is a symbolic link that leads nowhere")
    if target.is_dir():
        raise FileError(output, "is a folder; say which file to write in it")
    if target.exists() and not target.is_file():
        raise FileError(output, "is no file but a device, a pipe or a socket; a recording is written to a file")
    for path in inputs:
        _check_apart(target, path, output)
    if target.exists() and not force:
        raise FileError(output, "exists already; use --force to overwrite it, or -o to write elsewhere")
    return target if output.is_symlink() else output


def _check_apart(target: Path, read: Path, output: Path) -> None:
    """Raises FileError if writing the target could change what is read."""
    if target.exists() and read.exists() and target.samefile(read):
        raise FileError(output, "is what is to be read; use -o to write elsewhere")
    if read.is_dir() and Path(os.path.realpath(read)) in target.parents:
        raise FileError(output, f"lies in the folder that is to be read, {read}; use -o to write elsewhere")


def beside(path: Path) -> Path:
    """The recording that a file becomes: `run.db3.zstd` → `run.rrd`."""
    name = path.name.removesuffix("".join(path.suffixes[-2:]) if path.suffix in PACKED else path.suffix)
    return path.with_name(f"{name or path.name}.rrd")


@contextmanager
def complete_or_absent(output: Path) -> Iterator[Path]:
    """A path to write to, which is given the right name at the end, or removed. Raises FileError.

    Whoever takes it away again leaves what stands under the right name.
    """
    partial = output.with_name(f".{shortened(output.name)}.{os.getpid()}.partial")
    _remove_leftovers(output)
    try:
        yield partial
        if partial.exists():
            partial.replace(output)
    except FileError as err:
        if err.path == partial:  # a name that nobody asked for
            raise FileError(output, f"cannot be written: {err.message}") from err
        raise
    except OSError as err:
        if err.filename is None or Path(err.filename) == partial:
            raise FileError(output, f"cannot be written: {err.strerror or err}") from err
        raise
    finally:
        if partial.exists():  # a file system that cannot be written refuses to remove even what is not there
            partial.unlink(missing_ok=True)


def _remove_leftovers(output: Path) -> None:
    """Of programs that were killed while they wrote the same file."""
    named = re.compile(re.escape(f".{shortened(output.name)}.") + r"(\d+)\.partial")
    try:
        for path in output.absolute().parent.iterdir():
            match = named.fullmatch(path.name)
            if match and not _is_running(int(match[1])):
                path.unlink(missing_ok=True)
    except OSError:
        return  # who writes there will say what is wrong


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def shortened(name: str) -> str:
    """So much of a file's name that there is room for more within what file systems take, 255 bytes."""
    encoded = os.fsencode(name)
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    return os.fsdecode(encoded[:MAX_NAME_BYTES].decode("utf-8", "ignore").encode())  # no half characters


class Bar:
    """How far a conversion is, on a terminal's standard error."""

    def __init__(self, update: Callable[[int, int, int], None]) -> None:
        self._update = update
        self.messages: Callable[[], int] = lambda: 0
        """Counts messages so far."""
        self._shown = 0.0

    def __call__(self, done: int, total: int) -> None:
        """So many bytes are done."""
        now = time.monotonic()
        if now - self._shown >= SHOWN_EVERY_SECS or done >= total:
            self._shown = now
            self._update(done, total, self.messages())


_hidden = ContextVar("_hidden", default=False)


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Where somebody else shows how far things are."""
    token = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(token)


@contextmanager
def progress_bar(label: str) -> Iterator[Bar | None]:
    """A bar with rates and the time that is left, on a terminal's standard error; nothing elsewhere."""
    if not sys.stderr.isatty() or _hidden.get():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, rate="")

        def update(done: int, total: int, messages: int) -> None:
            rate = messages / max(time.monotonic() - began, 0.1)
            bar.update(task, completed=done, total=total, rate=f"{rate:,.0f} messages/s" if messages else "")

        yield Bar(update)
