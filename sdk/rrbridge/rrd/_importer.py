"""Opening `.rrd` and `.rbl` files through `rrbridge.importers`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge._descriptor import short_name
from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeKind
from rrbridge.errors import FileError
from rrbridge.importers import ImportOptions, Note, Summary, TopicSummary
from rrbridge.rrd._container import MAGIC, OLD_MAGICS
from rrbridge.rrd._manifest import Manifest
from rrbridge.rrd._message_bytes import Undecoded, is_undecoded
from rrbridge.rrd._reader import RrdReader

__all__ = ["RrdImporter", "importer"]

LOG_TIMELINES = ("message_log_time", "log_time")
"""What "logged before" and "logged after" go by: the first of these that a chunk has."""
PROPERTIES = "/__properties"


class RrdImporter:
    """Recordings that are already in the one format everything else is turned into."""

    name = "RRD"

    def probe(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the first bytes say it all
        """By its first bytes; versions too old to read are claimed too, to be refused with a sentence that helps."""
        return head[:4] == MAGIC or head[:4] in OLD_MAGICS

    def info(self, path: Path) -> Summary:
        """One topic per entity, from the index, or by reading the file where there is none. Raises FileError."""
        reader = RrdReader(path, on_damage=lambda _: None)  # the notes say so
        footer = reader.footer()
        manifests = reader.scan() if footer is None else footer.manifests
        recordings = [m for m in manifests if m.store_id.kind is StoreKind.RECORDING] or list(manifests)
        topics = tuple(topic for manifest in recordings for topic in _topics(manifest))
        starts = [t.start_nanos for t in topics if t.start_nanos is not None]
        ends = [t.end_nanos for t in topics if t.end_nanos is not None]
        return Summary(
            path=path,
            format=f"RRD {reader.version}",
            size_bytes=path.stat().st_size,
            start_nanos=min(starts, default=None),
            end_nanos=max(ends, default=None),
            topics=topics,
            notes=tuple(_notes(reader, manifests, has_footer=footer is not None)),
        )

    def messages(self, path: Path, options: ImportOptions) -> Iterator[LogMessage]:
        """Everything in the file that is asked for; a layout is kept whole. Raises FileError."""
        undecoded = Undecoded()
        for message in self.chosen(path, options):
            undecoded.see(message)
            yield message
        if undecoded and options.note:
            text = "holds messages as bytes alone, of which nothing can be drawn, plotted or queried"
            options.note(Note(f"{text}; `rrbridge convert {path.name} -o OUT.rrd` decodes them"))

    def chosen(self, path: Path, options: ImportOptions) -> Iterator[LogMessage]:
        """The same, without a word about what it is. Raises FileError."""
        reader = reader_of(path, options)
        for message in reader.messages(options.progress):
            store_id = _renamed(message.store_id, options)
            match message:
                case StoredChunk(_, chunk) if store_id.kind is StoreKind.RECORDING:
                    wanted = _wanted(chunk, options)
                    if wanted is not None:
                        yield StoredChunk(store_id, wanted)
                case StoredChunk(_, chunk):
                    yield StoredChunk(store_id, chunk)
                case StoreInfo(_, row_id, source):
                    yield StoreInfo(store_id, row_id, source)
                case ActivateBlueprint(_, make_active, make_default):
                    yield ActivateBlueprint(store_id, make_active, make_default)

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """The chunks of its recordings. Raises FileError."""
        for message in self.messages(path, options):
            if isinstance(message, StoredChunk) and message.store_id.kind is StoreKind.RECORDING:
                yield message.chunk

    def recording_id(self, path: Path) -> str:
        """The id of its first recording. Raises FileError."""
        for message in RrdReader(path).messages():
            if message.store_id.kind is StoreKind.RECORDING:
                return message.store_id.recording_id
        raise FileError(path, "holds no recording, at most a layout")


importer = RrdImporter()


def reader_of(path: Path, options: ImportOptions | None) -> RrdReader:
    """A reader that tells of damage as the options say."""
    tell = None if options is None else options.note
    return RrdReader(path, on_damage=None if tell is None else lambda damage: tell(Note(str(damage), is_loss=True)))


def _topics(manifest: Manifest) -> Iterator[TopicSummary]:
    paths = np.array(manifest.entity_paths, object)
    clocks = [manifest.times(timeline) for timeline in _clocks(manifest)]
    for entity in manifest.entities:
        own: npt.NDArray[np.bool_] = paths == entity
        times = next((clock for clock in clocks if (own & clock.present).any()), None)
        archetypes = {short_name(d.archetype) for d in manifest.components.get(entity, []) if d.archetype}
        yield TopicSummary(
            topic=entity,
            msgtype=", ".join(sorted(archetypes)),
            count=_events(manifest, entity, own),
            start_nanos=None if times is None else int(times.start[own & times.present].min()),
            end_nanos=None if times is None else int(times.end[own & times.present].max()),
        )


def _events(manifest: Manifest, entity: str, own: npt.NDArray[np.bool_]) -> int | None:
    """How often something was logged: the rows of the fullest component, as one message may fill rows of several chunks."""
    components, chunk_rows = manifest.components.get(entity, []), manifest.num_rows
    found = [manifest.component_rows(timeline, d) for timeline in manifest.timelines for d in components]
    if chunk_rows is not None:
        found += [np.where(manifest.has_static(d), chunk_rows, 0) for d in components]
    most = max((int(rows[own].sum()) for rows in found if rows is not None), default=0)
    if most or chunk_rows is None:
        return most or None
    return int(chunk_rows[own].sum())  # an index may lack the finer counts


def _clocks(manifest: Manifest) -> list[str]:
    """Timelines that tell when data was logged; where there are none, any that hold time stamps."""
    stamps = sorted(name for name, kind in manifest.timelines.items() if kind is TimeKind.TIMESTAMP)
    return [name for name in LOG_TIMELINES if name in stamps] or stamps


def _notes(reader: RrdReader, manifests: tuple[Manifest, ...], *, has_footer: bool) -> Iterator[str]:
    if reader.truncated_at is not None:
        yield f"writing was interrupted: whole up to byte {reader.truncated_at}"
    elif reader.damage:
        yield f"damaged in {len(reader.damage)} places, first at byte {reader.damage[0].offset}: {reader.damage[0].reason}"
    if not has_footer:
        yield "no index: opening reads the whole file"
    recordings = sum(m.store_id.kind is StoreKind.RECORDING for m in manifests)
    if recordings > 1:
        yield f"{recordings} recordings in one file"
    if recordings and len(manifests) > recordings:
        yield "brings a layout"
    if any(map(is_undecoded, manifests)):
        yield "messages as bytes alone: `rrbridge convert` decodes them"


def _renamed(store_id: StoreId, options: ImportOptions) -> StoreId:
    if options.recording_id is None or store_id.kind is not StoreKind.RECORDING:
        return store_id
    return StoreId(store_id.kind, store_id.application_id, options.recording_id)


def _wanted(chunk: Chunk, options: ImportOptions) -> Chunk | None:
    """The rows that are asked for; properties and static data always are, in so far as their entity is."""
    if not _entity_path.is_descendant(chunk.entity_path, PROPERTIES) and not options.wants(chunk.entity_path):
        return None
    timeline = next((name for name in LOG_TIMELINES if name in chunk.times), None)
    if timeline is not None and (options.start_nanos is not None or options.end_nanos is not None):
        nanos = chunk.times[timeline].values
        keep = np.ones(len(nanos), np.bool_)
        if options.start_nanos is not None:
            keep &= nanos >= options.start_nanos
        if options.end_nanos is not None:
            keep &= nanos <= options.end_nanos
        if not keep.any():
            return None
        if not keep.all():
            chunk = chunk.take(np.flatnonzero(keep))
    return chunk
