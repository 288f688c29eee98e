"""The closing words: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.table import Table
from rich.text import Text

from rrbridge_bridge.format import count, duration, size, wide_console
from rrbridge_bridge.report import topics_by_reason
from rrbridge_bridge.writers._format import Written

__all__ = ["document", "print_json", "print_table"]


def print_json(written: Written) -> None:
    """One object on standard output."""
    sys.stdout.write(json.dumps(document(written), indent=2) + "\n")


def document(written: Written) -> dict[str, Any]:
    """All there is to say, for programs."""
    return {
        "output": str(written.output),
        "format": written.format,
        "messages": sum(topic.messages for topic in written.topics),
        "input_bytes": written.input_bytes,
        "output_bytes": written.output_bytes,
        "start_nanos": written.start_nanos,
        "end_nanos": written.end_nanos,
        "seconds": round(written.seconds, 3),
        "lossless": written.is_lossless,
        "losses": [note.text for note in written.notes if note.is_loss],
        "notes": [note.text for note in written.notes],
        "topics": [
            {
                "topic": topic.topic,
                "type": topic.msgtype,
                "encoding": topic.encoding,
                "messages": topic.messages,
                "rows": topic.rows,
                "bytes": topic.nbytes,
                "undecodable": topic.undecodable,
                "reasons": topic.reasons,
            }
            for topic in written.topics
        ],
    }


def print_table(written: Written) -> None:
    """What was written of each topic, then one line about the file."""
    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("topic", "type"):
        table.add_column(heading, overflow="fold")
    for heading in ("messages", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    is_lossless = all(topic.is_lossless for topic in written.topics)
    if not is_lossless:
        table.add_column("left out", justify="right")
    for topic in written.topics:
        lost = Text(count(topic.undecodable) if topic.undecodable else "", style="red")
        what = (Text(topic.topic), Text(topic.msgtype))
        table.add_row(*what, count(topic.messages), size(topic.nbytes), *([] if is_lossless else [lost]))
    console.print(table)
    for note in written.notes:
        head = ("data is missing: ", "red") if note.is_loss else ("note: ", "yellow")
        console.print(Text.assemble(head, note.text))
    for reason, topics in topics_by_reason(written.topics).items():
        console.print(Text.assemble((f"{topics}: ", "yellow"), reason))
    span = ""
    if written.start_nanos is not None and written.end_nanos is not None:
        span = f"{duration(written.end_nanos - written.start_nanos)} of "
    messages = sum(topic.messages for topic in written.topics)
    console.print(
        Text.assemble(
            f"{span}{count(messages)} messages, {size(written.input_bytes)} → ",
            (str(written.output), "bold"),
            f" ({size(written.output_bytes)}) in {written.seconds:.1f} s",
        )
    )
