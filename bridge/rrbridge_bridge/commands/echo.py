"""`rrbridge echo`: the messages of a topic, as text."""

from __future__ import annotations

import itertools
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from rrbridge_bridge.commands import _live, _topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rrbridge_bridge.inspect.selection import Selection
    from rrbridge_bridge.inspect.source import Message
    from rrbridge_bridge.inspect.values import Path as FieldPath
    from rrbridge_bridge.inspect.values import Style

__all__ = ["echo"]


@click.command()
@_topics.arguments("[FILE]... TOPIC[/FIELD]", is_required=False)
@click.option("--field", metavar="PATH", help="Only a part of each message: pose.pose.position, ranges[0].")
@click.option("-n", "--count", type=click.IntRange(min=1), help="Stop after so many messages.")
@click.option("--once", is_flag=True, help="Stop after the first message.")
@_topics.times
@click.option("--csv", "as_csv", is_flag=True, help="One line of comma-separated values per message, below a header.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON per message, with topic, type and time.")
@click.option("--flow-style", is_flag=True, help="One line of YAML per message.")
@click.option("-f", "--full-length", is_flag=True, help="Cut nothing. Default for --json.")
@click.option(
    "-l",
    "--truncate-length",
    type=click.IntRange(min=0),
    default=128,
    show_default=True,
    help="Cut arrays and strings behind so many elements.",
)
@click.option("--no-arr", is_flag=True, help="Show type and length of arrays in their place.")
@click.option("--no-str", is_flag=True, help="Show the length of strings in their place.")
@_topics.definitions
@_live.live_options
def echo(
    arguments: tuple[str, ...],
    field: str | None,
    count: int | None,
    once: bool,
    start: str | None,
    end: str | None,
    as_csv: bool,
    as_json: bool,
    flow_style: bool,
    full_length: bool,
    truncate_length: int,
    no_arr: bool,
    no_str: bool,
    definitions: tuple[Path, ...],
    where: _live.LiveOptions,
) -> int:
    """Print the messages of a topic of any recording, as `ros2 topic echo` does.

    Without a file: of the running robot, as they arrive, until Ctrl-C.

    Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done, but some messages could not be read.
    """
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.inspect.values import Style, parse_path

    if as_csv and as_json:
        raise click.UsageError("Choose one of --csv and --json.")
    style = Style(None if full_length or as_json else truncate_length, arrays=not no_arr, strings=not no_str)
    one_topic = "Name one topic, behind the files; `rrbridge info FILE` lists them, `rrbridge info` those of a robot."
    if len(arguments) != 1 and where.is_meant(arguments):
        raise click.UsageError(one_topic)
    with _live.selected(arguments, where, start=start, end=end, definitions=definitions) as (selection, heard):
        if len(selection.asked) != 1:
            raise click.UsageError(one_topic)
        whole = ".".join(part for part in (selection.asked[0].field, field) if part)
        messages = itertools.islice(_messages(selection), 1 if once else count)
        lines = _lines(messages, parse_path(whole), style, as_csv=as_csv, as_json=as_json, flow=flow_style)
        found = False
        with unless_nobody_reads(), _live.ended_by_hand() if heard is not None else nullcontext():
            for line in lines:
                found = True
                sys.stdout.write(line)
                if heard is not None:
                    sys.stdout.flush()
        return _topics.ending(selection, found=found)


def _lines(
    messages: Iterator[Message], path: FieldPath, style: Style, *, as_csv: bool, as_json: bool, flow: bool
) -> Iterator[str]:
    if as_csv:
        return _as_csv(messages, path, style)
    return _as_json(messages, path, style) if as_json else _as_yaml(messages, path, style, flow=flow)


def _messages(selection: Selection) -> Iterator[Message]:
    return (message for source in selection.sources for message in source.messages(selection.options()))


def _as_yaml(messages: Iterator[Message], path: FieldPath, style: Style, *, flow: bool) -> Iterator[str]:
    from rrbridge_bridge.inspect.text import yaml_text

    for message in messages:
        yield yaml_text(message.value(path, style), flow=flow) + "---\n"


def _as_csv(messages: Iterator[Message], path: FieldPath, style: Style) -> Iterator[str]:
    from rrbridge_bridge.inspect.text import csv_header, csv_line

    header: str | None = None
    for message in messages:
        value = message.value(path, style)
        names = csv_header(value)
        if names != header:  # again where a message has more or fewer elements than the one before
            header = names
            yield f"log_time_nanos,{header}\n"
        yield f"{message.log_time_nanos},{csv_line(value)}\n"


def _as_json(messages: Iterator[Message], path: FieldPath, style: Style) -> Iterator[str]:
    from rrbridge_bridge.inspect.text import json_line

    for message in messages:
        facts = {"topic": message.topic, "type": message.msgtype, "log_time_nanos": message.log_time_nanos}
        yield json_line({**facts, "message": message.value(path, style)}) + "\n"
