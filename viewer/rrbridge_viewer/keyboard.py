"""What keys ask for, wherever the pointer is."""

from __future__ import annotations

from collections.abc import Iterator

from imgui_bundle import imgui

from rrbridge._timeline import TimeKind
from rrbridge_viewer.clock import Play
from rrbridge_viewer.commands import Command, Maximize, Redo, Seek, SeekBy, Select, SetLoop, SetPlay, SetSpeed, Undo
from rrbridge_viewer.panels.time import next_loop, step
from rrbridge_viewer.query import Query
from rrbridge_viewer.state import State

__all__ = ["key_commands"]


def key_commands(state: State, query: Query | None) -> Iterator[Command]:
    """The commands of this frame's keys; none while somebody is typing."""
    io = imgui.get_io()
    recording = state.recording
    if io.want_text_input or recording is None:
        return
    clock, keys = recording.clock, imgui.Key

    def pressed(key: imgui.Key, *, repeat: bool = False) -> bool:
        return imgui.is_key_pressed(key, repeat)

    if pressed(keys.z) and io.key_ctrl:
        yield Redo() if io.key_shift else Undo()
    elif pressed(keys.y) and io.key_ctrl:
        yield Redo()
    if pressed(keys.space):
        yield SetPlay(Play.PAUSED if clock.play is Play.PLAYING else Play.PLAYING)
    for key, direction in ((keys.left_arrow, -1), (keys.right_arrow, 1)):
        if not pressed(key, repeat=True):
            continue
        if io.key_ctrl:
            at = step(query, clock.time, direction) if query else None
            if at is not None:
                yield Seek(at)
        elif clock.span is not None and clock.span.kind is TimeKind.SEQUENCE:
            yield SeekBy(direction * (10 if io.key_shift else 1))
        else:
            yield SeekBy(direction * (1_000_000_000 if io.key_shift else 100_000_000))
    if clock.span is not None and pressed(keys.home):
        yield Seek(clock.span.lo)
    if clock.span is not None and pressed(keys.end):
        yield Seek(clock.span.hi)
    if io.key_ctrl or io.key_alt:
        return
    if pressed(keys.l):
        yield SetLoop(next_loop(clock))
    if pressed(keys.f):
        yield SetPlay(Play.PAUSED if clock.play is Play.FOLLOWING else Play.FOLLOWING)
    if pressed(keys.escape):
        yield Select(())
        if recording.blueprint.maximized is not None:
            yield Maximize(None)
    for digit in range(1, 10):
        if pressed(getattr(keys, f"_{digit}")):
            yield SetSpeed(float(digit))
