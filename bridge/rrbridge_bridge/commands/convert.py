"""`rrbridge convert`: recorded messages become an `.rrd` recording."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import rich_click as click

from rrbridge_bridge.commands._write import write_and_tell
from rrbridge_bridge.commands.rrd._sizes import BYTES
from rrbridge_bridge.writers import WriteOptions, formats, output_format

__all__ = ["convert"]


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write; by default beside the first IN.")
@click.option("-t", "--topics", multiple=True, metavar="REGEX", help="Only topics that match. May be repeated.")
@click.option("-x", "--exclude", multiple=True, metavar="REGEX", help="No topics that match. May be repeated.")
@click.option("--start", metavar="TIME", help="Leave out what was logged before: +10s, epoch seconds, or an ISO date.")
@click.option("--end", metavar="TIME", help="Leave out what was logged after.")
@click.option(
    "--fields",
    type=click.Choice(["all", "unmapped", "none"]),
    default="all",
    show_default=True,
    help="Whose message fields become columns that can be plotted and queried.",
)
@click.option(
    "--mapping",
    type=click.Choice(["all", "reference"]),
    default="all",
    show_default=True,
    help="Draw every known message type, or only those that Rerun's own importer knows.",
)
@click.option("--raw", is_flag=True, help="Keep each message's bytes too, so that the bag can be made again.")
@click.option("--application-id", default="rrbridge", show_default=True, help="Layouts are kept per application.")
@click.option("--recording-id", help="By default one derived from the content.")
@click.option("--robot", help="Name of the robot, kept as a property.")
@click.option("--prefix", default="", help="Put before entity paths and frames, to tell robots apart.")
@click.option(
    "--msgs",
    "definitions",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder to search for message definitions (a workspace's src). May be repeated.",
)
@click.option(
    "--to",
    type=click.Choice(["rrd", *(one.name for one in formats())]),
    help="The output's format; by default what its name ends in, else rrd.",
)
@click.option(
    "--compression",
    type=click.Choice(sorted({name for one in formats() for name in one.compressions})),
    help="Of .mcap: zstd, lz4, none. Of .bag: none, lz4, bz2. The first is the default.",
)
@click.option(
    "--chunk-size",
    "chunk_bytes",
    type=BYTES,
    metavar="SIZE",
    help="How much of a .mcap or .bag is compressed at a time.",
)
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def convert(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    output: Path | None,
    topics: tuple[str, ...],
    exclude: tuple[str, ...],
    start: str | None,
    end: str | None,
    fields: Literal["all", "unmapped", "none"],
    mapping: Literal["all", "reference"],
    raw: bool,
    application_id: str,
    recording_id: str | None,
    robot: str | None,
    prefix: str,
    definitions: tuple[Path, ...],
    to: str | None,
    compression: str | None,
    chunk_bytes: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """Convert recordings (.bag, .db3, .mcap, rosbag2 folders) to one .rrd, or to another format.

    Several IN become one recording, in the order given. What OUT ends in says the format: .mcap, .bag, .db3; folders are
    chosen with --to. To these formats an .rrd can be converted too, if it has the messages' bytes (--raw, or from
    rrbridge record).

    Exit codes: 0 all messages are in the output as they should be; 1 an error, and no output; 2 wrong usage; 3 there is an
    output, but part of the input is damaged or missing, or some messages could not be decoded or mapped (their bytes or
    fields are kept). What was lost and why is printed. A file without an index, or never closed, of which all messages can be
    read, is no loss.
    """
    from rrbridge.importers import ImportOptions
    from rrbridge_bridge.cli import EXIT_LOSSES
    from rrbridge_bridge.convert import absolute_times, convert_files
    from rrbridge_bridge.convert_summary import print_json, print_table
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.output_files import output_path

    if output == Path("-"):
        raise click.UsageError("a recording is written to a file, not to standard output: -o FILE")
    start_nanos, end_nanos = absolute_times(inputs, start, end)
    options = ImportOptions(
        application_id=application_id,
        recording_id=recording_id,
        robot=robot,
        prefix=prefix,
        include=tuple(_regex(pattern) for pattern in topics),
        exclude=tuple(_regex(pattern) for pattern in exclude),
        start_nanos=start_nanos,
        end_nanos=end_nanos,
        fields=fields,
        mapping=mapping,
        raw=raw,
        definitions=definitions,
    )
    to_format = output_format(output, to)
    if to_format is not None:
        how = WriteOptions(compression=compression, chunk_bytes=chunk_bytes, force=force)
        return write_and_tell(ctx, to_format, inputs, output, options, how, as_json=as_json)
    if compression or chunk_bytes:
        raise click.UsageError("--compression and --chunk-size are for outputs other than .rrd")
    result = convert_files(inputs, output_path(inputs, output, force=force), options)
    with unless_nobody_reads():
        (print_json if as_json else print_table)(result)
    code = 0 if result.is_lossless else EXIT_LOSSES
    ctx.exit(code)
    return code


def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as err:
        raise click.BadParameter(f"{pattern!r} is not a regular expression: {err}") from None
