"""SQL over recordings, by DuckDB, which reads only the columns that a statement uses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from rrbridge._query_columns import column_name
from rrbridge._query_output import RECORDING, Output
from rrbridge._query_plan import no_such_index
from rrbridge.errors import MissingExtraError, QueryError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl

    from rrbridge._query_recording import Queryable
    from rrbridge._query_view import View

__all__ = ["Answer", "entity_tables", "register", "sql", "table", "table_names"]

LOG, LOG_FILLED = "log", "log_filled"
COPY_OPTIONS = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json, ARRAY true", "parquet": "FORMAT parquet"}
ABOUT_THE_FILE = ("McapChannel:", "McapSchema:")
"""Components that say how a file was written; an entity's own table leaves them out."""


class Answer:
    """What a statement answers: worked out when it is asked for, each time anew. Raises QueryError then."""

    def __init__(self, connection: Any, relation: Any, query: str) -> None:
        self._connection = connection  # some versions of DuckDB close it with its last reference
        self._query = query
        self.relation = relation
        """DuckDB's own object, for more of its methods; it is good as long as this one."""

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return list(self.relation.columns)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows, as tuples."""
        with errors_of_sql(self._query):
            rows: list[tuple[Any, ...]] = self.relation.fetchall()
        return rows

    def as_text(self, limit: int) -> list[tuple[str | None, ...]]:
        """The first rows, every value written as DuckDB writes it."""
        with errors_of_sql(self._query):
            first = self.relation.limit(limit).query("answer", "SELECT COLUMNS(*)::VARCHAR FROM answer")
            rows: list[tuple[str | None, ...]] = first.fetchall()
        return rows

    def to_arrow(self) -> pa.Table:
        """All rows, as an Arrow table."""
        with errors_of_sql(self._query):
            return self.relation.to_arrow_table()

    def to_pandas(self) -> pd.DataFrame:
        """All rows, as a pandas DataFrame."""
        with errors_of_sql(self._query):
            return self.relation.df()

    def to_polars(self) -> pl.DataFrame:
        """All rows, as a polars DataFrame."""
        with errors_of_sql(self._query):
            frame: pl.DataFrame = self.relation.pl()
        return frame

    def write(self, path: str | os.PathLike[str], kind: str) -> None:
        """Write all rows to a file, as they are read: `kind` is csv, json or parquet."""
        quoted = os.fspath(path).replace("'", "''")
        with errors_of_sql(self._query):
            self.relation.query("answer", f"COPY answer TO '{quoted}' ({COPY_OPTIONS[kind]})")

    def __str__(self) -> str:
        with errors_of_sql(self._query):
            return str(self.relation)

    def __repr__(self) -> str:
        return f"Answer({', '.join(self.columns)})"


@contextmanager
def errors_of_sql(query: str) -> Iterator[None]:
    """DuckDB's errors as ours, with the first line of what it says; more lines point into the statement."""
    try:
        yield
    except _duckdb().Error as err:
        raise QueryError(str(err).strip().splitlines()[0], query) from err


