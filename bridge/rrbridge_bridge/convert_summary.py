"""The closing words of a conversion: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rrbridge_bridge.convert import Converted
from rrbridge_bridge.format import count, duration, size, wide_console
from rrbridge_bridge.report import TopicReport, topics_by_reason

__all__ = ["print_json", "print_table"]


def print_json(result: Converted) -> None:
    """One object on standard output."""
    document = {
        "output": str(result.output),
        "application_id": result.application_id,
        "recording_id": result.recording_id,
        "input_bytes": result.input_bytes,
        "output_bytes": result.output_bytes,
        "chunks": result.chunks,
        "start_nanos": result.start_nanos,
        "end_nanos": result.end_nanos,
        "seconds": round(result.seconds, 3),
        "lossless": result.is_lossless,
        "losses": [note.text for note in result.notes if note.is_loss],
        "notes": [note.text for note in result.notes],
        "topics": [_topic(topic) for topic in result.topics],
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _topic(topic: TopicReport) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "type": topic.msgtype,
        "encoding": topic.encoding,
        "messages": topic.messages,
        "rows": topic.rows,
        "bytes": topic.nbytes,
        "mapped_by": topic.mapped_by or None,
        "fields": topic.with_fields,
        "bytes_only": topic.raw_only,
        "entities": sorted(topic.entities),
        "undecodable": topic.undecodable,
        "unmapped": topic.unmapped,
        "left_out": topic.left_out,
        "reason": topic.reason or None,
        "reasons": topic.reasons,
    }


def print_table(result: Converted) -> None:
    """What became of each topic, then one line about the file."""
    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("topic", "type"):
        table.add_column(heading, overflow="fold")
    for heading in ("messages", "rows", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("kept as")
    table.add_column("entities", justify="right")
    losses = [_losses(topic) for topic in result.topics]
    if any(losses):
        table.add_column("not as it should be", overflow="fold")
    for topic, lost in zip(result.topics, losses, strict=True):
        table.add_row(
            Text(topic.topic),
            Text(topic.msgtype),
            count(topic.messages),
            count(topic.rows),
            size(topic.nbytes),
            Text(topic.kept_as, style="yellow" if topic.raw_only else ""),
            _entities(topic),
            *([lost] if any(losses) else []),
        )
    console.print(table)
    _print_notes(console, result)
    span = ""
    if result.start_nanos is not None and result.end_nanos is not None:
        span = f"{duration(result.end_nanos - result.start_nanos)} of "
    messages = sum(topic.messages for topic in result.topics)
    console.print(
        Text.assemble(
            f"{span}{count(messages)} messages, {size(result.input_bytes)} → ",
            (str(result.output), "bold"),
            f" ({size(result.output_bytes)}) in {result.seconds:.1f} s",
        )
    )


def _entities(topic: TopicReport) -> str:
    return str(len(topic.entities)) if topic.entities else ""


def _losses(topic: TopicReport) -> Text:
    parts = []
    if topic.undecodable:
        parts.append(f"{count(topic.undecodable)} not decoded")
    if topic.unmapped:
        parts.append(f"{count(topic.unmapped)} not mapped")
    if topic.left_out:
        parts.append(f"{count(topic.left_out)} left out (--fields none)")
    return Text(", ".join(parts), style="" if topic.is_lossless else "red")


def _print_notes(console: Console, result: Converted) -> None:
    for note in result.notes:
        head = ("data is missing: ", "red") if note.is_loss else ("note: ", "yellow")
        console.print(Text.assemble(head, note.text))
    for reason, topics in topics_by_reason(result.topics).items():
        console.print(Text.assemble((f"{topics}: ", "yellow"), reason))
