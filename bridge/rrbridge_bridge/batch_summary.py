"""The closing words of many conversions: a line for each, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from rrbridge_bridge.batch import Outcome
from rrbridge_bridge.cli import EXIT_ERROR, EXIT_LOSSES
from rrbridge_bridge.format import count, size, wide_console

__all__ = ["exit_code", "print_json", "print_table"]


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0: all is in the outputs; 1: there is no output at all; 3: something is missing."""
    if all(outcome.is_lossless for outcome in outcomes):
        return 0
    return EXIT_ERROR if all(outcome.status == "failed" for outcome in outcomes) else EXIT_LOSSES


def print_json(outcomes: Sequence[Outcome]) -> None:
    """A list with one object for each, on standard output."""
    sys.stdout.write(json.dumps([_document(outcome) for outcome in outcomes], indent=2) + "\n")


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "inputs": [str(path) for path in outcome.inputs],
        "output": None if outcome.output is None else str(outcome.output),
        "status": outcome.status,
        "error": outcome.error or None,
        **{name: value for name, value in outcome.summary.items() if name not in ("inputs", "output")},
    }


def print_table(outcomes: Sequence[Outcome]) -> None:
    """What became of each; failures at the end, where they are seen."""
    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("from", "to"):
        table.add_column(heading, overflow="fold")
    for heading in ("messages", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for outcome in outcomes:
        if outcome.status != "failed":
            table.add_row(
                Text(_names(outcome)),
                Text(str(outcome.output)),
                count(outcome.summary.get("messages", 0)),
                size(outcome.summary.get("output_bytes", 0)),
                _state(outcome),
            )
    if table.row_count:
        console.print(table)
    for outcome in outcomes:
        for loss in outcome.summary.get("losses", ()):
            console.print(Text.assemble((f"{_names(outcome)}: data is missing: ", "red"), loss))
    for outcome in outcomes:
        if outcome.status == "failed":
            console.print(Text.assemble(("failed: ", "bold red"), outcome.error))
    found = Counter(outcome.status for outcome in outcomes)
    console.print(
        ", ".join(f"{found[status]} {status}" for status in ("converted", "up to date", "failed") if found[status])
    )


def _names(outcome: Outcome) -> str:
    first, *others = outcome.inputs
    return f"{first} and {len(others)} more parts" if others else str(first)


def _state(outcome: Outcome) -> Text:
    if not outcome.is_lossless:
        return Text("with losses" + (", up to date" if outcome.status == "up to date" else ""), style="red")
    return Text("" if outcome.status == "converted" else outcome.status, style="dim")
