"""`rrbridge rrd filter`: part of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from rrbridge_bridge.commands.rrd._files import (
    STDIN,
    Inputs,
    continue_on_error,
    force,
    inputs,
    open_output,
    output,
    say,
)
from rrbridge_bridge.commands.rrd._times import TIME_HELP

if TYPE_CHECKING:
    from rrbridge.rrd.tools.filter import Filtered

__all__ = ["filter_"]


@click.command("filter")
@inputs
@output
@force
@continue_on_error
@click.option(
    "--entity", "entities", multiple=True, metavar="PATH", help="Only this entity; PATH/** takes all below it."
)
@click.option(
    "--drop-entity", "dropped", multiple=True, metavar="PATH", help="Not this entity; PATH/**: nor what is below."
)
@click.option(
    "--component", "components", multiple=True, metavar="NAME", help="Only this component: Points3D:positions."
)
@click.option("--drop-component", "dropped_components", multiple=True, metavar="NAME", help="Not this component.")
@click.option("--drop-timeline", "dropped_timelines", multiple=True, metavar="NAME", help="Not this timeline.")
@click.option("--timeline", metavar="NAME", help="The timeline that --start and --end are on.")
@click.option("--start", metavar="TIME", help=f"Leave out what is before. {TIME_HELP}")
@click.option("--end", metavar="TIME", help="Leave out what is after.")
@click.pass_context
def filter_(
    ctx: click.Context,
    paths: tuple[Path, ...],
    output: Path | None,
    force: bool,
    continue_on_error: bool,
    entities: tuple[str, ...],
    dropped: tuple[str, ...],
    components: tuple[str, ...],
    dropped_components: tuple[str, ...],
    dropped_timelines: tuple[str, ...],
    timeline: str | None,
    start: str | None,
    end: str | None,
) -> int:
    """Keep part of recordings: entities, components, timelines, a range of time. Options may be repeated.

    The recording's own properties and its layout stay. Chunks are not cut otherwise than asked for; those that stay as they
    are, are copied as they stand. With --start, the last value of every component before it is carried along, marked as
    repeated; that needs a file, not a pipe. Rows that are not on --timeline are left out, static ones stay.
    """
    from rrbridge.rrd.tools.filter import Filtered, filter_recording
    from rrbridge.rrd.tools.selection import Entities, Selection
    from rrbridge_bridge.commands.rrd._files import shifted
    from rrbridge_bridge.commands.rrd._times import time_range
    from rrbridge_bridge.output_files import progress_bar

    source = Inputs(paths, keep_going=continue_on_error)
    if start is not None and STDIN in source.paths:
        raise click.UsageError("--start reads twice, so it needs a file, not standard input")
    found_timeline, first, last = time_range(source.files, timeline, start, end)
    selection = Selection(
        Entities.of(entities) if entities else None,
        Entities.of(dropped),
        frozenset(components) if components else None,
        frozenset(dropped_components),
        frozenset(dropped_timelines),
        found_timeline,
        first,
        last,
    )
    found, done = Filtered(), 0
    with open_output(output, source.files, force=force) as writer, progress_bar("filtering") as bar:
        for path, reader in zip(source.paths, source.readers(), strict=True):
            found.add(filter_recording(reader, writer, selection, shifted(bar, done, source.total_bytes)))
            done += 0 if path == STDIN else path.stat().st_size
    _tell(found, found_timeline)
    code = source.exit_code()
    ctx.exit(code)
    return code


def _tell(found: Filtered, timeline: str | None) -> None:
    from rrbridge_bridge.format import count

    say(f"{count(found.rows_kept)} of {count(found.rows_in)} rows kept")
    if found.rows_carried:
        say(f"{count(found.rows_carried)} rows from before the start are carried along, for they still hold then")
    if found.rows_not_on_timeline:
        say(f"{count(found.rows_not_on_timeline)} rows are not on {timeline} and left out")
    if found.chunks_made_static:
        say(f"note: {count(found.chunks_made_static)} chunks are on no timeline any more, so their data is static now")
