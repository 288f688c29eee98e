"""`rrbridge tf`: the frames of a recording, and where one is in another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge.cli import EXIT_LOSSES
from rrbridge_bridge.commands import _live

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rrbridge import TransformTree
    from rrbridge._store import ChunkStore
    from rrbridge._timeline import TimeKind
    from rrbridge.importers import Summary

__all__ = ["document_of", "echo_text", "latest_common", "tf"]

PREFERRED = ("message_log_time", "log_time", "ros2_timestamp", "ros1_timestamp")
HEAVY = frozenset({"Image", "CompressedImage", "LaserScan", "PointCloud", "PointCloud2"})
"""Messages that take long to read and say nothing about where frames are."""


@click.command()
@click.argument("arguments", metavar="[FILE] [TARGET SOURCE]", nargs=-1)
@click.option(
    "--at", metavar="TIME", help="When: +3s after the timeline's start, epoch seconds, an ISO date, or a number."
)
@click.option(
    "--timeline", metavar="NAME", help="The clock; ros2_timestamp is the data's own. Default: message_log_time."
)
@click.option("--interpolate/--latest", default=True, show_default=True, help="Between two rows, or the latest row.")
@click.option("--limit", metavar="SECONDS", help="How far past its last row an edge may be held. Default: for ever.")
@click.option("--recording", metavar="ID", help="Which recording, where the file holds several.")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print all frames as tf2's allFramesAsYAML has them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_live.live_options
def tf(
    arguments: tuple[str, ...],
    at: str | None,
    timeline: str | None,
    interpolate: bool,
    limit: str | None,
    recording: str | None,
    as_yaml: bool,
    as_json: bool,
    where: _live.LiveOptions,
) -> int:
    """Show the tree of frames: topic, rate, first and last time of each; or where SOURCE is in TARGET.

    Without --at, the tree is that of the end, and a transform that of the latest time that all its edges have. An entity's
    path (/world/robot) stands for its implicit frame.

    Without a file: of the running robot, the tree so far, or the transform once a second, until Ctrl-C.
    """
    from rrbridge import TransformTree
    from rrbridge.errors import RrbridgeError, TransformError
    from rrbridge_bridge.format import unless_nobody_reads
    from rrbridge_bridge.inspect.lookup_failures import explained

    is_live = _is_live(arguments, where)
    frames = arguments if is_live else arguments[1:]
    if len(frames) not in (0, 2):
        raise click.UsageError("Name both frames, TARGET and SOURCE, or none.")
    if is_live:
        with where.taken_for_topics(arguments):
            return _of_robot(frames, where, at or timeline or limit or recording, as_yaml=as_yaml, as_json=as_json)
    file = Path(arguments[0])
    target, source = frames or (None, None)
    store, is_whole = _load(file, recording)
    tree = TransformTree(store)
    timeline = _timeline(store, timeline)
    if target is None or source is None:
        report = tree.report(timeline, None if at is None else _moment(at, store, timeline))
        text = _json(report.to_dict()) if as_json else report.to_yaml().rstrip() if as_yaml else str(report)
    else:
        kind = store.timelines().get(timeline)
        held = None if limit is None else _span(limit, kind)
        try:
            time = latest_common(tree, store, target, source, timeline) if at is None else _moment(at, store, timeline)
            matrix = tree.lookup(target, source, timeline, time, interpolate=interpolate, extrapolation_limit=held)
        except TransformError as err:
            raise RrbridgeError(explained(err, kind)) from err
        document = document_of(tree, matrix, target, source, timeline, time)
        text = _json(document) if as_json else echo_text(document, kind)
    with unless_nobody_reads():
        click.echo(text)
    return 0 if is_whole else EXIT_LOSSES


def _is_live(arguments: Sequence[str], where: _live.LiveOptions) -> bool:
    """A file and one frame is no use, so two names are frames, even where there is a folder `map`."""
    return where.is_meant(arguments) or (len(arguments) == 2 and Path(arguments[0]).is_dir())


def _of_robot(
    frames: Sequence[str], where: _live.LiveOptions, past: str | None, *, as_yaml: bool, as_json: bool
) -> int:
    from rrbridge_bridge.commands import _tf_live

    if past is not None:
        raise click.UsageError("--at, --timeline, --limit and --recording are for recordings; the robot has only now.")
    if not frames:
        return _tf_live.show_tree(where, as_yaml=as_yaml, as_json=as_json)
    return _tf_live.follow(where, *frames, as_json=as_json)


def _load(file: Path, recording: str | None) -> tuple[ChunkStore, bool]:
    """What a file says about frames, and no more of it, and whether none is lost. Raises FileError."""
    from rrbridge import importers
    from rrbridge._messages import StoredChunk, StoreId, StoreKind
    from rrbridge._store import ChunkStore
    from rrbridge._store_clears import CLEAR
    from rrbridge._transform_frames import speaks_of_frames
    from rrbridge.errors import FileError

    stores: dict[StoreId, ChunkStore] = {}
    notes: list[importers.Note] = []
    exclude = tuple(re.compile(f"^{re.escape(topic)}$") for topic in _silent_topics(importers.info(file)))
    for message in importers.read(file, importers.ImportOptions(fields="none", exclude=exclude, note=notes.append)):
        if not isinstance(message, StoredChunk) or message.store_id.kind is not StoreKind.RECORDING:
            continue
        store = stores.setdefault(message.store_id, ChunkStore(message.store_id))
        if any(name == CLEAR or speaks_of_frames(name) for name in message.chunk.components):
            store.insert(message.chunk)
    for note in dict.fromkeys(note.text for note in notes if note.is_loss):
        click.echo(f"data is missing: {note}", err=True)
    ids = [store_id.recording_id for store_id in stores]
    chosen = [store for store_id, store in stores.items() if recording in (None, store_id.recording_id)]
    if not chosen:
        held = f"it holds {', '.join(ids)}" if ids else "it holds none"
        raise FileError(file, f"there is no recording {recording or 'in it'}; {held}")
    if len(chosen) > 1:
        raise FileError(file, f"it holds {len(ids)} recordings: choose one with --recording, of {', '.join(ids)}")
    return chosen[0], not any(note.is_loss for note in notes)


def _silent_topics(summary: Summary) -> set[str]:
    """Topics whose messages say nothing about frames: heavy ones, and such as nothing is made of."""
    from rrbridge.adapters import Adapters

    adapters = Adapters.discover()

    def speaks(msgtype: str) -> bool:
        if "/" not in msgtype and "." not in msgtype:  # an archetype, or no type at all
            return True
        known = adapters.find(msgtype) is not None or adapters.stages_of(msgtype)
        return bool(known) and msgtype.rsplit("/", 1)[-1] not in HEAVY

    speaking = {
        topic.topic  # of a recording an entity, with all archetypes that it has
        for topic in summary.topics
        if any(speaks(kind) for kind in topic.msgtype.split(", ") if not kind.startswith("Mcap"))
    }
    return {topic.topic for topic in summary.topics} - speaking


def _timeline(store: ChunkStore, wanted: str | None) -> str:
    from rrbridge.errors import InvalidValueError

    known = list(store.timelines())
    if wanted is None:
        return next((name for name in (*PREFERRED, *known) if name in known), PREFERRED[0])
    if wanted not in known:
        raise InvalidValueError("--timeline", f"one of {', '.join(known) or 'none, for all frames are static'}", wanted)
    return wanted


def _moment(text: str, store: ChunkStore, timeline: str) -> int:
    """A time as a person types it; `+` counts from the timeline's first."""
    from rrbridge._timeline import TimeKind
    from rrbridge.errors import InvalidValueError
    from rrbridge_bridge.times import parse_time

    start = (store.time_range(timeline) or (0, 0))[0]
    if store.timelines().get(timeline) is not TimeKind.SEQUENCE:
        return parse_time(text).absolute(start)
    try:
        return int(text) + (start if text.startswith("+") else 0)
    except ValueError:
        raise InvalidValueError("--at", f"a whole number, as {timeline} counts", repr(text)) from None


