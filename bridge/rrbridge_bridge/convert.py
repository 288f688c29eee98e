"""Files in, one `.rrd` out, safely: nothing is overwritten unasked, and what fails leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rrbridge import importers
from rrbridge._chunk import Chunk
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import FileError, RrbridgeError
from rrbridge.importers import MessageImporter, Note
from rrbridge.rrd import RrdWriter
from rrbridge_bridge.ahead import ahead
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.format import date
from rrbridge_bridge.inputs import Found, Source, absolute_times, size_of
from rrbridge_bridge.output_files import Bar, complete_or_absent
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.settings import Settings
from rrbridge_bridge.topic_patterns import topic_pattern

QUEUED_BYTES = 16 << 20
"""Of chunks that are made and not yet written."""

__all__ = ["Converted", "absolute_times", "convert_files"]

APPLICATION_ID = "rrbridge"
NAMED_FILES = 3


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did."""

    inputs: Sequence[Path]
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

    @property
    def messages(self) -> int:
        """How many were read."""
        return sum(topic.messages for topic in self.topics)


def convert_files(found: Found, output: Path, settings: Settings, bar: Bar | None = None) -> Converted:
    """Convert sources to one recording at `output`, which appears only when it is complete.

    A source that cannot be read is a loss if there are others. Raises FileError or InvalidValueError.
    """
    began = time.monotonic()
    sources = found.sources
    options = settings.options(sources)
    application_id = settings.application_id or _application_id(sources)
    recording_id = settings.recording_id or _recording_id(sources)
    store_id = StoreId(StoreKind.RECORDING, application_id, recording_id)
    options = replace(options, application_id=application_id, progress=bar)
    conversion = Conversion(sources, options, aliases=settings.aliases())
    if bar:
        bar.messages = lambda: sum(topic.messages for topic in conversion.reports)
    chunks = 0
    with complete_or_absent(output) as partial, RrdWriter(partial) as writer:
        writer.write(StoreInfo.new(store_id))
        with ahead(conversion.chunks(), _weight, QUEUED_BYTES) as made:
            for chunk in made:
                writer.write(StoredChunk(store_id, chunk))
                chunks += 1
        for message in conversion.layouts:
            writer.write(_of_application(message, application_id))
        _check_read(conversion)
        _check_selected(conversion)
    return Converted(
        inputs=[source.path for source in sources],
        output=output,
        recording_id=recording_id,
        application_id=application_id,
        topics=conversion.reports,
        notes=[*found.notes(), *conversion.notes, *_unmatched(conversion, settings.topics)],
        chunks=chunks,
        input_bytes=sum(size_of(source.path) for source in sources),
        output_bytes=output.stat().st_size,
        start_nanos=conversion.start_nanos,
        end_nanos=conversion.end_nanos,
        seconds=time.monotonic() - began,
    )


def _weight(chunk: Chunk) -> int:
    return chunk.nbytes


def _application_id(sources: Sequence[Source]) -> str:
    """Converted data have one id, so that a layout saved today fits tomorrow's bag; recordings keep their own."""
    first = sources[0]
    if not isinstance(first.importer, MessageImporter):
        return APPLICATION_ID
    messages = first.importer.messages(first.path, importers.ImportOptions(note=lambda _: None))
    return next((m.store_id.application_id for m in messages if m.store_id.kind is StoreKind.RECORDING), APPLICATION_ID)


def _recording_id(sources: Sequence[Source]) -> str:
    """Of the content: that of a run for its parts, another one for several runs together."""
    ids: dict[str, None] = {}
    for source in sources:
        try:
            ids[source.importer.recording_id(source.path)] = None
        except (RrbridgeError, OSError):
            if len(sources) == 1 and not isinstance(source.importer, MessageImporter):
                raise
    if len(ids) == 1:
        return next(iter(ids))
    import hashlib

    return hashlib.blake2b("\0".join(ids).encode(), digest_size=16).hexdigest()


def _of_application(message: LogMessage, application_id: str) -> LogMessage:
    """A layout for the recording that it came with."""
    return replace(message, store_id=replace(message.store_id, application_id=application_id))


def _check_read(conversion: Conversion) -> None:
    """Raises RrbridgeError if no source could be read."""
    failed = conversion.failed
    if len(failed) == len(conversion.sources) and not any(topic.messages for topic in conversion.reports):
        if all(isinstance(err, RrbridgeError | OSError) for err in failed):
            raise RrbridgeError("nothing could be read: " + "; ".join(map(str, failed[:NAMED_FILES])))
        raise failed[0]


def _check_selected(conversion: Conversion) -> None:
    """Raises FileError if there is data, but all of it was left out by the choice of topics and times."""
    options, sources = conversion.options, conversion.sources
    is_cut = options.start_nanos is not None or options.end_nanos is not None
    if any(topic.messages for topic in conversion.reports) or not (options.include or options.exclude or is_cut):
        return
    summaries = []
    for source in sources:
        try:
            summaries.append(importers.info(source.path))
        except FileError:  # told of already, when it was read
            continue
    topics = conversion.topics | {topic.topic for summary in summaries for topic in summary.topics}
    if topics and not any(map(options.wants, topics)):
        raise FileError(sources[0].path, f"no topic is chosen; there are {', '.join(sorted(topics))}")
    spans = [t for summary in summaries for t in (summary.start_nanos, summary.end_nanos) if t is not None]
    if spans and is_cut:
        raise FileError(
            sources[0].path,
            f"no message in the chosen time; messages are from {date(min(spans))} to {date(max(spans))}",
        )


def _unmatched(conversion: Conversion, patterns: Sequence[str]) -> list[Note]:
    """Patterns that choose no topic: mistyped, perhaps."""
    return [Note(f"no topic matches {p}") for p in patterns if not any(map(topic_pattern(p).search, conversion.topics))]
