"""`rrbridge recover`: a torn or joined recording becomes a whole one."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

__all__ = ["recover"]


@click.command(short_help="Mend torn, damaged and joined recordings.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write; by default NAME.recovered.rrd.")
@click.option(
    "--in-place", is_flag=True, help="Put the mended file in the place of FILE, which is kept as FILE.damaged."
)
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON: a list with one object per file.")
@click.pass_context
def recover(
    ctx: click.Context, files: tuple[Path, ...], output: Path | None, in_place: bool, force: bool, as_json: bool
) -> int:
    """Mend recordings (.rrd, .rbl, .mcap) that were cut off, damaged, or put one after the other.

    Everything whole is written to a new file with an index, which appears only when it is complete and on the disk. What
    could not be kept is listed: where, how much, why, and whose data it was as far as that can be known. FILE is only read.

    With --in-place the mended file takes its name, and what was there is kept beside it as FILE.damaged (.damaged.2 … where
    that exists; a backup is never overwritten). A file that needs no mending is left alone.

    Exit codes: 0 nothing is lost; 1 an error, and no output; 2 wrong usage; 3 mended, with losses.
    """
    from rrbridge_bridge.cli import EXIT_LOSSES
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.recovery import recover_file, recovered_path
    from rrbridge_bridge.recovery_summary import print_json, print_text

    if output is not None and (len(files) > 1 or in_place):
        raise click.UsageError("-o goes with one FILE, and not with --in-place")
    outputs = [None if in_place else recovered_path(file, output, force=force) for file in files]
    results = []
    with unless_nobody_reads():
        for file, target in zip(files, outputs, strict=True):
            results.append(recover_file(file, target))
            if not as_json:
                print_text(results[-1])
        if as_json:
            print_json(results)
    code = 0 if all(result.is_lossless for result in results) else EXIT_LOSSES
    ctx.exit(code)
    return code
