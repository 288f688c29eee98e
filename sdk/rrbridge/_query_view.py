"""A view of one or several recordings as a dataframe; frozen: each method gives another view, none reads data until asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pyarrow as pa

from rrbridge._query_chunks import ChunksOnDisk
from rrbridge._query_clock import Clock
from rrbridge._query_contents import Contents
from rrbridge._query_output import Output
from rrbridge._query_plan import Query, no_such_index, plan
from rrbridge._query_times import Bound, TimeLike, index_times
from rrbridge._store import ChunkStore
from rrbridge.errors import InvalidValueError, MissingExtraError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl

__all__ = ["Source", "View"]


class Source(Protocol):
    """A recording that a view reads."""

    @property
    def name(self) -> str:
        """What the recording is called."""

    @property
    def store(self) -> ChunkStore:
        """What it holds, or has logged so far."""

    @property
    def on_disk(self) -> ChunksOnDisk | None:
        """Where its cells are read from, if they are not to stay in memory."""


@dataclass(frozen=True, eq=False)
class View:
    """Rows and columns of recordings; see `Recording.view`.

    Iterate over it, or hand it to anything that takes Arrow streams, for record batches of bounded size.
    """

    sources: tuple[Source, ...]
    index: str | None
    contents: Contents
    is_named: bool = False
    """Whether the first column says which recording a row is of."""
    low: Bound | None = None
    high: Bound | None = None
    not_null: tuple[str, ...] = ()
    index_values: Any = None
    is_filled: bool = False
    is_filled_over_clears: bool = True
    clock: Clock | None = None
    selection: tuple[tuple[str, str], ...] | None = None
    is_plain: bool = False
    include_semantically_empty_columns: bool = False
    include_tombstone_columns: bool = False

    def filter_range(self, low: TimeLike | None = None, high: TimeLike | None = None) -> View:
        """Only rows with `low <= index <= high`; None leaves a side open.

        On a timeline of sequence numbers the bounds are whole numbers. On one of times they are a datetime, timedelta,
        numpy or pandas time, or plain seconds (time stamps: since the Unix epoch).
        """
        return self._within(low, high, "")

    def filter_range_sequence(self, low: int | None = None, high: int | None = None) -> View:
        """Only rows within these sequence numbers, both included."""
        return self._within(low, high, "sequence")

    def filter_range_secs(self, low: float | None = None, high: float | None = None) -> View:
        """Only rows within these seconds, both included; time stamps count from the Unix epoch."""
        return self._within(low, high, "secs")

    def filter_range_nanos(self, low: int | None = None, high: int | None = None) -> View:
        """Only rows within these nanoseconds, both included; time stamps count from the Unix epoch."""
        return self._within(low, high, "nanos")

    def _within(self, low: Any, high: Any, unit: Literal["sequence", "nanos", "secs", ""]) -> View:
        if self.index is None:
            raise InvalidValueError("filter_range", "a view with an index", "one of static data")
        bounds = [None if value is None else Bound(value, unit) for value in (low, high)]
        return dataclasses.replace(self, low=bounds[0], high=bounds[1])

    def filter_not_null(self, column: str) -> View:
        """Only rows at whose time this component column was logged; what `fill_latest_at` adds does not count."""
        return dataclasses.replace(self, not_null=(*self.not_null, column))

    def fill_latest_at(self, *, over_clears: bool = True) -> View:
        """Where nothing was logged at a row's time, show the latest value so far.

        After a `Clear` that is, as in the reference, the value from before it; without `over_clears` the cell stays
        empty until something is logged again.
        """
        return dataclasses.replace(self, is_filled=True, is_filled_over_clears=over_clears)

    def using_index_values(self, times: Any) -> View:
        """A row for each of these times, whether or not anything was logged then; usually with `fill_latest_at`.

        `times`: numpy, pandas or Arrow times, datetimes, or whole numbers (sequence numbers or nanoseconds), in any
        order, none of them twice.
        """
        return dataclasses.replace(self, index_values=times)

    def select(self, *columns: str | Iterable[str], **renamed: str) -> View:
        """Only these columns, in this order; `name="column"` gives a column another name.

        After a column's name may stand the number of an instance, `/imu:Scalars:scalars[2]`, and a path into structs:
        `/odom:nav_msgs.msg.Odometry:message.pose.pose.position.x`.
        """
        names = [name for column in columns for name in ([column] if isinstance(column, str) else column)]
        return dataclasses.replace(self, selection=(*((name, name) for name in names), *renamed.items()))

    def plain_values(self) -> View:
        """Show columns of which no cell has more than one instance as plain values instead of lists; `[]` becomes null."""
        return dataclasses.replace(self, is_plain=True)

    def schema(self) -> pa.Schema:
        """The columns: timelines, then components, by the reference's names."""
        return self.work_out().schema

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows as a stream of record batches, each within about 32 MiB, made one after the other as they are read."""
        return self.work_out().reader()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.schema().__arrow_c_schema__()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self.to_reader())

    def count_rows(self) -> int:
        """How many rows there are."""
        return len(self.work_out())

    def to_arrow(self) -> pa.Table:
        """All rows, in memory."""
        return self.to_reader().read_all()

    def to_pandas(self) -> pd.DataFrame:
        """All rows as a pandas DataFrame. Raises MissingExtraError."""
        try:
            import pandas  # noqa: F401, ICN001 - pyarrow needs it
        except ImportError:
            raise MissingExtraError("to_pandas()", "query") from None
        return self.to_arrow().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """All rows as a polars DataFrame. Raises MissingExtraError."""
        try:
            import polars as pl
        except ImportError:
            raise MissingExtraError("to_polars()", "query") from None
        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)
        return frame

    def to_duckdb(self, connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
        """A relation, registered in a DuckDB connection as the table `name`; only columns that SQL uses are read."""
        from rrbridge._query_sql import register

        return register(self, connection, name)

    def work_out(self) -> Output:
        """The view on what its recordings hold now. Raises InvalidValueError for a timeline or column that is not there."""
        stores = [(source.name, source.store, source.on_disk) for source in self.sources]
        timelines = sorted({name for _, store, _ in stores for name in store.timelines()})
        if self.index is not None and self.index not in timelines:
            raise no_such_index(self.index, timelines)
        having = [found for found in stores if self.index is None or self.index in found[1].timelines()]
        return Output.of(
            [(name, plan(store, self._query(store), on_disk)) for name, store, on_disk in having],
            selection=self.selection,
            is_named=self.is_named,
            is_plain=self.is_plain,
        )

    def _query(self, store: ChunkStore) -> Query:
        query = Query(
            index=self.index,
            contents=self.contents,
            not_null=self.not_null,
            fill_latest_at=self.is_filled,
            fill_over_clears=self.is_filled_over_clears,
            include_semantically_empty_columns=self.include_semantically_empty_columns,
            include_tombstone_columns=self.include_tombstone_columns,
        )
        if self.index is None:
            return query
        kind = store.timelines()[self.index]
        values = None if self.index_values is None else index_times(self.index_values, kind)
        return dataclasses.replace(
            query,
            low=None if self.low is None else self.low.on(self.index, kind),
            high=None if self.high is None else self.high.on(self.index, kind),
            index_values=values if self.clock is None else self.clock.times(store, self.index),
            alignment=None if self.clock is None else self.clock.alignment(self.index, kind),
        )
