"""Files in, one `.rrd` out, safely: nothing is overwritten unasked, and what fails leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rrbridge import importers
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import FileError, NotARecordingError
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdWriter
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.importers import BagImporter
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.times import TimePoint, parse_time

__all__ = ["Converted", "absolute_times", "convert_files", "output_path"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did."""

    output: Path
    recording_id: str
    application_id: str
    topics: Sequence[TopicReport]
    notes: Sequence[str]
    chunks: int
    input_bytes: int
    output_bytes: int
    start_nanos: int | None
    end_nanos: int | None
    seconds: float
    """How long it took."""

    @property
    def is_lossless(self) -> bool:
        """Whether every message became what it should."""
        return all(topic.is_lossless for topic in self.topics)


def output_path(inputs: Sequence[Path], output: Path | None, *, force: bool) -> Path:
    """Where to write. Raises FileError if something is there already and is not to be overwritten."""
    if output is None:
        name = inputs[0].resolve()
        output = name.with_name(
            name.name.removesuffix("".join(name.suffixes[-2:]) if _packed(name) else name.suffix) + ".rrd"
        )
    if output.is_dir():
        raise FileError(output, "is a folder; say which file to write in it")
    if output.exists() and not force:
        raise FileError(output, "exists already; use --force to overwrite it, or -o to write elsewhere")
    return output


def _packed(path: Path) -> bool:
    return path.suffix in (".zstd", ".bz2")


def absolute_times(inputs: Sequence[Path], start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """`--start` and `--end` as nanoseconds since the epoch. Raises InvalidValueError or FileError."""
    points = [None if text is None else parse_time(text) for text in (start, end)]
    begin = 0
    if any(point and point.from_start for point in points):
        starts = [s for path in inputs if (s := importers.info(path).start_nanos) is not None]
        begin = min(starts, default=0)

    def absolute(point: TimePoint | None) -> int | None:
        return None if point is None else point.absolute(begin)

    return absolute(points[0]), absolute(points[1])


def convert_files(inputs: Sequence[Path], output: Path, options: ImportOptions) -> Converted:
    """Convert bags to one recording at `output`, which appears only when it is complete.

    Raises FileError or NotARecordingError if an input cannot be read.
    """
    began = time.monotonic()
    found = [importers.find(path) for path in inputs]
    for path, importer in zip(inputs, found, strict=True):
        if not isinstance(importer, BagImporter):
            raise NotARecordingError(path, f"is {importer.name}, which needs no conversion")
    recording_id = options.recording_id or found[0].recording_id(inputs[0])
    store_id = StoreId(StoreKind.RECORDING, options.application_id, recording_id)
    with _progress(len(inputs)) as progress:
        conversion = Conversion(inputs, replace(options, progress=progress))
        chunks = 0
        with _complete_or_absent(output) as partial, RrdWriter(partial) as writer:
            writer.write(StoreInfo.new(store_id))
            for chunk in conversion.chunks():
                writer.write(StoredChunk(store_id, chunk))
                chunks += 1
    return Converted(
        output=output,
        recording_id=recording_id,
        application_id=options.application_id,
        topics=conversion.reports,
        notes=conversion.notes,
        chunks=chunks,
        input_bytes=sum(map(_size, inputs)),
        output_bytes=output.stat().st_size,
        start_nanos=conversion.start_nanos,
        end_nanos=conversion.end_nanos,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _complete_or_absent(output: Path) -> Iterator[Path]:
    """A path to write to, which is given the right name at the end, or removed."""
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        yield partial
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
        partial.unlink(missing_ok=True)


@contextmanager
def _progress(files: int) -> Iterator[Progress | None]:
    """A bar on a terminal's standard error; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("converting" if files == 1 else f"converting {files} files", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.iterdir() if p.is_file())
    return path.stat().st_size
