"""`rrbridge convert` to formats other than `.rrd`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import rich_click as click

if TYPE_CHECKING:
    from rrbridge.importers import ImportOptions, Note
    from rrbridge_bridge.writers import OutputFormat, WriteOptions

__all__ = ["write_and_tell"]


def write_and_tell(
    ctx: click.Context,
    to: OutputFormat,
    inputs: Sequence[Path],
    output: Path | None,
    options: ImportOptions,
    how: WriteOptions,
    show: Literal["table", "json", "nothing"],
    notes: Sequence[Note] = (),
) -> int:
    """Write, print what was written, and end with the exit code that says how it went. Raises FileError, UsageError."""
    from rrbridge_bridge.cli import EXIT_LOSSES
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.writers._summary import print_json, print_table

    if output is None:
        raise click.UsageError(f"say where the {to.describes} is to be written: -o OUT")
    written = to.write(inputs, output, options, how)
    written = replace(written, notes=[*notes, *written.notes])
    with unless_nobody_reads():
        if show == "json":
            print_json(written)
        elif show == "table":
            print_table(written)
    code = 0 if written.is_lossless else EXIT_LOSSES
    ctx.exit(code)
    return code
