"""`rrbridge rrd print`: the messages of recordings, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.commands.rrd._files import Inputs, continue_on_error, inputs

if TYPE_CHECKING:
    from rrbridge.chunk import Chunk
    from rrbridge.rrd import Manifest
    from rrbridge.rrd._codec import Entry

__all__ = ["print_"]

CELL_CHARACTERS = 100
NAMES, SCHEMA, DATA = 1, 2, 3
"""Levels of detail."""


@click.command("print")
@inputs
@click.option("-v", "--verbose", count=True, help="Full names; -vv: columns and their types; -vvv: the data too.")
@click.option("--entity", metavar="PATH", help="Only chunks of this entity; PATH/** takes all below it.")
@click.option("--footers", type=bool, default=False, metavar="BOOL", help="Whether to print the index at the end.")
@continue_on_error
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one object per message; -vvv: with the data.")
@click.pass_context
def print_(
    ctx: click.Context,
    paths: tuple[Path, ...],
    verbose: int,
    entity: str | None,
    footers: bool,
    continue_on_error: bool,
    as_json: bool,
) -> int:
    """Print what is in recordings, message by message, in today's names: announcements, chunks, layout activations."""
    from rrbridge._messages import StoredChunk
    from rrbridge.rrd import RrdReader
    from rrbridge.rrd.tools.selection import Entities
    from rrbridge_bridge.format import unless_nobody_reads

    wanted = None if entity is None else Entities.of([entity])
    source = Inputs(paths, keep_going=continue_on_error)
    with unless_nobody_reads():
        for entry in source.entries("reading"):
            message = entry.message
            if wanted is not None and not (isinstance(message, StoredChunk) and message.chunk.entity_path in wanted):
                continue
            if as_json:
                _write(_json_line(_document(entry, verbose)))
            else:
                for line in _lines(entry, verbose):
                    _write(line)
        for path in source.files if footers else ():
            found = RrdReader(path).footer()
            for manifest in () if found is None else found.manifests:
                _write(_json_line({"index": _index(manifest)}) if as_json else _index_text(manifest))
    code = source.exit_code()
    ctx.exit(code)
    return code


def _write(line: str) -> None:
    import sys

    sys.stdout.write(line + "\n")


def _lines(entry: Entry, verbose: int) -> Iterator[str]:
    from rrbridge._messages import ActivateBlueprint, StoredChunk, StoreInfo

    match entry.message:
        case StoreInfo(store_id, _, source):
            kind = store_id.kind.name.lower()
            yield f"{kind} {store_id.recording_id} of {store_id.application_id}, made by {source or 'nobody'}"
        case ActivateBlueprint(store_id, active, default):
            how = " and ".join(name for name, is_set in (("active", active), ("default", default)) if is_set)
            yield f"layout {store_id.recording_id} becomes {how or 'neither active nor default'}"
        case StoredChunk(_, chunk):
            yield from _chunk_lines(entry, chunk, verbose)


def _chunk_lines(entry: Entry, chunk: Chunk, verbose: int) -> Iterator[str]:
    from rrbridge._descriptor import short_name
    from rrbridge_bridge.format import size

    when = "static" if chunk.is_static else "on " + ", ".join(chunk.times)
    names = ", ".join(
        name
        if verbose < NAMES
        else f"{name} ({c.descriptor.archetype or 'no archetype'}, {c.descriptor.component_type})"
        for name, c in chunk.components.items()
    )
    rows = f"{chunk.num_rows} row{'s' * (chunk.num_rows != 1)}"
    yield f"{chunk.id} {chunk.entity_path} {rows}, {size(len(entry.payload))}, {when}: {names}"
    if verbose < SCHEMA:
        return
    schema = chunk.to_record_batch().schema
    for key, value in sorted((schema.metadata or {}).items()):
        yield f"  {_text(key)} = {_text(value)}"
    for field in schema:
        keys = ", ".join(f"{short_name(_text(k))} = {_text(v)}" for k, v in sorted((field.metadata or {}).items()))
        yield f"  {field.name}: {field.type}{'' if field.nullable else ' not null'}" + (f" ({keys})" if keys else "")
    if verbose < DATA:
        return
    for row in _rows(chunk):
        yield "  " + "  ".join(f"{name} = {_shortened(value)}" for name, value in row.items())


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= CELL_CHARACTERS else f"{text[:CELL_CHARACTERS]}… ({len(text)} characters)"


def _rows(chunk: Chunk) -> Iterator[dict[str, Any]]:
    """Each row with its id, its times as numbers, and its values."""
    from rrbridge._tuid import format_tuid

    for index in range(chunk.num_rows):
        row: dict[str, Any] = {"row": format_tuid(chunk.row_ids[index].tobytes(), "row_")}
        row |= {name: int(column.values[index]) for name, column in chunk.times.items()}
        yield row | {name: c.cells[index].as_py() for name, c in chunk.components.items()}


def _document(entry: Entry, verbose: int) -> dict[str, Any]:
    from rrbridge._messages import ActivateBlueprint, StoredChunk, StoreInfo

    message = entry.message
    store_id = message.store_id
    facts: dict[str, Any] = {
        "offset": entry.offset,
        "bytes": len(entry.payload),
        "kind": store_id.kind.name.lower(),
        "application_id": store_id.application_id,
        "recording_id": store_id.recording_id,
    }
    match message:
        case StoreInfo():
            return {"message": "store"} | facts | {"source": message.source}
        case ActivateBlueprint():
            return {"message": "activation"} | facts | {"active": message.make_active, "default": message.make_default}
        case StoredChunk(_, chunk):
            facts |= {
                "chunk": chunk.id,
                "entity": chunk.entity_path,
                "rows": chunk.num_rows,
                "static": chunk.is_static,
                "timelines": {name: column.kind.name.lower() for name, column in chunk.times.items()},
                "components": {name: _column(chunk, name, verbose) for name in chunk.components},
            }
            data = {"data": list(_rows(chunk))} if verbose >= DATA else {}
            return {"message": "chunk"} | facts | data


def _column(chunk: Chunk, name: str, verbose: int) -> dict[str, Any]:
    column = chunk.components[name]
    found = {"archetype": column.descriptor.archetype, "type": column.descriptor.component_type}
    return found | ({"arrow": str(column.cells.type.value_type)} if verbose >= SCHEMA else {})


def _index(manifest: Manifest) -> dict[str, Any]:
    names = [field.name for field in manifest.data.schema if field.name.startswith("chunk_")]
    return {"recording_id": manifest.store_id.recording_id, "chunks": manifest.data.select(names).to_pylist()}


def _index_text(manifest: Manifest) -> str:
    head = f"index of {manifest.store_id.recording_id}: {len(manifest)} chunks"
    facts = (
        "  " + "  ".join(f"{name.removeprefix('chunk_')} = {_plain(value)}" for name, value in chunk.items())
        for chunk in _index(manifest)["chunks"]
    )
    return "\n".join([head, *facts])


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _json_line(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, default=lambda value: value.hex() if isinstance(value, bytes) else str(value))
