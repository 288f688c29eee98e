"""A chunk as a table for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from rrbridge._chunk import ROW_ID, Chunk
from rrbridge._descriptor import short_name
from rrbridge._tuid import format_tuid

__all__ = ["format_chunk"]

REDACTED = "[**REDACTED**]"
ROWS_SHOWN = 40
CELL_CHARS = 400
"""Longer cells end in an ellipsis."""
NARROWEST = 8
_RANDOM_KEYS = (b"rerun:id", b"sorbet:version")


def format_chunk(chunk: Chunk, *, width: int, redact: bool, trim_metadata_keys: bool) -> str:
    """A table of at most `width` characters a line, or wider where the columns are too many.

    With `redact`, what differs from run to run is replaced; without `trim_metadata_keys`, keys keep their prefix.
    """
    batch = chunk.to_record_batch()
    about = _metadata_lines(batch.schema.metadata or {}, redact=redact, trim=trim_metadata_keys)
    shown = range(min(chunk.num_rows, ROWS_SHOWN))
    table: list[list[str]] = [[], *([] for _ in shown)]
    for field, column in zip(batch.schema, batch.columns, strict=True):
        name = "RowId" if field.name == ROW_ID else field.name
        nullable = "" if field.nullable else " not null"
        lines = _metadata_lines(field.metadata or {}, redact=False, trim=trim_metadata_keys)
        table[0].append("\n".join([name, "---", f"type: {field.type}{nullable}", *lines]))
        for row in shown:
            table[1 + row].append(_cell(column[row], is_id=field.name == ROW_ID, redact=redact))
    inner = _table(table, width - 4)
    rest = [] if chunk.num_rows <= ROWS_SHOWN else [f"… and {chunk.num_rows - ROWS_SHOWN} more rows"]
    body = ["METADATA:", *(f"* {line}" for line in about)]
    span = max(map(len, [*body, *inner, *rest]))
    rule = "─" * (span + 2)
    lines = [f"│ {line:<{span}} │" for line in body] + [f"├{'╌' * (span + 2)}┤"]
    lines += [f"│ {line:<{span}} │" for line in (*inner, *rest)]
    return "\n".join([f"┌{rule}┐", *lines, f"└{rule}┘"])


def _metadata_lines(metadata: Mapping[bytes, bytes], *, redact: bool, trim: bool) -> list[str]:
    found = []
    for key, value in sorted(metadata.items()):
        name = key.decode("utf-8", "replace")
        text = REDACTED if redact and key in _RANDOM_KEYS else value.decode("utf-8", "replace")
        if key == b"rerun:archetype":
            text = short_name(text)
        elif key == b"rerun:component_type":
            text = text.rpartition(".")[2]
        found.append(f"{name.partition(':')[2] if trim and name.startswith(('rerun:', 'sorbet:')) else name}: {text}")
    return found


def _cell(value: pa.Scalar, *, is_id: bool, redact: bool) -> str:
    if is_id:
        return f"row_{REDACTED}" if redact else format_tuid(value.as_py(), "row_")
    text = _text(value)
    return text if len(text) <= CELL_CHARS else f"{text[:CELL_CHARS]}…"


def _text(value: pa.Scalar) -> str:
    if not value.is_valid:
        return "null"
    if pa.types.is_timestamp(value.type) or pa.types.is_duration(value.type):
        return str(value.cast(pa.string())) if pa.types.is_timestamp(value.type) else f"{value.value / 1e9} s"
    return _plain(_head(value))


def _head(value: pa.Scalar) -> Any:
    """As Python sees it; of long lists the beginning, which is all that is shown."""
    if pa.types.is_list(value.type) and len(value.values) == 1 and pa.types.is_list(value.type.value_type):
        return [_head(value.values[0])] if value.values[0].is_valid else [None]
    if pa.types.is_list(value.type):
        return value.values.slice(0, CELL_CHARS).to_pylist()
    return value.as_py()


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)


def _table(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lines of a table with a header; columns that are too wide together share the room."""
    columns = len(rows[0])
    natural = [max(len(line) for row in rows for line in row[index].split("\n")) for index in range(columns)]
    widths = _shared(natural, width - 3 * columns - 1)

    def rule(left: str, stroke: str, cross: str, right: str) -> str:
        return left + cross.join(stroke * (w + 2) for w in widths) + right

    lines = [rule("┌", "─", "┬", "┐")]
    for number, row in enumerate(rows):
        if number:
            lines.append(rule("╞", "═", "╪", "╡") if number == 1 else rule("├", "╌", "┼", "┤"))
        cells = [_wrapped(cell, w) for cell, w in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            parts = (f"{cell[line] if line < len(cell) else '':<{w}}" for cell, w in zip(cells, widths, strict=True))
            lines.append("│ " + " ┆ ".join(parts) + " │")
    return [*lines, rule("└", "─", "┴", "┘")]


def _shared(natural: Sequence[int], room: int) -> list[int]:
    """Widths that fit: narrow columns keep theirs, wide ones get equal shares of the rest."""
    widths = [0] * len(natural)
    order = sorted(range(len(natural)), key=natural.__getitem__)
    for place, index in enumerate(order):
        share = max(room // (len(order) - place), NARROWEST)
        widths[index] = min(natural[index], share)
        room -= widths[index]
    return widths


def _wrapped(cell: str, width: int) -> list[str]:
    return [piece for line in cell.split("\n") for piece in textwrap.wrap(line, width) or [""]]
