"""`rrbridge tf` of a running robot: the tree so far, or where one frame is in another, again and again."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import rich_click as click

from rrbridge import TransformTree
from rrbridge.errors import RrbridgeError, TransformError
from rrbridge_bridge.commands._live import LiveOptions, ended_by_hand, listening
from rrbridge_bridge.commands.tf import document_of, echo_text, latest_common
from rrbridge_bridge.format import unless_nobody_reads
from rrbridge_bridge.inspect.frames import TIMELINE, TYPES, FrameListener
from rrbridge_bridge.inspect.listening import Listening
from rrbridge_bridge.inspect.lookup_failures import explained

__all__ = ["follow", "show_tree"]

TREE_SECS = 3.0
"""So long is listened before a tree is printed where it cannot be redrawn: a little more than discovery may take."""


def _wants(_: str, msgtype: str) -> bool:
    return msgtype in TYPES


def _gather(heard: Listening, frames: FrameListener) -> bool:
    """What arrives in a second; whether there was anything."""
    found = False
    for event in heard.gather(1.0):
        frames.add(event)
        found = True
    return found


def show_tree(where: LiveOptions, *, as_yaml: bool, as_json: bool) -> int:
    """The tree: redrawn on a terminal until Ctrl-C, else printed once. Raises RrbridgeError if there is none."""
    redraws = sys.stdout.isatty() and not as_yaml and not as_json
    if not redraws and where.seconds is None:
        where = replace(where, seconds=TREE_SECS)
    frames = FrameListener()
    with listening(where, _wants) as heard:
        with ended_by_hand():
            if redraws:
                _redraw(heard, frames)
            else:
                _gather(heard, frames)
                while not heard.is_over:
                    _gather(heard, frames)
        description = heard.description
    report = TransformTree(frames.store()).report(TIMELINE)
    if not report.edges:
        raise RrbridgeError(f"no transform came from {description}")
    text = json.dumps(report.to_dict(), indent=2) if as_json else report.to_yaml().rstrip() if as_yaml else str(report)
    with unless_nobody_reads():
        click.echo(text)
    return 0


def _redraw(heard: Listening, frames: FrameListener) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(highlight=False), auto_refresh=False, transient=True) as screen:
        while not heard.is_over:
            if _gather(heard, frames):
                screen.update(Text(f"{TransformTree(frames.store()).report(TIMELINE)}\n\nCtrl-C ends it"), refresh=True)


def follow(where: LiveOptions, target: str, source: str, *, as_json: bool) -> int:
    """Where SOURCE is in TARGET, once a second, as `tf2_echo` does; 0 if it could be said at all. Raises RrbridgeError."""
    frames = FrameListener()
    said, why, is_over = 0, "", False
    with listening(where, _wants) as heard, unless_nobody_reads(), ended_by_hand():
        while not is_over:
            _gather(heard, frames)
            is_over = heard.is_over
            store = frames.store()
            tree = TransformTree(store)
            kind = store.timelines().get(TIMELINE)
            try:
                moment = latest_common(tree, store, target, source, TIMELINE)
                matrix = tree.lookup(target, source, TIMELINE, moment)
            except TransformError as err:
                if (reason := explained(err, kind)) != why:
                    why = reason
                    click.echo(f"waiting: {reason}", err=True)
                continue
            found = document_of(tree, matrix, target, source, TIMELINE, moment)
            said, why = said + 1, ""
            click.echo(json.dumps(found) if as_json else echo_text(found, kind))
    if not said:
        raise RrbridgeError(why or f"no transform came from {heard.description}")
    return 0
