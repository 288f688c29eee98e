"""`rrbridge rrd split`: a recording in parts."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from rrbridge_bridge.commands.rrd._files import Inputs, continue_on_error, force, manifests_of, say
from rrbridge_bridge.commands.rrd._sizes import BYTES
from rrbridge_bridge.commands.rrd._times import TIME_HELP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rrbridge._timeline import TimeKind

__all__ = ["split"]


@click.command()
@click.argument("path", metavar="IN", type=click.Path(path_type=Path))
@click.option("-o", "--output-dir", required=True, type=click.Path(path_type=Path), help="The folder for the parts.")
@click.option("--timeline", metavar="NAME", help="The timeline to cut along; by default the log time.")
@click.option("-t", "--time", "times", multiple=True, metavar="TIME", help=f"Cut here. May be repeated. {TIME_HELP}")
@click.option("-n", "--num-parts", type=click.IntRange(min=1), help="Cut into so many parts of equal time.")
@click.option(
    "--size", "part_bytes", type=BYTES, metavar="SIZE", help="Cut into parts of about this size: 500MB, 2GiB."
)
@click.option(
    "--recording-id", metavar="PREFIX", help="Give each part a recording id of its own: PREFIX and its number."
)
@click.option("--drop-unused-timelines", is_flag=True, help="Leave out all other timelines, and rows only on those.")
@force
@continue_on_error
@click.pass_context
def split(
    ctx: click.Context,
    path: Path,
    output_dir: Path,
    timeline: str | None,
    times: tuple[str, ...],
    num_parts: int | None,
    part_bytes: int | None,
    recording_id: str | None,
    drop_unused_timelines: bool,
    force: bool,
    continue_on_error: bool,
) -> int:
    """Cut a recording into parts along a timeline: at times, into equal times, or by size.

    A row goes into the part its time lies in, a part begins at its cut. Static data and layouts are in every part; rows that are
    not on the timeline are in the first. Each part carries the last value of every component before it, marked as repeated,
    so that it shows at its beginning what the whole showed then.

    The parts share one recording id: together they open as the whole, and `rrd merge` makes it again.
    """
    from rrbridge.rrd import RrdWriter
    from rrbridge.rrd.tools.split import PARTS_MAX, cuts_by_number, cuts_by_size
    from rrbridge.rrd.tools.split import split as split_recording
    from rrbridge_bridge.commands.rrd._times import parse_timeline_time, span_of, the_timeline
    from rrbridge_bridge.format import count, timeline_time
    from rrbridge_bridge.output_files import complete_or_absent, output_path, progress_bar

    if sum((bool(times), num_parts is not None, part_bytes is not None)) != 1:
        raise click.UsageError("say where to cut: -t TIME, -n PARTS or --size SIZE")
    if path == Path("-"):
        raise click.UsageError("a recording is cut by its index, so it must be a file, not standard input")
    manifests = manifests_of(path)
    name, kind = the_timeline(manifests, timeline)
    span = span_of(manifests, name)
    if num_parts is not None:
        cuts = cuts_by_number(span, num_parts)
    elif part_bytes is not None:
        cuts = cuts_by_size(manifests, name, part_bytes)
    else:
        cuts = [parse_timeline_time(text, kind, span[0]) for text in times]
        if not all(span[0] < cut <= span[1] for cut in cuts):
            first, last = (timeline_time(kind, edge) for edge in span)
            raise click.UsageError(f"cuts must lie inside the recording, which goes from {first} to {last} on {name}")
    if len(cuts) >= PARTS_MAX:
        raise click.UsageError(f"that makes {len(cuts) + 1} parts; at most {PARTS_MAX} can be written at a time")
    output_dir.mkdir(parents=True, exist_ok=True)
    outputs = [output_path([path], output_dir / part, force=force) for part in _names(path, kind, span, cuts)]
    source = Inputs([path], keep_going=continue_on_error)
    (reader,) = source.readers()
    with ExitStack() as stack:
        writers = [stack.enter_context(RrdWriter(stack.enter_context(complete_or_absent(out)))) for out in outputs]
        with progress_bar("splitting") as bar:
            done = split_recording(
                reader,
                name,
                cuts,
                writers,
                recording_prefix=recording_id,
                drop_unused_timelines=drop_unused_timelines,
                progress=bar,
            )
    for out, rows, carried in zip(outputs, done.rows, done.carried, strict=True):
        say(f"{out}: {count(rows)} rows" + (f", {count(carried)} repeated from before" if carried else ""))
    if done.rows_not_on_timeline:
        where = "left out" if drop_unused_timelines else "in the first part"
        say(f"{count(done.rows_not_on_timeline)} rows are not on {name}: {where}")
    code = source.exit_code()
    ctx.exit(code)
    return code


def _names(path: Path, kind: TimeKind, span: tuple[int, int], cuts: Sequence[int]) -> list[str]:
    edges = [_in_name(kind, edge) for edge in (span[0], *cuts, span[1] + 1)]
    return [f"{path.stem}_{a}__{b}{path.suffix}" for a, b in pairwise(edges)]


def _in_name(kind: TimeKind, value: int) -> str:
    """A time as a file's name can have it."""
    if kind.name == "SEQUENCE":
        return str(value)
    if kind.name == "DURATION":
        return f"{value / 1e9:g}s"
    import datetime as dt

    try:
        whole = dt.datetime.fromtimestamp(value // 10**9, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return str(value)
    rest = value % 10**9
    return f"{whole:%Y-%m-%dT%H_%M_%S}" + (f"_{rest:09d}" if rest else "") + "Z"
