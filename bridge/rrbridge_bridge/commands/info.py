"""`rrbridge info`: what files hold, from their index alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from rrbridge.importers import Summary, TopicSummary

__all__ = ["info"]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per file.")
def info(files: tuple[Path, ...], as_json: bool) -> None:
    """Show what recordings hold: format, duration, topics, types, counts and rates.

    Only the index is read; a file without one is scanned.
    """
    from rrbridge import importers
    from rrbridge._folders import recordings_in
    from rrbridge_bridge.format import unless_nobody_reads

    files = tuple(path for file in files for path in recordings_in(file))
    if as_json:
        import json
        import sys

        documents = [_document(importers.info(file)) for file in files]
        with unless_nobody_reads():
            sys.stdout.write(json.dumps(documents, indent=2) + "\n")
        return
    with unless_nobody_reads():
        for number, file in enumerate(files):
            _print(importers.info(file), first=number == 0)


def _span(summary: Summary) -> int | None:
    if summary.start_nanos is None or summary.end_nanos is None:
        return None
    return summary.end_nanos - summary.start_nanos


def _topic_span(topic: TopicSummary, summary: Summary) -> int | None:
    if topic.start_nanos is None or topic.end_nanos is None:
        return _span(summary)
    return topic.end_nanos - topic.start_nanos


def _document(summary: Summary) -> dict[str, Any]:
    return {
        "path": str(summary.path),
        "format": summary.format,
        "bytes": summary.size_bytes,
        "start_nanos": summary.start_nanos,
        "end_nanos": summary.end_nanos,
        "messages": sum(topic.count or 0 for topic in summary.topics),
        "notes": list(summary.notes),
        "topics": [
            {"topic": t.topic, "type": t.msgtype, "messages": t.count, "encoding": t.encoding} for t in summary.topics
        ],
    }


def _print(summary: Summary, *, first: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from rrbridge_bridge.format import count, date, duration, rate, size, wide_console

    console = wide_console()
    if not first:
        console.print()
    span = _span(summary)
    console.print(Text.assemble((str(summary.path), "bold"), f"  {summary.format}, {size(summary.size_bytes)}"))
    if span is not None and summary.start_nanos is not None and summary.end_nanos is not None:
        console.print(f"{duration(span)}, from {date(summary.start_nanos)} to {date(summary.end_nanos)}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("topic", overflow="fold")
    table.add_column("type", overflow="fold")
    table.add_column("messages", justify="right", no_wrap=True)
    table.add_column("rate", justify="right", no_wrap=True)
    table.add_column("encoding")
    for topic in sorted(summary.topics, key=lambda t: t.topic):
        messages = "?" if topic.count is None else count(topic.count)
        table.add_row(
            Text(topic.topic),
            Text(topic.msgtype),
            messages,
            rate(topic.count or 0, _topic_span(topic, summary)),
            topic.encoding,
        )
    console.print(table)
    for note in summary.notes:
        console.print(Text.assemble(("note: ", "yellow"), note))
