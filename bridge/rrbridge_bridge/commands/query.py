"""`rrbridge query`: SQL over recordings and bags."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.cli import EXIT_LOSSES
from rrbridge_bridge.output_files import complete_or_absent, output_path

if TYPE_CHECKING:
    from rrbridge import Recording, Recordings
    from rrbridge._query_sql import Answer
    from rrbridge.importers import Note

__all__ = ["query"]

FORMATS = ("csv", "json", "parquet")
WIDEST_CELL = 60


@click.command()
@click.argument("words", metavar="FILE... [SQL]", nargs=-1, required=True)
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV; what a pipe gets unless something else is said.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON: a list with one object per row.")
@click.option("--parquet", "as_parquet", is_flag=True, help="Write Parquet.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, in the format that its name ends in.",
)
@click.option("--index", default="", help="The timeline whose times rows have; otherwise when messages were logged.")
@click.option(
    "--rows",
    "limit",
    default=40,
    type=click.IntRange(1),
    show_default=True,
    help="How many rows a table on the terminal has.",
)
def query(
    words: tuple[str, ...],
    *,
    as_csv: bool,
    as_json: bool,
    as_parquet: bool,
    output: Path | None,
    index: str,
    limit: int,
) -> int:
    """Ask recordings and bags with SQL (DuckDB's). Without SQL: list the tables.

    Files are .rrd, .mcap, .bag, .db3, rosbag2 folders, or folders of such. Of several, the column `recording` says
    which one a row is of. There is a table for each topic, `"/imu/data"` or `imu_data`, with short column names;
    fields of messages are reached by path. The table `log` has everything by the time it was logged, and
    `log_filled` the latest values at each of these times.
    """
    files, statement = _files_and_statement(words)
    chosen = [name for name, wanted in zip(FORMATS, (as_csv, as_json, as_parquet), strict=True) if wanted]
    if len(chosen) > 1:
        raise click.UsageError(f"one format at a time, not --{' and --'.join(chosen)}")
    kind = chosen[0] if chosen else _format_of(output)
    target = None if output is None else _target(files, output)
    notes: list[Note] = []
    recordings = _opened(files, notes)
    if statement is None:
        if kind != "table" and chosen:
            raise click.UsageError("there is no SQL: give it after the files, in quotes")
        _print_tables(recordings, index)
    else:
        answer = recordings.sql(statement, index=index)
        if kind == "table":
            _print_table(answer, limit)
        else:
            _write(answer, kind, target)
    _tell(notes)  # reading may have met damage that opening did not see
    return EXIT_LOSSES if any(note.is_loss for note in notes) else 0


def _files_and_statement(words: tuple[str, ...]) -> tuple[list[Path], str | None]:
    """The last word is the statement unless it is a file; what looks like a missing file is left to be told as such."""
    last = words[-1]
    if len(words) == 1 or (last and Path(last).exists()) or (" " not in last and Path(last).suffix):
        return [Path(word) for word in words], None
    return [Path(word) for word in words[:-1]], last


def _format_of(output: Path | None) -> str:
    if output is None:
        return "table" if sys.stdout.isatty() else "csv"
    kind = output.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise click.UsageError(f"{output}: say the format with --csv, --json or --parquet, or by the file's ending")
    return kind


def _opened(files: list[Path], notes: list[Note]) -> Recording | Recordings:
    """The recordings; what a person should know of them goes into the notes, by the time they were read."""
    import rrbridge as rr
    from rrbridge.importers import ImportOptions

    options = ImportOptions(note=notes.append)
    return rr.open(files[0], options) if len(files) == 1 else rr.open(files, options)


def _tell(notes: list[Note]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for text in dict.fromkeys(note.text for note in notes):
        console.print(Text.assemble(("note: ", "yellow"), text))


def _target(files: list[Path], output: Path) -> Path:
    """Where to write. Raises FileError for what is being read; other files in a folder that is read may be written."""
    inside = [path for file in files if file.is_dir() for path in file.iterdir()]
    return output_path([path for path in (*files, *inside) if not path.is_dir()], output, force=True)


def _write(answer: Answer, kind: str, output: Path | None) -> None:
    from rrbridge.errors import QueryError

    if output is None:
        if kind == "parquet" and sys.stdout.isatty():
            raise click.UsageError("Parquet is no text for a terminal: give a file with -o")
        sys.stdout.flush()
        try:
            answer.write("/dev/stdout", kind)
        except QueryError as err:
            if "Broken pipe" not in str(err):  # else the reader, such as `head`, has seen enough
                raise
        return
    with complete_or_absent(output) as partial:
        partial.touch()
        answer.write(partial, kind)


def _print_table(answer: Answer, limit: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from rrbridge_bridge.format import unless_nobody_reads, wide_console

    found = answer.as_text(limit + 1)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, datatype in zip(answer.columns, answer.relation.types, strict=True):
        is_number = str(datatype).split("(")[0] in ("DOUBLE", "FLOAT", "DECIMAL") or "INT" in str(datatype)
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in found[:limit]:
        table.add_row(*(Text(_cell(value)) for value in row))
    with unless_nobody_reads():
        console = wide_console()
        console.print(table)
        if len(found) > limit:
            console.print(f"the first {limit} rows; more with --rows, all with -o FILE")


def _cell(value: str | None) -> str:
    text = "" if value is None else value
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"


def _print_tables(recordings: Any, index: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from rrbridge._query_sql import table
    from rrbridge_bridge.format import count, unless_nobody_reads, wide_console

    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("table", overflow="fold")
    shown.add_column("rows", justify="right", no_wrap=True)
    shown.add_column("columns", overflow="fold")
    for name in recordings.tables():
        view = table(recordings, name, index)
        columns = view.schema().names
        if not columns:
            continue
        what = ", ".join(columns) if not name.startswith("log") else f"{len(columns)} columns, such as {columns[-1]}"
        shown.add_row(Text(name), count(view.count_rows()), Text(what))
    with unless_nobody_reads():
        wide_console().print(shown)
