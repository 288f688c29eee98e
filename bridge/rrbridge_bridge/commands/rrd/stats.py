"""`rrbridge rrd stats`: how much of what is in recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.commands.rrd._files import STDIN, Inputs, continue_on_error, inputs

if TYPE_CHECKING:
    from rrbridge.rrd.tools.stats import Distribution, Stats

__all__ = ["stats"]


@click.command()
@inputs
@continue_on_error
@click.option("--no-decode", is_flag=True, help="Only sizes, without looking into chunks: much faster.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object, with every entity, component, timeline.")
@click.pass_context
def stats(ctx: click.Context, paths: tuple[Path, ...], continue_on_error: bool, no_decode: bool, as_json: bool) -> int:
    """Count chunks, rows and bytes, in all and per entity, component and timeline.

    Sizes are those of the file (packed) and of the data in it (unpacked).
    """
    from rrbridge.rrd.tools.stats import stats_of
    from rrbridge_bridge.format import unless_nobody_reads

    source = Inputs(paths, keep_going=continue_on_error)
    if no_decode:
        _print_packed(source, as_json=as_json)
        return 0
    found = stats_of(source.entries("counting"))
    with unless_nobody_reads():
        (_print_json if as_json else _print_text)(found)
    code = source.exit_code()
    ctx.exit(code)
    return code


def _print_text(found: Stats) -> None:
    from rich.text import Text

    from rrbridge_bridge.format import count, many, size, timeline_time, wide_console

    console = wide_console()
    rows, packed, unpacked = found.rows, found.packed_bytes, found.unpacked_bytes
    console.print(
        f"{many(found.chunks, 'chunk')} ({count(found.static_chunks)} static), {many(rows.total, 'row')}, "
        f"{many(len(found.entity_paths), 'entity', 'entities')} in {many(len(found.entities), 'store')}"
    )
    if found.chunks_without_components:
        console.print(f"{many(found.chunks_without_components, 'chunk')} without components")
    table = _table("per chunk", "total", "min", "average", "max", *(f"{p:g} %" for p in packed.percentiles))
    for name, one, show in (
        ("rows", rows, _number),
        ("timelines", found.indexes, _number),
        ("components", found.columns, _number),
        ("packed", packed, size),
        ("unpacked", unpacked, size),
        ("  schema", found.schema_bytes, size),
        ("  data", found.data_bytes, size),
    ):
        numbers = (one.minimum, one.average, one.maximum, *one.percentiles.values())
        table.add_row(name, show(one.total), *map(show, numbers))
    console.print(table)
    console.print()
    table = _table("timeline", "chunks", "rows", "size", "unsorted chunks", "from", "to")
    for name, time in found.timelines.items():
        span = ["" if t is None else timeline_time(time.kind, t) for t in (time.start, time.end)]
        unsorted = count(time.unsorted_chunks) if time.unsorted_chunks else ""
        table.add_row(Text(name), count(time.chunks), count(time.rows), size(time.nbytes), unsorted, *span)
    console.print(table)
    console.print()
    table = _table("component", "chunks", "values", "size")
    for name, component in found.components.items():
        table.add_row(Text(name), count(component.chunks), count(component.values), size(component.nbytes))
    console.print(table)
    for store_id, entities in found.entities.items():
        console.print()
        table = _table(f"entity of {store_id.recording_id}", "chunks", "rows", "packed", "unpacked")
        for path, entity in sorted(entities.items()):
            sizes = size(entity.packed_bytes), size(entity.unpacked_bytes)
            table.add_row(Text(path), count(entity.chunks), count(entity.rows), *sizes)
        console.print(table)


def _print_packed(source: Inputs, *, as_json: bool) -> None:
    import json
    import sys

    from rrbridge.rrd.tools.stats import packed_stats_of
    from rrbridge_bridge.format import many, size, unless_nobody_reads, wide_console
    from rrbridge_bridge.output_files import progress_bar

    for path in source.paths:
        with progress_bar("counting") as bar:
            found = packed_stats_of(sys.stdin.buffer if path == STDIN else path, bar)
        packed, unpacked = found.packed_bytes, found.unpacked_bytes
        chunks = len(found.packed)
        with unless_nobody_reads():
            if as_json:
                sizes = {"packed_bytes": _distribution(packed), "unpacked_bytes": _distribution(unpacked)}
                sys.stdout.write(json.dumps({"path": str(path), "chunks": chunks, "per_chunk": sizes}) + "\n")
                continue
            wide_console().print(f"{path}: {many(chunks, 'chunk')} of {many(len(found.stores), 'store')}")
            table = _table("per chunk", "total", "min", "average", "max", *(f"{p:g} %" for p in packed.percentiles))
            for name, one in (("packed", packed), ("unpacked", unpacked)):
                numbers = (one.minimum, one.average, one.maximum, *one.percentiles.values())
                table.add_row(name, size(one.total), *map(size, numbers))
            wide_console().print(table)


def _number(value: float) -> str:
    from rrbridge_bridge.format import count

    return count(int(value)) if value == int(value) else f"{value:.3f}"


def _table(first: str, *headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _print_json(found: Stats) -> None:
    import json
    import sys

    document = {
        "chunks": found.chunks,
        "static_chunks": found.static_chunks,
        "chunks_without_components": found.chunks_without_components,
        "entities": len(found.entity_paths),
        "per_chunk": {
            "rows": _distribution(found.rows),
            "timelines": _distribution(found.indexes),
            "components": _distribution(found.columns),
            "packed_bytes": _distribution(found.packed_bytes),
            "unpacked_bytes": _distribution(found.unpacked_bytes),
            "schema_bytes": _distribution(found.schema_bytes),
            "data_bytes": _distribution(found.data_bytes),
        },
        "components": {name: _component(one) for name, one in found.components.items()},
        "timelines": {name: _timeline(one) for name, one in found.timelines.items()},
        "stores": [
            {
                "kind": store_id.kind.name.lower(),
                "application_id": store_id.application_id,
                "recording_id": store_id.recording_id,
                "entities": {
                    path: {
                        "chunks": one.chunks,
                        "static_chunks": one.static_chunks,
                        "rows": one.rows,
                        "packed_bytes": one.packed_bytes,
                        "unpacked_bytes": one.unpacked_bytes,
                        "components": {name: _component(c) for name, c in one.components.items()},
                        "timelines": {name: _timeline(t) for name, t in one.timelines.items()},
                    }
                    for path, one in sorted(entities.items())
                },
            }
            for store_id, entities in found.entities.items()
        ],
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _distribution(one: Distribution) -> dict[str, Any]:
    percentiles = {f"p{p:g}": value for p, value in one.percentiles.items()}
    return {"total": one.total, "min": one.minimum, "max": one.maximum, "average": one.average, **percentiles}


def _component(one: Any) -> dict[str, int]:
    return {"chunks": one.chunks, "values": one.values, "bytes": one.nbytes}


def _timeline(one: Any) -> dict[str, Any]:
    return {
        "kind": one.kind.name.lower(),
        "chunks": one.chunks,
        "rows": one.rows,
        "bytes": one.nbytes,
        "unsorted_chunks": one.unsorted_chunks,
        "start": one.start,
        "end": one.end,
    }
