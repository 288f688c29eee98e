"""`rrbridge rrd verify`: whether files are as the format has it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.commands.rrd._files import STDIN, Inputs, inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rrbridge.rrd.tools.verify import Problem

__all__ = ["verify"]


@click.command()
@inputs
@click.option(
    "--check-footers",
    type=bool,
    default=True,
    show_default=True,
    metavar="BOOL",
    help="Whether there must be an index, and a right one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per file.")
@click.pass_context
def verify(ctx: click.Context, paths: tuple[Path, ...], check_footers: bool, as_json: bool) -> int:
    """Check recordings: every message, types, order and ids of rows and chunks, and the index with its checksum.

    An error is what readers fail or answer wrongly for; a warning is what only costs something.

    Exit codes: 0 no errors; 1 errors, or a file that cannot be read; 2 wrong usage.
    """
    from rrbridge.errors import FileError
    from rrbridge.rrd.tools.verify import Problem
    from rrbridge.rrd.tools.verify import verify as verified
    from rrbridge_bridge.cli import EXIT_ERROR
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.output_files import progress_bar

    found: list[tuple[str, Sequence[Problem]]] = []
    for path in Inputs(paths).paths:
        name, source = ("standard input", sys.stdin.buffer) if path == STDIN else (str(path), path)
        with progress_bar("checking") as bar:
            try:
                found.append((name, verified(source, check_index=check_footers, progress=bar)))
            except FileError as err:
                found.append((name, [Problem(err.message, 0, True)]))
    with unless_nobody_reads():
        (_print_json if as_json else _print_text)(found)
    code = EXIT_ERROR if any(problem.is_error for _, problems in found for problem in problems) else 0
    ctx.exit(code)
    return code


def _print_text(found: Sequence[tuple[str, Sequence[Problem]]]) -> None:
    from rich.text import Text

    from rrbridge_bridge.format import count, wide_console

    console = wide_console()
    for name, problems in found:
        if not problems:
            console.print(Text.assemble((name, "bold"), ": as it should be"))
        for problem in problems:
            head = ("error", "red") if problem.is_error else ("warning", "yellow")
            where = f" in {problem.where}" if problem.where else ""
            more = f" ({count(problem.times - 1)} more)" if problem.times > 1 else ""
            place = f" at byte {count(problem.offset)}{where}: "
            console.print(Text.assemble((name, "bold"), ": ", head, place, problem.text, more))


def _print_json(found: Sequence[tuple[str, Sequence[Problem]]]) -> None:
    import json

    def document(problem: Problem) -> dict[str, Any]:
        severity = "error" if problem.is_error else "warning"
        facts = {"severity": severity, "offset": problem.offset, "where": problem.where or None}
        return facts | {"times": problem.times, "text": problem.text}

    files = [{"path": name, "problems": [document(one) for one in problems]} for name, problems in found]
    sys.stdout.write(json.dumps(files, indent=2) + "\n")