def _span(text: str, kind: TimeKind | None) -> int:
    from rrbridge._timeline import TimeKind
    from rrbridge.errors import InvalidValueError
    from rrbridge_bridge.times import parse_time

    try:
        return int(text) if kind is TimeKind.SEQUENCE else parse_time("+" + text.lstrip("+")).nanos
    except ValueError:  # InvalidValueError is one
        raise InvalidValueError(
            "--limit", "0, 0.5, 200ms, or a whole number as the timeline counts", repr(text)
        ) from None


def latest_common(tree: TransformTree, store: ChunkStore, target: str, source: str, timeline: str) -> int:
    """The latest time that all edges between two frames have; without moving ones, the end of the store."""
    common = tree.latest_common_time(target, source, timeline)
    return (store.time_range(timeline) or (0, 0))[1] if common is None else common


def document_of(tree: TransformTree, matrix: Any, target: str, source: str, timeline: str, time: int) -> dict[str, Any]:
    """A transform in every form, with the frames in between."""
    from rrbridge._transform_echo import spelled

    found = spelled(matrix)
    chain = tree.chain(target, source, timeline, time)
    return {
        "target": target,
        "source": source,
        "timeline": timeline,
        "time": time,
        "chain": list(chain),
        "held": _held(tree, chain, timeline, time),
        "translation": found.translation.tolist(),
        "quaternion_xyzw": found.quaternion.tolist(),
        "roll_pitch_yaw_rad": found.roll_pitch_yaw_rad.tolist(),
        "stretch": None if found.stretch is None else found.stretch.tolist(),
        "matrix": matrix.tolist(),
    }


