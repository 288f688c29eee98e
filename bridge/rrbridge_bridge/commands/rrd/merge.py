"""`rrbridge rrd merge`: several recordings in one file."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from rrbridge_bridge.commands.rrd._files import (
    Inputs,
    continue_on_error,
    force,
    inputs,
    open_output,
    output,
    repeats_in,
    say,
)

__all__ = ["merge"]


@click.command()
@inputs
@output
@force
@continue_on_error
@click.pass_context
def merge(
    ctx: click.Context, paths: tuple[Path, ...], output: Path | None, force: bool, continue_on_error: bool
) -> int:
    """Put recordings into one file, with an index.

    Files of one recording (same application and recording id) become that recording again: parts that `rrd split` made give the
    whole. Several recordings stay apart in one file. A chunk that is in several files is written once; what is in names of
    older versions is brought up to date.
    """
    from rrbridge.rrd.tools.merge import merge as merged
    from rrbridge_bridge.format import many

    source = Inputs(paths, keep_going=continue_on_error)
    with open_output(output, source.files, force=force) as writer:
        found = merged(source.entries("merging"), writer, repeats_in(source))
    if found.duplicates:
        say(f"{many(found.duplicates, 'chunk')} came twice and kept once")
    if found.repeats:
        say(f"{many(found.repeats, 'row')} that a cut had repeated left out beside the originals")
    code = source.exit_code()
    ctx.exit(code)
    return code
