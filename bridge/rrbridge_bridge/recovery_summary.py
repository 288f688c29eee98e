"""What was found in damaged files: sentences for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from rrbridge.rrd.tools.recover import Loss, Recovery, TimeSpan
from rrbridge_bridge.format import count, many, size, timeline_time, wide_console
from rrbridge_bridge.recovery import Recovered

__all__ = ["print_json", "print_text"]

ENTITIES_NAMED = 8


def print_text(result: Recovered) -> None:
    """One line on the file, one per loss, one on what is kept."""
    console = wide_console()
    found = result.found
    console.print(Text.assemble((str(result.path), "bold"), f": {_state(found)}"))
    for loss in found.losses:
        head = ("data is lost: ", "red") if loss.holds_data else ("mended: ", "yellow")
        console.print(Text.assemble("  ", head, _loss(loss)))
    for note in _notes(found):
        console.print(Text.assemble("  ", ("mended: ", "yellow"), note))
    for timeline, span in sorted(found.times.items()):
        console.print(f"  kept on {timeline}: {_span(span)}")
    if result.output is None:
        console.print("  left as it is")
        return
    what = f"{count(found.chunks)} chunks, {count(found.rows)} rows" if found.chunks else ""
    kept = f"{what or f'{count(found.messages)} messages'} → "
    console.print(Text.assemble("  ", kept, (str(result.output), "bold"), f" ({size(result.output_bytes)})"))
    if result.backup is not None:
        console.print(f"  the file as it was: {result.backup}")


def _state(found: Recovery) -> str:
    if found.was_whole:
        return "whole, nothing to mend"
    if not found.is_lossless:
        lost = sum(loss.size or 0 for loss in found.losses if loss.holds_data)
        return f"{size(lost)} of it cannot be read" if lost else "part of it cannot be read"
    return "all data can be read"


def _notes(found: Recovery) -> Iterator[str]:
    if found.streams > 1:
        yield f"{found.streams} streams were put one after the other; they are one now"
    if found.finished_streams < found.streams and not found.losses:
        yield "there was no index"
    if found.duplicates:
        yield f"{many(found.duplicates, 'chunk')} came twice and kept once"
    if found.announced:
        yield f"{many(found.announced, 'store')} not announced before the first chunk"


def _loss(loss: Loss) -> str:
    parts = [loss.reason]
    if loss.offset is not None and loss.size is not None:
        parts = [f"{count(loss.size)} bytes from byte {count(loss.offset)}: {loss.reason}"]
    if loss.chunks is not None:
        rows = "" if loss.rows is None else f" with {count(loss.rows)} rows"
        parts.append(f"{count(loss.chunks)} chunks{rows}")
    if loss.entities:
        named = ", ".join(loss.entities[:ENTITIES_NAMED])
        rest = len(loss.entities) - ENTITIES_NAMED
        parts.append(f"of {named}" + (f" and {rest} more" if rest > 0 else ""))
    parts += [f"{timeline} {_span(span)}" for timeline, span in sorted(loss.times.items())]
    return "; ".join(parts)


def _span(span: TimeSpan) -> str:
    return f"{timeline_time(span.kind, span.start)} to {timeline_time(span.kind, span.end)}"


def print_json(results: Sequence[Recovered]) -> None:
    """A list on standard output."""
    sys.stdout.write(json.dumps([_document(result) for result in results], indent=2) + "\n")


def _document(result: Recovered) -> dict[str, Any]:
    found = result.found
    return {
        "path": str(result.path),
        "output": None if result.output is None else str(result.output),
        "backup": None if result.backup is None else str(result.backup),
        "input_bytes": result.input_bytes,
        "output_bytes": result.output_bytes,
        "lossless": found.is_lossless,
        "messages": found.messages,
        "chunks": found.chunks,
        "rows": found.rows,
        "duplicate_chunks": found.duplicates,
        "stores_announced": found.announced,
        "streams": found.streams,
        "streams_with_index": found.finished_streams,
        "times": _spans(found.times),
        "losses": [
            {
                "offset": loss.offset,
                "bytes": loss.size,
                "reason": loss.reason,
                "data": loss.holds_data,
                "chunks": loss.chunks,
                "rows": loss.rows,
                "entities": list(loss.entities),
                "times": _spans(loss.times),
            }
            for loss in found.losses
        ],
    }


def _spans(times: dict[str, TimeSpan]) -> dict[str, Any]:
    return {
        timeline: {"kind": span.kind.name.lower(), "start": span.start, "end": span.end}
        for timeline, span in sorted(times.items())
    }
