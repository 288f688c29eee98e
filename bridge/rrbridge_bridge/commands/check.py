"""`rrbridge check`: what is wrong with recordings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.cli import EXIT_ERROR, EXIT_LOSSES
from rrbridge_bridge.commands import _topics
from rrbridge_bridge.commands._files import each_recording

if TYPE_CHECKING:
    from rich.console import Console

    from rrbridge.errors import FileError
    from rrbridge_bridge.inspect.check.findings import Finding
    from rrbridge_bridge.inspect.check.run import Report

__all__ = ["check"]

ALIKE = 3
"""Of more findings of one kind the worst is printed, and the topics of the others; JSON has them all."""
NAMED = 8
COLORS = ("bold red", "yellow", "dim")


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Notes count as findings too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per file.")
@_topics.definitions
@click.pass_context
def check(
    ctx: click.Context, files: tuple[Path, ...], strict: bool, as_json: bool, definitions: tuple[Path, ...]
) -> int:
    """Say what is wrong with recordings: structure, checksums, gaps, jumps, order, stamps, duplicates, transforms.

    Each finding says what, where and what to do next, the worst first.

    Exit codes: 0 nothing but notes; 1 a file cannot be read; 2 wrong usage; 3 errors or warnings were found (or, with
    --strict, notes).
    """
    from rrbridge_bridge.format import unless_nobody_reads, wide_console
    from rrbridge_bridge.inspect.check.run import check_file
    from rrbridge_bridge.output_files import progress_bar

    def checked(path: Path) -> Report:
        with progress_bar("checking") as bar:
            return check_file(path, definitions=definitions, progress=bar)

    reports: list[Report] = []
    failures: list[FileError] = []
    with unless_nobody_reads():
        console = wide_console()
        for report in each_recording(files, checked, failures, messages_only=True):
            reports.append(report)
            if not as_json:
                _print(console, report)
        if as_json:
            sys.stdout.write(json.dumps([_document(report) for report in reports], indent=2) + "\n")
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    found = any(report.findings if strict else not report.is_clean for report in reports)
    code = EXIT_ERROR if failures else EXIT_LOSSES if found else 0
    ctx.exit(code)
    return code


def _print(console: Console, report: Report) -> None:
    from rich.text import Text

    from rrbridge_bridge.format import many

    counts = [sum(f.severity == severity for f in report.findings) for severity in range(3)]
    words = [many(n, word) for n, word in zip(counts, ("error", "warning", "note"), strict=True) if n]
    about = f"  {report.format}, {many(report.topics, 'topic')}, {many(report.messages, 'message')}: "
    console.print(Text.assemble((str(report.path), "bold"), about, ", ".join(words) or "nothing found"))
    groups: dict[tuple[int, str], list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault((finding.severity, finding.code), []).append(finding)
    for alike in groups.values():
        shown = alike if len(alike) <= ALIKE else [max(alike, key=lambda f: f.value or 0)]
        for finding in shown:
            where = " ".join(part for part in (finding.topic, _when(finding, report)) if part)
            head = (finding.severity.name.lower(), COLORS[finding.severity])
            console.print(Text.assemble("  ", head, f" {where}: " if where else ": ", finding.text), soft_wrap=True)
            others = list(dict.fromkeys(f.topic for f in alike if f is not finding and f.topic != finding.topic))
            if len(shown) < len(alike) and others:
                more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
                console.print(Text(f"    the like on {', '.join(others[:NAMED])}{more}"), soft_wrap=True)
            if finding.advice:
                console.print(Text(f"    → {finding.advice}"), soft_wrap=True)


def _when(finding: Finding, report: Report) -> str:
    if finding.time_nanos is None or report.start_nanos is None:
        return ""
    return f"at {(finding.time_nanos - report.start_nanos) / 1e9:+.3f} s"


def _document(report: Report) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "format": report.format,
        "topics": report.topics,
        "messages": report.messages,
        "start_nanos": report.start_nanos,
        "end_nanos": report.end_nanos,
        "clocks": report.clocks,
        "findings": [
            {
                "severity": finding.severity.name.lower(),
                "code": finding.code,
                "topic": finding.topic or None,
                "time_nanos": finding.time_nanos,
                "times": finding.times,
                "value": finding.value,
                "text": finding.text,
                "advice": finding.advice,
            }
            for finding in report.findings
        ],
    }
