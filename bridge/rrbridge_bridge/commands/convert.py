"""`rrbridge convert`: files and folders become an `.rrd` recording, or one each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import rich_click as click

from rrbridge_bridge.commands._positioned import Positioned, PositionedOption, for_each_argument
from rrbridge_bridge.commands._write import write_and_tell
from rrbridge_bridge.commands.rrd._sizes import BYTES
from rrbridge_bridge.writers import OutputFormat, WriteOptions, formats, output_format

if TYPE_CHECKING:
    from rrbridge_bridge.inputs import Input
    from rrbridge_bridge.settings import Settings

__all__ = ["convert"]

F = TypeVar("F", bound=Callable[..., Any])


def _choosing(command: F) -> F:
    """Options of what to take."""
    for option in (
        click.option(
            "-t", "--topics", multiple=True, metavar="PATTERN", help="Only topics that match: /camera, *imu*, ^/s."
        ),
        click.option(
            "-x", "--exclude", multiple=True, metavar="PATTERN", help="No topics that match. May be repeated."
        ),
        click.option(
            "--start",
            metavar="TIME",
            help="Leave out what was logged before: +10s, -5s (before the end), (nano)seconds since 1970, or an ISO date.",
        ),
        click.option("--end", metavar="TIME", help="Leave out what was logged after."),
        click.option(
            "--timeline",
            "timelines",
            multiple=True,
            metavar="A=B",
            help="Two timelines are one: what is on one is on the other too. May be repeated.",
        ),
        click.option(
            "--offset",
            "offsets",
            cls=PositionedOption,
            metavar="TIME",
            help="Add 1.5s, -20ms to the times of the IN after it, as its clock was wrong.",
        ),
        click.option(
            "--prefix",
            "prefixes",
            cls=PositionedOption,
            metavar="PATH",
            help="Put before entity paths and frames of the IN after it, to tell robots apart.",
        ),
    )[::-1]:
        command = option(command)
    return command


def _making(command: F) -> F:
    """Options of what is made of it."""
    for option in (
        click.option(
            "--fields",
            type=click.Choice(["all", "unmapped", "none"]),
            default="all",
            show_default=True,
            help="Whose message fields become columns that can be plotted and queried.",
        ),
        click.option(
            "--mapping",
            type=click.Choice(["all", "reference"]),
            default="all",
            show_default=True,
            help="Draw every known message type, or only those that Rerun's own importer knows.",
        ),
        click.option("--raw", is_flag=True, help="Keep each message's bytes too, so that the bag can be made again."),
        click.option("--application-id", help="Layouts are kept per application. By default rrbridge."),
        click.option("--recording-id", help="By default one derived from the content."),
        click.option("--robot", help="Name of the robot, kept as a property."),
        click.option(
            "--to",
            type=click.Choice(["rrd", *(one.name for one in formats())]),
            help="The output's format; by default what its name ends in, else rrd.",
        ),
        click.option(
            "--compression",
            type=click.Choice(sorted({name for one in formats() for name in one.compressions})),
            help="Of .mcap: zstd, lz4, none. Of .bag: none, lz4, bz2. The first is the default.",
        ),
        click.option(
            "--chunk-size",
            "chunk_bytes",
            type=BYTES,
            metavar="SIZE",
            help="How much of a .mcap or .bag is compressed at a time.",
        ),
        click.option(
            "--index",
            metavar="TIMELINE",
            help="Of Parquet and CSV made of a recording without messages' bytes: whose times rows have.",
        ),
        click.option(
            "--msgs",
            "definitions",
            multiple=True,
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="Folder to search for message definitions and packages (a workspace's src). May be repeated.",
        ),
    )[::-1]:
        command = option(command)
    return command


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="File to write, or folder (FOLDER/) for one each; else beside the first IN.",
)
@_choosing
@_making
@click.option(
    "--each", is_flag=True, help="Make one recording of each run, beside it or in the folder -o; in any format (--to)."
)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Convert so many at the same time; implies --each.")
@click.option("--force", is_flag=True, help="Overwrite the output; with --each, convert again what is up to date.")
@click.option("-v", "--verbose", is_flag=True, help="List every topic, however many there are.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def convert(
    ctx: click.RichContext,
    /,
    inputs: tuple[Path, ...],
    output: str | None,
    prefixes: tuple[Positioned, ...],
    offsets: tuple[Positioned, ...],
    each: bool,
    jobs: int | None,
    force: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    definitions: tuple[Path, ...],
    to: str | None,
    compression: str | None,
    chunk_bytes: int | None,
    index: str | None,
    **choices: Any,
) -> int:
    """Convert recordings, tables, robot models and pictures to .rrd, or recordings to another format.

    IN is a file (.bag, .db3, .mcap, also compressed; .rrd, .csv, .parquet, .urdf, pictures, meshes, videos …) or a folder.
    Several IN, and what is in a folder, become one recording, in the order given; with --each, --jobs or -o FOLDER/ one each,
    where what is up to date already is left as it is.

    What OUT ends in says the format: .rrd, .mcap, .bag, .db3, .parquet, .csv; folders are chosen with --to. To bags an .rrd can
    be converted too, if it has the messages' bytes (--raw, or from rrbridge record).

    --prefix and --offset apply to the IN after them, up to the next one; after the last IN, to all that have none:
    convert --prefix /robot1 a.bag --prefix /robot2 b.bag -o both.rrd

    Exit codes: 0 all messages are in the output as they should be; 1 an error, and no output; 2 wrong usage; 3 there is an
    output, but part of the input is damaged or missing, or some messages could not be decoded or mapped (their bytes or
    fields are kept). What was lost and why is printed. A file without an index, or never closed, of which all messages can be
    read, is no loss.
    """
    if Path("-") in inputs:
        raise click.UsageError("recordings are read from files, not from standard input: name one in place of -")
    if output == "-":
        raise click.UsageError("a recording is written to a file, not to standard output: -o FILE")
    path = None if output is None else Path(output)
    is_folder = output is not None and (output.endswith("/") or Path(output).is_dir())
    to_format = output_format(None if is_folder else path, to)
    if path is not None and to is None and to_format is None and not (is_folder or each or jobs):
        _check_ending(path)
    how = WriteOptions(compression=compression, chunk_bytes=chunk_bytes, index=index or "", force=force)
    given = _inputs(inputs, prefixes, offsets)
    settings = _settings(to_format, how, definitions, choices)
    _check_format(to_format, how, given, settings)
    show: Literal["table", "json", "nothing"] = "json" if as_json else "nothing" if quiet else "table"
    if each or jobs or (is_folder and not (to_format is not None and to_format.is_folder)):
        code = _each(given, path, settings, jobs or 1, show, force=force)
    elif to_format is not None:
        return _written(ctx, to_format, given, path, settings, how, show)
    else:
        code = _together(given, path, settings, show, force=force, verbose=verbose)
    ctx.exit(code)
    return code


def _check_ending(output: Path) -> None:
    """A recording that is called `run.db3.zst` or `run.json` would be taken for what it is not; `run_2024.05.17` is fine."""
    if output.suffix[1:2].isalpha() and output.suffix.lower() != ".rrd" and not output.exists():
        raise click.UsageError(
            f"-o: no format is known by the ending {output.suffix}; --to rrd (or mcap, bag …) writes a file of this name"
        )


def _inputs(paths: Sequence[Path], prefixes: Sequence[Positioned], offsets: Sequence[Positioned]) -> list[Input]:
    from rrbridge.errors import InvalidValueError
    from rrbridge_bridge.inputs import Input
    from rrbridge_bridge.times import parse_offset

    prefix_of = for_each_argument(prefixes, len(paths), "")
    offset_of = for_each_argument(offsets, len(paths), "0s")
    try:
        return [
            Input(path, prefix, parse_offset(offset))
            for path, prefix, offset in zip(paths, prefix_of, offset_of, strict=True)
        ]
    except InvalidValueError as err:
        raise click.UsageError(str(err)) from None


def _settings(
    to: OutputFormat | None, how: WriteOptions, definitions: Sequence[Path], choices: dict[str, Any]
) -> Settings:
    from rrbridge.errors import InvalidValueError
    from rrbridge_bridge.settings import Settings

    settings = Settings(
        definitions=tuple(map(str, definitions)),
        to=None if to is None else to.name,
        compression=how.compression,
        chunk_bytes=how.chunk_bytes,
        index=how.index,
        **choices,
    )
    try:
        settings.check()
    except InvalidValueError as err:
        raise click.UsageError(str(err)) from None
    return settings


def _check_format(to: OutputFormat | None, how: WriteOptions, given: Sequence[Input], settings: Settings) -> None:
    if to is None:
        if how.compression or how.chunk_bytes or how.index:
            raise click.UsageError("--compression, --chunk-size and --index are for outputs other than .rrd")
        return
    if any(one.prefix or one.offset_nanos for one in given) or settings.timelines:
        raise click.UsageError(
            "--prefix, --offset and --timeline are for .rrd: other formats keep messages as they are"
        )
    if how.compression is not None and how.compression not in to.compressions:
        raise click.UsageError(f"--compression of a {to.describes} is {' or '.join(to.compressions)}")


def _written(
    ctx: click.Context,
    to: OutputFormat,
    given: list[Input],
    output: Path | None,
    settings: Settings,
    how: WriteOptions,
    show: Literal["table", "json", "nothing"],
) -> int:
    from rrbridge_bridge.inputs import find_sources

    found = find_sources(given)
    for err in found.failed:
        if output is not None and output.exists() and os.path.realpath(err.path) == os.path.realpath(output):
            raise err  # rather than replace what may yet be mended
    options = settings.options(found.sources)
    return write_and_tell(ctx, to, [one.path for one in found.sources], output, options, how, show, found.notes())


def _together(
    given: list[Input], output: Path | None, settings: Settings, show: str, *, force: bool, verbose: bool
) -> int:
    from rrbridge_bridge.cli import EXIT_LOSSES
    from rrbridge_bridge.convert import convert_files
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.inputs import find_sources
    from rrbridge_bridge.output_files import output_path, progress_bar

    found = find_sources(given)
    target = output_path([one.path for one in given], output, force=force)
    count = len(found.sources)
    with progress_bar("converting" if count == 1 else f"converting {count} files") as bar:
        result = convert_files(found, target, settings, bar)
    if show != "nothing":
        from rrbridge_bridge.convert_summary import print_json, print_table  # takes 20 ms

        with unless_nobody_reads():
            if show == "json":
                print_json(result)
            else:
                print_table(result, every_topic=verbose)
    return 0 if result.is_lossless else EXIT_LOSSES


def _each(given: list[Input], folder: Path | None, settings: Settings, jobs: int, show: str, *, force: bool) -> int:
    from rrbridge_bridge.batch import convert_each
    from rrbridge_bridge.batch_summary import exit_code, print_json, print_table
    from rrbridge_bridge.format import unless_nobody_reads

    results = convert_each(given, folder, settings, jobs=jobs, force=force)
    with unless_nobody_reads():
        if show == "json":
            print_json(results)
        elif show == "table":
            print_table(results)
    return exit_code(results)
