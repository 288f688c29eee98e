"""Files in, one `.rrd` out, safely: nothing is overwritten unasked, and what fails leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rrbridge import importers
from rrbridge._chunk import Chunk
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError
from rrbridge.importers import ImportOptions, Note
from rrbridge.rrd import RrdWriter
from rrbridge_bridge.ahead import ahead
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.format import date
from rrbridge_bridge.importers import BagImporter
from rrbridge_bridge.output_files import complete_or_absent, progress_bar
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.times import TimePoint, parse_time

QUEUED_BYTES = 32 << 20
"""Of chunks that are made and not yet written."""

__all__ = ["Converted", "absolute_times", "convert_files"]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did."""

    output: Path
    recording_id: str
    application_id: str
    topics: Sequence[TopicReport]
    notes: Sequence[Note]
    chunks: int
    input_bytes: int
    output_bytes: int
    start_nanos: int | None
    end_nanos: int | None
    seconds: float
    """How long it took."""

    @property
    def is_lossless(self) -> bool:
        """Whether every message of the files was read, and became what it should."""
        return not any(note.is_loss for note in self.notes) and all(topic.is_lossless for topic in self.topics)


def absolute_times(inputs: Sequence[Path], start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """`--start` and `--end` as nanoseconds since the epoch. Raises InvalidValueError or FileError.

    InvalidValueError also if the end is before the start.
    """
    points = [None if text is None else parse_time(text) for text in (start, end)]
    begin = 0
    if any(point and point.from_start for point in points):
        starts = [s for path in inputs if (s := importers.info(path).start_nanos) is not None]
        begin = min(starts, default=0)

    def absolute(point: TimePoint | None) -> int | None:
        return None if point is None else point.absolute(begin)

    first, last = absolute(points[0]), absolute(points[1])
    if first is not None and last is not None and last < first:
        raise InvalidValueError("--end", f"a time after --start ({start})", str(end))
    return first, last


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
    with progress_bar("converting" if len(inputs) == 1 else f"converting {len(inputs)} files") as progress:
        conversion = Conversion(inputs, replace(options, progress=progress))
        chunks = 0
        with complete_or_absent(output) as partial, RrdWriter(partial) as writer:
            writer.write(StoreInfo.new(store_id))
            with ahead(conversion.chunks(), _weight, QUEUED_BYTES) as made:
                for chunk in made:
                    writer.write(StoredChunk(store_id, chunk))
                    chunks += 1
            _check_selected(conversion)
    return Converted(
        output=output,
        recording_id=recording_id,
        application_id=options.application_id,
        topics=conversion.reports,
        notes=[*conversion.notes, *_unmatched(conversion)],
        chunks=chunks,
        input_bytes=sum(map(_size, inputs)),
        output_bytes=output.stat().st_size,
        start_nanos=conversion.start_nanos,
        end_nanos=conversion.end_nanos,
        seconds=time.monotonic() - began,
    )


def _weight(chunk: Chunk) -> int:
    return chunk.nbytes


def _check_selected(conversion: Conversion) -> None:
    """Raises FileError if there are messages, but all of them were left out by the choice of topics and times."""
    if conversion.start_nanos is not None:
        return
    options, paths = conversion.options, conversion.paths
    if conversion.topics and not any(map(options.wants, conversion.topics)):
        raise FileError(paths[0], f"no topic is chosen; there are {', '.join(sorted(conversion.topics))}")
    if options.start_nanos is None and options.end_nanos is None:
        return
    summaries = [importers.info(path) for path in paths]
    spans = [t for summary in summaries for t in (summary.start_nanos, summary.end_nanos) if t is not None]
    if spans:
        raise FileError(
            paths[0], f"no message in the chosen time; messages are from {date(min(spans))} to {date(max(spans))}"
        )


def _unmatched(conversion: Conversion) -> list[Note]:
    """Patterns that choose no topic: mistyped, perhaps."""
    patterns = conversion.options.include
    return [Note(f"no topic matches {p.pattern}") for p in patterns if not any(map(p.search, conversion.topics))]


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.iterdir() if p.is_file())
    return path.stat().st_size