def sql(recordings: Queryable, query: str, index: str = "") -> Answer:
    """What a statement answers on the tables of recordings; see `Recording.sql`. Raises QueryError, MissingExtraError."""
    duckdb = _duckdb()
    connection = duckdb.connect()
    for name in _named_in(query, [LOG, LOG_FILLED, *entity_tables(recordings)]):
        output = table(recordings, name, index).work_out()
        if not output.schema.names:
            raise QueryError(f"table {name} has no columns: nothing was logged", query)
        connection.register(name, _Table(output))
    with errors_of_sql(query):
        try:
            relation = connection.sql(query)
        except duckdb.CatalogException as err:
            known = _some(table_names(recordings))
            raise QueryError(f"{str(err).splitlines()[0]}; tables: {known}", query) from err
    if relation is None:
        raise QueryError("that is no question: a statement that begins with SELECT, FROM or WITH gives rows", query)
    return Answer(connection, relation, query)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def register(view: View, connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
    """A view as a relation, registered under a name."""
    connection.register(name, _Table(view.work_out()))
    return connection.table(name)


def table_names(recordings: Queryable) -> list[str]:
    """The tables there are: `log`, `log_filled`, and one for each entity, by the shortest name it has."""
    short = {entity: name for name, entity in entity_tables(recordings).items() if "/" not in name}
    return [LOG, LOG_FILLED, *(short.get(entity, f'"{_quoted(entity)}"') for entity in recordings.entities())]


def entity_tables(recordings: Queryable) -> dict[str, str]:
    """The entities by their tables' names: the path, and the path with `_` between its parts where that is unambiguous."""
    entities = recordings.entities()
    found = {entity.lower(): entity for entity in entities}
    short: dict[str, list[str]] = {}
    for entity in entities:
        short.setdefault(re.sub(r"\W+", "_", entity).strip("_").lower(), []).append(entity)
    for name, of in short.items():
        if name and len(of) == 1 and name not in (LOG, LOG_FILLED):
            found.setdefault(name, of[0])
    return found


def _quoted(name: str) -> str:
    """As it stands between quotes."""
    return name.replace('"', '""')


def _named_in(query: str, names: Iterable[str]) -> list[str]:
    """The tables whose names stand in a statement; DuckDB's own answer to this knows no tables yet, and is less sure."""
    text = query.lower()
    return [name for name in names if re.search(rf"(?<!\w){re.escape(_quoted(name))}(?!\w)", text)]


def table(recordings: Queryable, name: str, index: str = "") -> View:
    """The view that stands behind a table, named as in SQL or by a path; `index` instead of the default one.

    Without timelines it is of static data. Raises InvalidValueError for an index that is not there.
    """
    timelines = recordings.timelines()
    if index and index not in timelines:
        raise no_such_index(index, timelines)
    wanted = index or (recordings.default_index() if timelines else None)
    if name.startswith('"'):
        name = name[1:-1].replace('""', '"')
    if name not in (LOG, LOG_FILLED):
        return _entity_view(recordings, entity_tables(recordings)[name.lower()], wanted)
    view = recordings.view(wanted).plain_values()
    return view if name == LOG else view.fill_latest_at()


def _entity_view(recordings: Queryable, entity: str, wanted: str | None) -> View:
    """The rows of an entity alone, by the index wanted if it has rows there, its columns by short names.

    A topic without messages has no rows, and the index alone as its column.
    """
    stores = [source.store for source in recordings.sources()]
    timelines = {name for store in stores for name in store.timelines() if len(store.times(entity, name))}
    index = wanted if wanted in timelines else min(timelines, default=None)
    view = recordings.view(index, entity)
    known = {name: found for store in stores for name, found in store.components(entity).items()}
    shown = view.schema().names
    fields = [descriptor.field for descriptor in known.values()]
    columns = {
        descriptor.field if fields.count(descriptor.field) == 1 and descriptor.field not in timelines else name: column
        for name, descriptor in known.items()
        if not name.startswith(ABOUT_THE_FILE) and (column := column_name(entity, name)) in shown
    }
    if wanted is not None and not (timelines or columns):
        return recordings.view(wanted, entity).select(wanted)
    ordered = dict(sorted(columns.items(), key=lambda named: shown.index(named[1])))
    first = [RECORDING] if RECORDING in shown else []
    return view.select(*first, *sorted(timelines), **ordered).plain_values()


class _Table(ds.Dataset):  # type: ignore[misc]
    """A view as DuckDB takes it: read anew by every scan, and only the columns asked for."""

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._output.schema

    def scanner(self, columns: Sequence[str] | None = None, filter: Any = None, **_: Any) -> _Scan:  # noqa: A002 - pyarrow's
        """The columns asked for, of the rows that a filter lets through."""
        return _Scan(self._output, list(self.schema.names) if columns is None else list(columns), filter)


class _Scan:
    """One pass over a table."""

    def __init__(self, output: Output, columns: list[str], condition: Any) -> None:
        text = "" if condition is None else str(condition)
        needed = [name for name in output.schema.names if name in columns or name in text]
        self._output = output.only(needed)
        self._condition = condition
        self.projected_schema = pa.schema([output.schema.field(name) for name in columns])

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows, made as they are read."""
        return pa.RecordBatchReader.from_batches(self.projected_schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        names = self.projected_schema.names
        for batch in self._output.reader():
            if self._condition is None:
                yield batch.select(names)
            else:
                yield from pa.Table.from_batches([batch]).filter(self._condition).select(names).to_batches()


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("SQL", "query") from None
    return duckdb
