"""`rrbridge rrd compare`: whether two recordings say the same."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

__all__ = ["compare"]


@click.command()
@click.argument("first", metavar="FIRST", type=click.Path(path_type=Path))
@click.argument("second", metavar="SECOND", type=click.Path(path_type=Path))
@click.option("--unordered", is_flag=True, help="Rows may stand in any order.")
@click.option("--same-chunks", is_flag=True, help="Rows must be cut into the same chunks.")
@click.option(
    "--ignore-timeline", "ignored", multiple=True, metavar="NAME", help="Leave out this timeline; repeatable."
)
@click.option("--with-log-time", is_flag=True, help="Compare log_time too, which two runs never have the same.")
@click.option("--ignore-chunks-without-components", is_flag=True, help="Leave out rows that hold nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON: a list.")
@click.pass_context
def compare(
    ctx: click.Context,
    first: Path,
    second: Path,
    unordered: bool,
    same_chunks: bool,
    ignored: tuple[str, ...],
    with_log_time: bool,
    ignore_chunks_without_components: bool,
    as_json: bool,
) -> int:
    """Say whether two recordings hold the same rows, however they are cut into chunks, and where they do not.

    Recording ids, row ids, layouts and (as with Rerun) the timeline log_time are not compared. Several recordings in a file are
    compared by their ids.

    Exit codes: 0 the same; 1 different, or an error; 2 wrong usage; 3 no difference, but part of a file is damaged or missing.
    """
    from rrbridge.rrd.tools.compare import Likeness
    from rrbridge.rrd.tools.compare import compare as compared
    from rrbridge_bridge.cli import EXIT_ERROR
    from rrbridge_bridge.commands.rrd._files import STDIN, Inputs
    from rrbridge_bridge.format import unless_nobody_reads, wide_console
    from rrbridge_bridge.output_files import progress_bar

    if STDIN in (first, second):
        raise click.UsageError("files that differ are read twice, so both must be files, not standard input")
    likeness = Likeness(
        unordered=unordered,
        same_chunks=same_chunks,
        ignored_timelines=frozenset(ignored) | (frozenset() if with_log_time else {"log_time"}),
        ignore_chunks_without_components=ignore_chunks_without_components,
    )
    source = Inputs([first, second])
    left, right = source.readers()
    with progress_bar("comparing") as bar:
        differences = compared(left, right, likeness, bar)
    with unless_nobody_reads():
        if as_json:
            import dataclasses
            import json
            import sys

            sys.stdout.write(json.dumps([dataclasses.asdict(one) for one in differences], indent=2) + "\n")
        else:
            from rich.text import Text

            console = wide_console()
            for one in differences:
                where = " ".join(part for part in (one.entity_path, one.component) if part)
                console.print(Text.assemble((where or one.recording_id, "bold"), ": ", one.text))
    code = source.exit_code()
    code = EXIT_ERROR if differences else code
    ctx.exit(code)
    return code
