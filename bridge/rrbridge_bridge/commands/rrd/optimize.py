"""`rrbridge rrd optimize`: fewer, larger chunks."""

from __future__ import annotations

import os
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
    repeats_in,
    say,
)
from rrbridge_bridge.commands.rrd._sizes import BYTES

if TYPE_CHECKING:
    from rrbridge.rrd.tools.optimize import Limits

__all__ = ["optimize"]

PROFILES = {"live": (384 << 10, 4096, 1024), "object-store": (2 << 20, 65_536, 8192)}
"""Bytes, rows, rows if unsorted: for looking at while it is recorded, and for reading through and querying."""


@click.command()
@inputs
@output
@force
@continue_on_error
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="object-store",
    show_default=True,
    help="What sizes are good.",
)
@click.option("--max-size", type=BYTES, metavar="SIZE", help="Bytes that a chunk may grow to: 2MiB, 512KiB.")
@click.option("--max-rows", type=click.IntRange(min=0), help="Rows that a chunk may grow to.")
@click.option(
    "--max-rows-if-unsorted", type=click.IntRange(min=0), help="The same where rows are not in order of time."
)
@click.pass_context
def optimize(
    ctx: click.Context,
    paths: tuple[Path, ...],
    output: Path | None,
    force: bool,
    continue_on_error: bool,
    profile: str,
    max_size: int | None,
    max_rows: int | None,
    max_rows_if_unsorted: int | None,
) -> int:
    """Put small chunks of recordings together, which makes files smaller and queries faster, and changes no answer.

    Several files become one, as with `rrd merge`. The environment's RERUN_CHUNK_MAX_BYTES, RERUN_CHUNK_MAX_ROWS and
    RERUN_CHUNK_MAX_ROWS_IF_UNSORTED hold where no option is given. Of a pipe with several recordings only the first is put
    together.
    """
    from rrbridge.rrd.tools.optimize import optimize as optimized
    from rrbridge_bridge.format import count

    limits = _limits(profile, max_size, max_rows, max_rows_if_unsorted)
    source = Inputs(paths, keep_going=continue_on_error)
    again = STDIN not in source.paths
    with open_output(output, source.files, force=force) as writer:
        found = optimized(
            lambda: source.entries("optimizing"), writer, limits, again=again, repeats=lambda: repeats_in(source)
        )
    say(f"{count(found.merged.chunks + found.merged.duplicates)} chunks → {count(found.chunks_out)}")
    code = source.exit_code()
    ctx.exit(code)
    return code


def _limits(profile: str, *given: int | None) -> Limits:
    from rrbridge.rrd.tools.optimize import Limits

    names = ("RERUN_CHUNK_MAX_BYTES", "RERUN_CHUNK_MAX_ROWS", "RERUN_CHUNK_MAX_ROWS_IF_UNSORTED")
    numbers = []
    for value, name, default in zip(given, names, PROFILES[profile], strict=True):
        text = os.environ.get(name)
        if value is None and text is not None and not text.isdecimal():
            raise click.UsageError(f"{name} is no number: {text}")
        numbers.append(value if value is not None else default if text is None else int(text))
    return Limits(*numbers)
