"""What the commands that read messages share: files and topics as arguments, times, and what is told at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from rrbridge_bridge.inspect.selection import Selection

__all__ = ["arguments", "definitions", "ending", "times"]

F = TypeVar("F", bound=Callable[..., Any])


def arguments(metavar: str, *, is_required: bool = True) -> Callable[[F], F]:
    """Files, then topics: what exists on the disk is a file."""
    return click.argument("arguments", metavar=metavar, nargs=-1, required=is_required, shell_complete=_complete)


def times(command: F) -> F:
    """From when to when."""
    for name, what in (("--end", "after"), ("--start", "before")):
        command = click.option(
            name,
            metavar="TIME",
            help=f"Leave out messages logged {what} this: +10s, seconds or nanoseconds since 1970, or an ISO date.",
        )(command)
    return command


def definitions(command: F) -> F:
    """Where message definitions are that a recording lacks."""
    return click.option(
        "--msgs",
        "definitions",
        metavar="FOLDER",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Look here for message definitions that a recording lacks, for example a workspace's src.",
    )(command)


def ending(selection: Selection, *, found: bool) -> int:
    """Say what is missing; the exit code that says so too. Raises FileError if nothing was found."""
    from rrbridge.errors import RrbridgeError
    from rrbridge_bridge.cli import EXIT_LOSSES

    losses = selection.losses()
    for loss in losses:
        click.echo(f"data is missing: {loss}", err=True)
    if not found and not losses:
        names = ", ".join(one.topic for one in selection.asked) or "the recording"
        is_cut = selection.start_nanos is not None or selection.end_nanos is not None
        raise RrbridgeError(f"there is no message of {names}{' between these times' if is_cut else ''}")
    return EXIT_LOSSES if losses else 0


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    given: Sequence[str] = ctx.params.get("arguments") or ()
    files = [CompletionItem(incomplete, type="file")]
    if not given:
        return files
    from rrbridge import importers
    from rrbridge.errors import RrbridgeError

    topics: set[str] = set()
    for path in map(Path, given):
        try:
            topics |= {topic.topic for topic in importers.info(path).topics} if path.exists() else set()
        except RrbridgeError:
            continue  # whoever runs the command will be told
    return [CompletionItem(topic) for topic in sorted(topics) if topic.startswith(incomplete)] or files
