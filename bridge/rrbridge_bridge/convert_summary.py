"""The closing words of a conversion: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rrbridge_bridge.convert import Converted
from rrbridge_bridge.format import count, duration, many, rate, size, wide_console
from rrbridge_bridge.report import TopicReport, topics_by_reason

__all__ = ["document", "print_json", "print_table"]


NOT_DRAWN = frozenset(("CoordinateFrame", "McapChannel", "McapMessage", "McapSchema"))
"""What every message may have."""
MOST_TOPICS = 40
"""More are not listed unasked; those with losses always are."""


def print_json(result: Converted) -> None:
    """One object on standard output."""
    sys.stdout.write(json.dumps(document(result), indent=2) + "\n")


def document(result: Converted) -> dict[str, Any]:
    """All there is to say, for programs."""
    return {
        "inputs": [str(path) for path in result.inputs],
        "output": str(result.output),
        "application_id": result.application_id,
        "recording_id": result.recording_id,
        "input_bytes": result.input_bytes,
        "output_bytes": result.output_bytes,
        "chunks": result.chunks,
        "messages": result.messages,
        "start_nanos": result.start_nanos,
        "end_nanos": result.end_nanos,
        "seconds": round(result.seconds, 3),
        "lossless": result.is_lossless,
        "losses": [note.text for note in result.notes if note.is_loss],
        "notes": [note.text for note in result.notes],
        "topics": [_topic(topic) for topic in result.topics],
    }


def _topic(topic: TopicReport) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "entity": topic.entity_path,
        "type": topic.msgtype,
        "encoding": topic.encoding,
        "messages": topic.messages,
        "rows": topic.rows,
        "bytes": topic.nbytes,
        "start_nanos": topic.start_nanos,
        "end_nanos": topic.end_nanos,
        "hertz": topic.hertz,
        "mapped_by": topic.mapped_by or None,
        "fields": topic.with_fields,
        "bytes_only": topic.kept_as == "bytes only",
        "archetypes": sorted(topic.archetypes),
        "entities": sorted(topic.entities),
        "undecodable": topic.undecodable,
        "unmapped": topic.unmapped,
        "left_out": topic.left_out,
        "reason": topic.reason or None,
        "reasons": topic.reasons,
    }


def print_table(result: Converted, *, every_topic: bool = False) -> None:
    """What became of each topic, then one line about the file."""
    console = wide_console()
    listed = list(result.topics) if every_topic else _foremost(result.topics)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("topic", "type"):
        table.add_column(heading, overflow="fold")
    for heading in ("messages", "rate", "rows", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("kept as", overflow="fold")
    losses = [_losses(topic) for topic in listed]
    if any(losses):
        table.add_column("not as it should be", overflow="fold")
    for topic, lost in zip(listed, losses, strict=True):
        table.add_row(
            Text(topic.name),
            Text(topic.msgtype),
            count(topic.messages),
            rate(topic.messages, topic.span_nanos),
            count(topic.rows),
            size(topic.nbytes),
            _kept_as(topic),
            *([lost] if any(losses) else []),
        )
    console.print(table)
    if len(listed) < len(result.topics):
        _print_rest(console, [topic for topic in result.topics if topic not in listed])
    _print_notes(console, result)
    span = ""
    if result.start_nanos is not None and result.end_nanos is not None:
        span = f"{duration(result.end_nanos - result.start_nanos)} of "
    console.print(
        Text.assemble(
            f"{span}{many(result.messages, 'message')}, {size(result.input_bytes)} → ",
            (str(result.output), "bold"),
            f" ({size(result.output_bytes)}) in {result.seconds:.1f} s",
        )
    )


def _foremost(topics: Sequence[TopicReport]) -> list[TopicReport]:
    """Those with losses and the largest ones, in the order given, if there are too many to read."""
    if len(topics) <= MOST_TOPICS:
        return list(topics)
    ranked = sorted(topics, key=lambda topic: (topic.is_lossless, -topic.nbytes))
    lossy = sum(not topic.is_lossless for topic in topics)
    chosen = {id(topic) for topic in ranked[: max(MOST_TOPICS // 2, lossy)]}
    return [topic for topic in topics if id(topic) in chosen]


def _print_rest(console: Console, topics: Sequence[TopicReport]) -> None:
    messages, nbytes = sum(topic.messages for topic in topics), sum(topic.nbytes for topic in topics)
    silent = sum(not topic.messages for topic in topics)
    without = f", {silent} of them without messages" if silent else ""
    console.print(
        Text(
            f"… and {len(topics)} more topics with {count(messages)} messages, {size(nbytes)}{without} (-v lists all)",
            "dim",
        )
    )


def _kept_as(topic: TopicReport) -> Text:
    """The adapter, and what it makes."""
    style = "yellow" if topic.raw_only else ""
    made = sorted(topic.archetypes - NOT_DRAWN)
    return Text(topic.kept_as + (f" → {', '.join(made)}" if made and topic.mapped_by else ""), style)


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
