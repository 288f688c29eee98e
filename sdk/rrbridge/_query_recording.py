"""Recordings opened to be asked: `rr.open("log.mcap").view(index="message_log_time")`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from rrbridge import _entity_path
from rrbridge._messages import StoreId
from rrbridge._query_align import Method
from rrbridge._query_chunks import ChunksOnDisk
from rrbridge._query_clock import Clock
from rrbridge._query_contents import Contents
from rrbridge._query_plan import no_such_index
from rrbridge._query_view import Source, View
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeKind
from rrbridge._transforms import TransformTree
from rrbridge.errors import InvalidValueError

if TYPE_CHECKING:
    from rrbridge._query_sql import Answer
    from rrbridge._recording import RecordingStream

__all__ = ["LiveRecording", "Recording", "Recordings"]

INDEXES = ("message_log_time", "log_time")
"""What rows go by where nobody says otherwise: the first of these that there is."""


class Queryable:
    """What one recording and several have in common."""

    _is_named = False

    def sources(self) -> tuple[Source, ...]:
        """The recordings themselves."""
        raise AssertionError("each kind says what it reads")

    def timelines(self) -> dict[str, TimeKind]:
        """The timelines, by name."""
        found = [source.store.timelines() for source in self.sources()]
        return dict(sorted(item for timelines in found for item in timelines.items()))

    def entities(self) -> list[str]:
        """The paths that have data, sorted."""
        return sorted({entity for source in self.sources() for entity in source.store.entities()})

    def time_range(self, index: str = "") -> tuple[int, int] | None:
        """The first and the last time on a timeline, as sequence numbers or nanoseconds; None if nothing is on it."""
        found = [source.store.time_range(index or self.default_index()) for source in self.sources()]
        spans = [span for span in found if span is not None]
        return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None

    def default_index(self) -> str:
        """The timeline of when messages were logged, else any of time stamps, else any. Raises InvalidValueError."""
        timelines = self.timelines()
        stamps = [name for name, kind in timelines.items() if kind is TimeKind.TIMESTAMP]
        for name in (*INDEXES, *stamps, *timelines):
            if name in timelines:
                return name
        raise no_such_index("", [])

    def view(
        self,
        index: str | None = "",
        contents: str | Iterable[str] | None = None,
        *,
        include_semantically_empty_columns: bool = False,
        include_tombstone_columns: bool = False,
    ) -> View:
        """Rows by the times of a timeline, columns of some entities; see `View` for what can be done with it.

        `index`: a timeline; left out: when messages were logged (`message_log_time`, `log_time`); None: static data
        alone, in one row. `contents`: rules for entity paths such as `"/imu/** - /imu/raw + /odom"`, of which the one
        with the longest path decides; None: everything but recording properties. Raises InvalidValueError when the
        timeline is not there.
        """
        return View(
            self.sources(),
            self._checked(index),
            Contents.parse(contents),
            is_named=self._is_named,
            include_semantically_empty_columns=include_semantically_empty_columns,
            include_tombstone_columns=include_tombstone_columns,
        )

    def align(
        self,
        clock: Any,
        contents: str | Iterable[str] | None = None,
        *,
        index: str = "",
        method: Method = "latest",
        tolerance_nanos: int | None = None,
    ) -> View:
        """Several topics on one clock: a row at each of its times, with what each component was then.

        `clock`: an entity path, whose rows tick, or times as `View.using_index_values` takes them. `method`: `latest` =
        the last value so far; `nearest` = the one nearest in time, the earlier of two equally near; `linear` = between
        the one before and the one after, for floating-point numbers and vectors (rotations turn along the shorter arc),
        `latest` for everything else. Nothing is made up beyond the first and last value. Values further away than
        `tolerance_nanos` are left out: the cell is null. From a `Clear` on, cells are empty.
        """
        if method not in ("latest", "nearest", "linear"):
            raise InvalidValueError("method", "'latest', 'nearest' or 'linear'", repr(method))
        if tolerance_nanos is not None and tolerance_nanos < 0:
            raise InvalidValueError("tolerance_nanos", "0 or more", str(tolerance_nanos))
        entity = _entity_path.normalize(clock) if isinstance(clock, str) else None
        ticks = Clock(entity, None if entity else clock, method, tolerance_nanos)
        return View(
            self.sources(), self._checked(index), Contents.parse(contents), is_named=self._is_named, clock=ticks
        )

    def sql(self, query: str, *, index: str = "") -> Answer:
        """What SQL (DuckDB's) answers: `print` it, or take `.fetchall()`, `.to_pandas()`, `.to_polars()`, `.to_arrow()`.

        Tables: `log`, everything by `index` (left out: when messages were logged); `log_filled`, the same with
        `fill_latest_at`; and one for each entity, `"/imu/data"` or `imu_data`, of its own rows, whose columns have
        short names (`scalars`, `message`). In all of them, columns whose cells have one instance are plain values.
        Raises QueryError, MissingExtraError.
        """
        from rrbridge._query_sql import sql

        return sql(self, query, index)

    def tables(self) -> list[str]:
        """The tables that `sql` knows."""
        from rrbridge._query_sql import table_names

        return table_names(self)

    def _checked(self, index: str | None) -> str | None:
        if index == "":
            return self.default_index()
        timelines = self.timelines()
        if index is not None and index not in timelines:
            raise no_such_index(index, timelines)
        return index


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Queryable):
    """One recording, from a file or several parts of one run."""

    name: str
    """The file's name without its ending, or the recording's id where a file holds several."""
    store: ChunkStore
    """What it holds."""
    on_disk: ChunksOnDisk | None = None
    """Where views read its cells from, if it is too large for memory."""

    @property
    def store_id(self) -> StoreId | None:
        """Application id and recording id."""
        return self.store.store_id

    def transforms(self) -> TransformTree:
        """Where its frames are: `recording.transforms().lookup("map", "base", "message_log_time", t)`."""
        return self._tree

    @cached_property
    def _tree(self) -> TransformTree:
        return TransformTree(self.store)

    def sources(self) -> tuple[Source, ...]:
        """Itself."""
        return (self,)

    def __repr__(self) -> str:
        return f"Recording({self.name!r}, {len(self.store.entities())} entities, {', '.join(self.store.timelines())})"


class LiveRecording(Queryable):
    """A recording that is being made: each question sees all that was logged so far."""

    def __init__(self, stream: RecordingStream) -> None:
        """Follow a stream from its beginning where that can still be had; see `RecordingStream.follow`."""
        self.name: str = stream.get_recording_id()
        self._stream = stream
        self._store = stream.follow()

    @property
    def store_id(self) -> StoreId:
        """Application id and recording id."""
        return self._stream.store_id

    @property
    def store(self) -> ChunkStore:
        """What was logged so far. Raises FileError if the stream cannot go on."""
        self._stream.flush()
        return self._store

    def transforms(self) -> TransformTree:
        """Where its frames are, by all that was logged so far; ask for it anew to see what came since."""
        self._stream.flush()
        return self._tree

    @cached_property
    def _tree(self) -> TransformTree:
        return TransformTree(self._store)

    @property
    def on_disk(self) -> None:
        """It is in memory."""
        return None

    def sources(self) -> tuple[Source, ...]:
        """Itself."""
        return (self,)

    def __repr__(self) -> str:
        return f"LiveRecording({self.name!r})"


class Recordings(Queryable, Sequence[Recording]):
    """Several recordings; their views have a first column `recording` with the name of each."""

    _is_named = True

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._recordings = tuple(recordings)

    def sources(self) -> tuple[Source, ...]:
        """The recordings themselves."""
        return self._recordings

    @property
    def names(self) -> list[str]:
        """What each is called."""
        return [recording.name for recording in self._recordings]

    def __len__(self) -> int:
        return len(self._recordings)

    @overload
    def __getitem__(self, index: int) -> Recording: ...
    @overload
    def __getitem__(self, index: slice) -> Recordings: ...
    def __getitem__(self, index: int | slice) -> Recording | Recordings:
        """One of them, or some."""
        found = self._recordings[index]
        return Recordings(found) if isinstance(found, tuple) else found

    def __iter__(self) -> Iterator[Recording]:
        return iter(self._recordings)

    def __repr__(self) -> str:
        return f"Recordings({', '.join(self.names)})"
