"""`rrbridge info`: what files hold, from their index."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.cli import EXIT_ERROR
from rrbridge_bridge.commands import _live, _topics
from rrbridge_bridge.commands._files import each_recording

if TYPE_CHECKING:
    from rich.console import Console

    from rrbridge.errors import FileError
    from rrbridge_bridge.inspect.facts import EntityFacts, Facts, TopicFacts
    from rrbridge_bridge.inspect.facts_recorder import Recorded

__all__ = ["info"]

SHOWN_FRAMES = 4
ACCOUNT = "rrbridge.account"


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--scan", is_flag=True, help="Read all messages: exact sizes, every frame. Default: only the index.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per file.")
@_topics.definitions
@_live.live_options
@click.pass_context
def info(
    ctx: click.Context,
    files: tuple[Path, ...],
    scan: bool,
    as_json: bool,
    definitions: tuple[Path, ...],
    where: _live.LiveOptions,
) -> int:
    """Show what recordings hold: topics, types, counts, rates, sizes, gaps, frames, and who made them.

    Only the index is read, and the first messages of each topic for their frames; a file without an index is scanned.

    Without a file: the topics of the running robot, their types, and who publishes them; or those named.
    """
    names = [str(file) for file in files]
    if where.is_meant(names):
        from rrbridge_bridge.commands._info_live import show_topics

        with where.taken_for_topics(names):
            return show_topics(where, names, as_json=as_json)
    from rrbridge_bridge.format import unless_nobody_reads, wide_console
    from rrbridge_bridge.inspect.facts import facts_of

    failures: list[FileError] = []
    found = each_recording(files, lambda path: facts_of(path, scan=scan, definitions=definitions), failures)
    with unless_nobody_reads():
        if as_json:
            import json
            import sys

            sys.stdout.write(json.dumps(list(map(_document, found)), indent=2) + "\n")
        else:
            console = wide_console()
            for number, facts in enumerate(found):
                if number:
                    console.print()
                _print(console, facts)
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    code = EXIT_ERROR if failures else 0
    ctx.exit(code)
    return code


def _document(facts: Facts) -> dict[str, Any]:
    return {
        "path": str(facts.path),
        "format": facts.format,
        "bytes": facts.size_bytes,
        "start_nanos": facts.start_nanos,
        "end_nanos": facts.end_nanos,
        "messages": facts.messages,
        "made_by": dict(facts.made_by),
        "parts": list(facts.parts),
        "compression": [
            {
                "codec": c.codec or "none",
                "chunks": c.chunks,
                "packed_bytes": c.packed_bytes,
                "unpacked_bytes": c.unpacked_bytes,
            }
            for c in facts.compression
        ],
        "sizes_are_exact": facts.is_exact,
        "sampled_messages": facts.sampled_messages,
        "notes": list(facts.notes),
        "topics": [_topic_document(topic) for topic in facts.topics] or [_entity_as_topic(e) for e in facts.entities],
        "entities": [_entity_document(entity) for entity in facts.entities],
        "timelines": {
            name: {"kind": kind, "start": start, "end": end} for name, (kind, start, end) in facts.timelines.items()
        },
        "attachments": [
            {"name": a.name, "media_type": a.media_type, "bytes": a.nbytes, "log_time_nanos": a.log_time_nanos}
            for a in facts.attachments
        ],
        "metadata": {name: dict(values) for name, values in facts.metadata.items()},
        "recorder": None if facts.recorded is None else asdict(facts.recorded),
    }


def _topic_document(topic: TopicFacts) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "type": topic.msgtype,
        "messages": topic.count,
        "encoding": topic.encoding,
        "start_nanos": topic.start_nanos,
        "end_nanos": topic.end_nanos,
        "bytes": topic.nbytes,
        "longest_gap_nanos": topic.gap_nanos,
        "longest_gap_at_nanos": topic.gap_at_nanos,
        "frames": list(topic.frames),
        "definition": topic.definition,
        "connections": topic.connections,
        "latched": topic.is_latched,
    }


def _entity_as_topic(entity: EntityFacts) -> dict[str, Any]:
    archetypes = ", ".join(entity.archetypes)
    return {"topic": entity.entity_path, "type": archetypes, "messages": entity.count, "encoding": ""}


def _entity_document(entity: EntityFacts) -> dict[str, Any]:
    return {
        "entity_path": entity.entity_path,
        "archetypes": list(entity.archetypes),
        "components": list(entity.components),
        "timelines": list(entity.timelines),
        "static": entity.is_static,
        "chunks": entity.chunks,
        "rows": entity.rows,
        "packed_bytes": entity.packed_bytes,
        "unpacked_bytes": entity.unpacked_bytes,
        "start_nanos": entity.start_nanos,
        "end_nanos": entity.end_nanos,
    }


def _print(console: Console, facts: Facts) -> None:
    from rich.text import Text

    from rrbridge_bridge.format import date, duration, size

    console.print(Text.assemble((str(facts.path), "bold"), f"  {facts.format}, {size(facts.size_bytes)}"))
    if facts.span_nanos is not None and facts.start_nanos is not None and facts.end_nanos is not None:
        console.print(f"{duration(facts.span_nanos)}, from {date(facts.start_nanos)} to {date(facts.end_nanos)}")
    for line in _head(facts):
        console.print(Text(line))
    if facts.topics or not facts.entities:
        _print_topics(console, facts)
    else:
        _print_entities(console, facts)
    for attached in facts.attachments:
        kind = f" ({attached.media_type})" if attached.media_type else ""
        console.print(Text(f"attachment {attached.name}{kind}, {size(attached.nbytes)}"))
    if facts.recorded:
        _print_recorded(console, facts.recorded)
    for name, values in facts.metadata.items():
        if name == ACCOUNT and facts.recorded:
            continue
        console.print(Text(f"metadata {name}: {_shown(values)}"))
    for note in facts.notes:
        console.print(Text.assemble(("note: ", "yellow"), note))


def _print_recorded(console: Console, recorded: Recorded) -> None:
    """What the recorder counted, where that is more than what it wrote here."""
    from rich.table import Table
    from rich.text import Text

    from rrbridge_bridge.format import count

    if not recorded.is_complete:
        console.print(Text("the recorder did not come to its end in good order", "yellow"))
    if not recorded.topics:
        return
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("recorder's account", overflow="fold")
    for heading in ("received", "lost", "dropped", "paused", "throttled", "written", "in this file"):
        table.add_column(heading, justify="right", no_wrap=True)
    for topic in sorted(recorded.topics, key=lambda topic: (topic.topic, topic.type)):
        table.add_row(
            Text(topic.topic),
            count(topic.received),
            Text("?" if topic.lost is None else count(topic.lost), "yellow" if topic.lost else ""),
            Text(count(topic.dropped), "red" if topic.dropped else ""),
            count(topic.paused),
            count(topic.throttled),
            count(topic.written),
            count(topic.in_file),
        )
    console.print(table)
    for topic in recorded.topics:
        if topic.refused:
            console.print(Text(f"{topic.topic} ({topic.type}) was not recorded: {topic.refused}", "yellow"))


def _shown(values: Any) -> str:
    texts = [f"{key}={' '.join(str(value).split())}" for key, value in values.items()]
    return ", ".join(text if len(text) <= 60 else text[:60] + "…" for text in texts[:6]) + (
        " …" if len(texts) > 6 else ""
    )


def _head(facts: Facts) -> list[str]:
    from rrbridge_bridge.format import many, size, timeline_time

    lines = []
    if facts.made_by:
        lines.append(
            "made by " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.made_by.items())
        )
    if len(facts.parts) > 1:
        lines.append(f"{many(len(facts.parts), 'part')}: {facts.parts[0]} … {facts.parts[-1]}")
    for one in facts.compression:
        packed = (
            f", {size(one.packed_bytes)} from {size(one.unpacked_bytes)}"
            if one.codec
            else f", {size(one.packed_bytes)}"
        )
        lines.append(f"{many(one.chunks, 'chunk')}, {one.codec or 'uncompressed'}{packed}")
    if facts.timelines:
        from rrbridge._timeline import TimeKind

        spans = (
            f"{name} ({timeline_time(TimeKind[kind.upper()], start)} to {timeline_time(TimeKind[kind.upper()], end)})"
            for name, (kind, start, end) in facts.timelines.items()
        )
        lines.append("timelines " + ", ".join(spans))
    return lines


def _print_topics(console: Console, facts: Facts) -> None:
    from rich.table import Table
    from rich.text import Text

    from rrbridge_bridge.format import count, rate, size

    topics = sorted(facts.topics, key=lambda t: (t.topic, t.msgtype))
    timed = any(topic.nbytes is not None for topic in topics)
    framed = any(topic.frames for topic in topics)
    missing = any(topic.definition == "missing" for topic in topics)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("topic", overflow="fold")
    table.add_column("type", overflow="fold")
    for heading in ("messages", "rate", *(("size", "longest gap") if timed else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("encoding", *(("frames",) if framed else ()), *(("definition",) if missing else ())):
        table.add_column(heading, overflow="fold")
    for topic in topics:
        row: list[str | Text] = [
            Text(topic.topic + (" (latched)" if topic.is_latched else "")),
            Text(topic.msgtype),
            "?" if topic.count is None else count(topic.count),
            rate(topic.count or 0, _topic_span(topic, facts)) if (topic.count or 0) > 2 else "",
        ]
        if timed:
            row.append("" if topic.nbytes is None else ("" if facts.is_exact else "≈ ") + size(topic.nbytes))
            row.append(_gap(topic.gap_nanos))
        row.append(topic.encoding)
        if framed:
            more = len(topic.frames) - SHOWN_FRAMES
            row.append(Text(", ".join(topic.frames[:SHOWN_FRAMES]) + (f" and {more} more" if more > 0 else "")))
        if missing:
            row.append(Text("missing", "red") if topic.definition == "missing" else topic.definition)
        table.add_row(*row)
    console.print(table)
    if framed:
        console.print(Text(f"frames are those of {count(facts.sampled_messages)} messages that were looked at", "dim"))
    if not timed and facts.messages:
        console.print(Text("the index does not tell sizes and gaps; --scan reads the file for them", "dim"))


def _gap(nanos: int | None) -> str:
    from rrbridge_bridge.format import duration

    if not nanos:
        return ""
    return duration(nanos) if nanos >= 10**9 else f"{nanos / 1e6:.3g} ms"


def _topic_span(topic: TopicFacts, facts: Facts) -> int | None:
    if topic.start_nanos is None or topic.end_nanos is None:
        return facts.span_nanos
    return topic.end_nanos - topic.start_nanos


def _print_entities(console: Console, facts: Facts) -> None:
    from rich.table import Table
    from rich.text import Text

    from rrbridge_bridge.format import count, rate, size

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("entity", overflow="fold")
    table.add_column("archetypes", overflow="fold")
    for heading in ("logged", "rate", "rows", "chunks", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("timelines", overflow="fold")
    for entity in facts.entities:
        is_timed = entity.start_nanos is not None and entity.end_nanos is not None
        span = entity.end_nanos - entity.start_nanos if is_timed else None  # type: ignore[operator]
        table.add_row(
            Text(entity.entity_path),
            Text(", ".join(entity.archetypes)),
            "?" if entity.count is None else count(entity.count),
            rate(entity.count or 0, span),
            "?" if entity.rows is None else count(entity.rows),
            count(entity.chunks),
            size(entity.packed_bytes),
            "static" if entity.is_static else Text(", ".join(entity.timelines)),
        )
    console.print(table)
