"""`rrbridge rrd optimize`: fewer, larger chunks."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
    from rrbridge._optimization import OptimizationProfile

__all__ = ["optimize"]

PROFILES = ("live", "object-store")
"""For looking at while it is recorded, and for reading through and querying."""


@click.command()
@inputs
@output
@force
@continue_on_error
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="object-store",
    show_default=True,
    help="What sizes are good.",
)
@click.option("--max-size", type=BYTES, metavar="SIZE", help="Bytes that a chunk may grow to: 2MiB, 512KiB.")
@click.option("--max-rows", type=click.IntRange(min=0), help="Rows that a chunk may grow to.")
@click.option(
    "--max-rows-if-unsorted", type=click.IntRange(min=0), help="The same where rows are not in order of time."
)
@click.option(
    "--split-size-ratio",
    type=click.FloatRange(min=1),
    metavar="FACTOR",
    help="Archetypes of an entity whose sizes differ by more than this get chunks of their own.",
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
    split_size_ratio: float | None,
) -> int:
    """Put small chunks of recordings together, which makes files smaller and queries faster, and changes no answer.

    Several files become one, as with `rrd merge`. Of a folder, each recording becomes one of the same name under -o.

    The environment's RERUN_CHUNK_MAX_BYTES, RERUN_CHUNK_MAX_ROWS and RERUN_CHUNK_MAX_ROWS_IF_UNSORTED hold where no option is
    given. Of a pipe with several recordings only the first is put together. Videos are cut like everything else, not at
    their keyframes.
    """
    from rrbridge.rrd.tools.optimize import optimize as optimized
    from rrbridge_bridge.format import count

    aims = _aims(profile, split_size_ratio, max_size, max_rows, max_rows_if_unsorted)
    code = 0
    for inputs_of_one, target in _jobs(paths, output):
        source = Inputs(inputs_of_one, keep_going=continue_on_error)
        with open_output(target, source.files, force=force) as writer:
            found = optimized(
                functools.partial(source.entries, "optimizing"),
                writer,
                aims,
                again=STDIN not in source.paths,
                repeats=functools.partial(repeats_in, source),
            )
        say(
            f"{target or 'output'}: {count(found.merged.chunks + found.merged.duplicates)} chunks → {count(found.chunks_out)}"
        )
        code = source.exit_code() or code
    ctx.exit(code)
    return code


def _jobs(paths: tuple[Path, ...], output: Path | None) -> Iterator[tuple[Sequence[Path], Path | None]]:
    """What is read into what: everything into one file, or each recording of a folder into one of the same name."""
    folders = [path for path in paths if path.is_dir()]
    if not folders:
        yield paths, output
        return
    if output is None or len(folders) < len(paths):
        raise click.UsageError("a folder's recordings are optimized one by one: give only folders, and -o FOLDER")
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.suffix in (".rrd", ".rbl") and path.is_file()):
            target = output / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            yield [path], target


def _aims(profile: str, split_size_ratio: float | None, *given: int | None) -> OptimizationProfile:
    from rrbridge._optimization import OptimizationProfile

    base = {"live": OptimizationProfile.LIVE, "object-store": OptimizationProfile.OBJECT_STORE}[profile]
    if split_size_ratio is not None:
        base = replace(base, split_size_ratio=split_size_ratio)
    names = ("max_bytes", "max_rows", "max_rows_if_unsorted")
    limits = [_limit(name, value, getattr(base, name)) for name, value in zip(names, given, strict=True)]
    return replace(base, max_bytes=limits[0], max_rows=limits[1], max_rows_if_unsorted=limits[2])


def _limit(name: str, given: int | None, default: int | None) -> int | None:
    variable = f"RERUN_CHUNK_{name.upper()}"
    text = os.environ.get(variable)
    if given is not None or text is None:
        return default if given is None else given
    if not text.isdecimal():
        raise click.UsageError(f"{variable} is no number: {text}")
    return int(text)