def _held(tree: TransformTree, chain: Sequence[str], timeline: str, time: int) -> dict[str, int]:
    """How long before a time the transforms ended that are taken to hold still then, by child frame."""
    report = tree.report(timeline, time)
    used = {edge.child for edge in report.edges if {edge.child, report.parents.get(edge.child)} <= set(chain)}
    return {
        edge.child: time - edge.last
        for edge in report.edges
        if edge.child in used and edge.last is not None and edge.last < time and not edge.is_static
    }


def echo_text(document: dict[str, Any], kind: TimeKind | None) -> str:
    """The same for people."""
    from math import degrees

    from rrbridge._time_text import span_text, time_text

    degs = [degrees(angle) for angle in document["roll_pitch_yaw_rad"]]
    lines = [
        f"{document['source']} in {document['target']} at {time_text(document['time'], kind)} on {document['timeline']}",
        f"  through         {' → '.join(document['chain'])}",
        f"  translation     {_numbers(document['translation'])}",
        f"  quaternion xyzw {_numbers(document['quaternion_xyzw'])}",
        f"  roll pitch yaw  {_numbers(document['roll_pitch_yaw_rad'])} rad, {_numbers(degs, 3)}°",
    ]
    for child, age in document["held"].items():
        lines.insert(
            2, f"  held            {child}: its last transform is {span_text(age, kind)} before that time; see --limit"
        )
    if document["stretch"] is not None:
        lines.append(f"  scaled by       {'; '.join(_numbers(row) for row in document['stretch'])}")
    rows = [f"  {_numbers(row)}" for row in document["matrix"]]
    return "\n".join([*lines, "  matrix", *(f"  {row}" for row in rows)])


def _numbers(values: Any, digits: int = 6) -> str:
    return " ".join(f"{round(value, digits) + 0.0:{digits + 4}.{digits}f}" for value in values)


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document, indent=2)
