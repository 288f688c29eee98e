"""What is no bag joins a recording: other recordings, tables, pictures, robot models, as their importers make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rrbridge import _entity_path
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk
from rrbridge.formats.robots import RobotImporter
from rrbridge.importers import ImportOptions, MessageImporter, Note
from rrbridge_bridge.frames import FrameNames
from rrbridge_bridge.inputs import Source
from rrbridge_bridge.report import TopicReport

if TYPE_CHECKING:
    from rrbridge_bridge.rrd_sources import RrdParts

__all__ = ["PROPERTIES", "Joining"]

PROPERTIES = "/__properties"
CHILD_FRAME = "Transform3D:child_frame"
LOG_TIMELINES = ("message_log_time", "log_time")


class Joining:
    """Takes such sources one after the other; `reports` and `layouts` fill meanwhile."""

    def __init__(
        self, see: Callable[[int, int, TopicReport], None], sources: Sequence[Source], *, joints_may_move: bool
    ) -> None:
        """`see` hears the first and last date of each chunk; `sources` are all that the recording is made of.

        `joints_may_move`: there are messages that may say where the joints of a robot are.
        """
        self.reports: dict[str, TopicReport] = {}
        """By entity."""
        self.layouts: list[LogMessage] = []
        """What recordings brought along besides data."""
        self._resting: list[Chunk] = []
        self._see = see
        self._is_alone = len(sources) == 1
        self._sources = sources
        self._parts: dict[tuple[str, int], RrdParts] = {}
        self._joints_may_move = joints_may_move

    def chunks(self, source: Source, options: ImportOptions) -> Iterator[Chunk]:
        """All of a source; notes go to the options' `note`. Raises FileError."""
        names = FrameNames(options.prefix.strip("/"))
        stores: set[StoreId] = set()
        for chunk in self._imported(source, options, stores):
            if isinstance(source.importer, RobotImporter) and self._joints_may_move:
                chunk = self._without_resting(chunk, source.importer.movable_frames(source.path, options.prefix))
            if isinstance(source.importer, MessageImporter):
                placed = self._placed(chunk, options.prefix, names)
                if placed is None:
                    continue
                chunk = placed
            self._enter(chunk, source)
            yield chunk
        if len(stores) > 1 and options.note:
            options.note(Note(f"its {len(stores)} recordings become one"))

    def _imported(self, source: Source, options: ImportOptions, stores: set[StoreId]) -> Iterator[Chunk]:
        importer = source.importer
        if not isinstance(importer, MessageImporter):
            yield from importer.chunks(source.path, options)
            return
        parts = self._parts_beside(source)
        for message in importer.messages(source.path, options):
            if message.store_id.kind is not StoreKind.RECORDING:
                self.layouts.append(message)
            elif isinstance(message, StoredChunk):
                stores.add(message.store_id)
                chunk = parts.fresh(message) if parts else message.chunk
                if chunk is not None:
                    yield chunk

    def _parts_beside(self, source: Source) -> RrdParts | None:
        """What all recordings have in common that are put at the same place; None if it is the only one."""
        place = (source.prefix, source.offset_nanos)
        if place not in self._parts:
            here = [
                one.path
                for one in self._sources
                if isinstance(one.importer, MessageImporter) and (one.prefix, one.offset_nanos) == place
            ]
            if len(here) < 2:
                return None
            from rrbridge_bridge.rrd_sources import RrdParts

            self._parts[place] = RrdParts(here)
        return self._parts[place]

    def _without_resting(self, chunk: Chunk, movable: frozenset[str]) -> Chunk:
        """Static transforms hold against all others, so those of joints that may move are kept for the start."""
        column = chunk.components.get(CHILD_FRAME)
        if column is None:
            return chunk
        moves = np.array([cell[0] in movable for cell in column.cells.to_pylist()], np.bool_)
        if moves.any():
            self._resting.append(chunk.take(np.flatnonzero(moves)))
        return chunk.take(np.flatnonzero(~moves))

    def resting(self, timelines: Sequence[str], start_nanos: int | None) -> Iterator[Chunk]:
        """Where joints are until something moves them: at the start of the recording; static if it has none."""
        for chunk in self._resting:
            if start_nanos is None:
                yield chunk
                continue
            at = np.full(chunk.num_rows, start_nanos)
            yield Chunk.from_columns(
                chunk.entity_path,
                times=[TimeColumn.of(name, TimeKind.TIMESTAMP, at) for name in timelines],
                components=chunk.components.values(),
                row_ids=chunk.row_ids,
            )

    def _placed(self, chunk: Chunk, prefix: str, names: FrameNames) -> Chunk | None:
        """A recording's own chunk under the prefix; None for what is said anew about the whole."""
        if _entity_path.is_descendant(chunk.entity_path, PROPERTIES):
            return chunk if self._is_alone or chunk.entity_path != PROPERTIES else None
        if not prefix:
            return chunk
        entity_path = _entity_path.join(prefix, chunk.entity_path)
        return Chunk.from_columns(
            entity_path,
            times=chunk.times.values(),
            components=[names.applied(column, entity_path) for column in chunk.components.values()],
            row_ids=chunk.row_ids,
        )

    def _enter(self, chunk: Chunk, source: Source) -> None:
        if _entity_path.is_descendant(chunk.entity_path, PROPERTIES):
            return
        report = self.reports.get(chunk.entity_path)
        if report is None:
            report = TopicReport(chunk.entity_path, "", source.importer.name, chunk.entity_path, source.importer.name)
            self.reports[chunk.entity_path] = report
        report.enter(chunk)
        report.messages = report.rows
        report.msgtype = ", ".join(sorted(report.archetypes))
        names = [name for name, time in chunk.times.items() if time.kind is TimeKind.TIMESTAMP]
        if names and chunk.num_rows:
            values = chunk.times[next((name for name in LOG_TIMELINES if name in names), names[0])].values
            offset = source.offset_nanos
            self._see(int(values.min()) + offset, int(values.max()) + offset, report)
