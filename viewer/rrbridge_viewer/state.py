"""Everything the viewer remembers, as frozen values, and what commands do to it.

`apply(state, command)` is the only way state changes. It accepts every command in every state: what has no meaning there
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rrbridge._messages import StoreId
from rrbridge_viewer.blueprint import Blueprint, Container, Item, ViewId
from rrbridge_viewer.clock import Clock, Play
from rrbridge_viewer.commands import (
    ActivateRecording,
    AddView,
    CloseRecording,
    Command,
    Hover,
    LearnTimelines,
    Maximize,
    OpenRecording,
    PlotField,
    Redo,
    RemoveView,
    Seek,
    SeekBy,
    Select,
    SetBlueprint,
    SetLoop,
    SetOpenings,
    SetPlay,
    SetSection,
    SetSpeed,
    SetTimeline,
    SetTimeWindow,
    SetViewState,
    ShowEntity,
    ShowFrames,
    ShowView,
    Tick,
    TogglePanel,
    Undo,
)
from rrbridge_viewer.plotted_fields import with_field_switched

__all__ = ["RecordingState", "State", "apply"]

UNDO_LIMIT = 100
MIN_SPEED, MAX_SPEED = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class RecordingState:
    """What belongs to one recording."""

    clock: Clock = field(default_factory=Clock)
    blueprint: Blueprint = field(default_factory=Blueprint)
    undo: tuple[Blueprint, ...] = ()
    redo: tuple[Blueprint, ...] = ()
    views: Mapping[ViewId, Any] = field(default_factory=dict)
    """What each view wants to find again: cameras, scroll positions. Values of the view's own making."""


@dataclass(frozen=True, slots=True)
class State:
    """The viewer."""

    recordings: Mapping[StoreId, RecordingState] = field(default_factory=dict)
    active: StoreId | None = None
    selection: tuple[Item, ...] = ()
    hovered: Item | None = None
    closed_panels: frozenset[str] = frozenset()
    """Those of `left`, `right`, `bottom` that are folded away."""

    @property
    def recording(self) -> RecordingState | None:
        """The one on screen."""
        return self.recordings.get(self.active) if self.active else None


def apply(state: State, command: Command) -> State:
    """The state after a command."""
    match command:
        case OpenRecording(store_id):
            if store_id in state.recordings:
                return state
            recordings = {**state.recordings, store_id: RecordingState()}
            return replace(state, recordings=recordings, active=state.active or store_id)
        case ActivateRecording(store_id):
            if store_id not in state.recordings or store_id == state.active:
                return state
            return replace(state, active=store_id, selection=(), hovered=None)
        case CloseRecording(store_id):
            return _close(state, store_id)
        case LearnTimelines(store_id, timelines, preferred):
            known = state.recordings.get(store_id)
            if known is None:
                return state
            return _with(state, store_id, replace(known, clock=known.clock.learn(timelines, preferred)))
        case SetOpenings(store_id, openings):
            known = state.recordings.get(store_id)
            if known is None or known.clock.openings == openings:
                return state
            return _with(state, store_id, replace(known, clock=replace(known.clock, openings=openings)))
        case SetBlueprint(store_id, blueprint, automatic):
            known = state.recordings.get(store_id)
            if known is None:
                return state
            changed = replace(known, blueprint=blueprint) if automatic else _edited(known, blueprint)
            return _with(state, store_id, changed)
        case Select(items, extend):
            return replace(state, selection=_selected(state.selection, items) if extend else items)
        case Hover(item):
            return state if item == state.hovered else replace(state, hovered=item)
        case TogglePanel(panel):
            return replace(state, closed_panels=state.closed_panels ^ {panel})
        case _:
            if state.active is None or state.recording is None:
                return state
            changed = _apply_to_recording(state.recording, command)
            return state if changed is state.recording else _with(state, state.active, changed)


def _apply_to_recording(recording: RecordingState, command: Command) -> RecordingState:
    match command:
        case SetViewState(view_id, value):
            if recording.views.get(view_id) == value:
                return recording
            return replace(recording, views={**recording.views, view_id: value})
        case Undo():
            if not recording.undo:
                return recording
            *past, before = recording.undo
            redo = (*recording.redo, recording.blueprint)
            return replace(recording, blueprint=before, undo=tuple(past), redo=redo)
        case Redo():
            if not recording.redo:
                return recording
            *later, after = recording.redo
            undo = (*recording.undo, recording.blueprint)
            return replace(recording, blueprint=after, undo=undo, redo=tuple(later))
        case ShowEntity() | ShowView() | ShowFrames() | AddView() | RemoveView() | Maximize():
            return _edited(recording, _apply_to_blueprint(recording.blueprint, command))
        case PlotField(field):
            return _edited(recording, with_field_switched(recording.blueprint, field))
        case _:
            clock = _apply_to_clock(recording.clock, command)
            return recording if clock is recording.clock else replace(recording, clock=clock)


def _apply_to_clock(clock: Clock, command: Command) -> Clock:
    match command:
        case SetTimeline(timeline):
            return clock.on(timeline)
        case Seek(time):
            return replace(clock, play=Play.PAUSED if clock.play is Play.FOLLOWING else clock.play).seek(time)
        case SeekBy(delta):
            return _apply_to_clock(clock, Seek(clock.time + delta))
        case SetPlay(play):
            return clock.playing(play)
        case SetSpeed(speed):
            return replace(clock, speed=min(max(speed, MIN_SPEED), MAX_SPEED)) if not math.isnan(speed) else clock
        case SetLoop(loop):
            return replace(clock, loop=loop)
        case SetSection(section):
            return replace(clock, section=section and (min(section), max(section)))
        case SetTimeWindow(window):
            return replace(clock, window=window if window is None or window[0] < window[1] else None)
        case Tick(elapsed_secs):
            return clock.tick(elapsed_secs)
    return clock


def _apply_to_blueprint(
    blueprint: Blueprint, command: ShowEntity | ShowView | ShowFrames | AddView | RemoveView | Maximize
) -> Blueprint:
    if isinstance(command, AddView):
        root = blueprint.root or Container("horizontal", ())
        grown = replace(root, children=(*root.children, command.view_id), shares=())
        return replace(blueprint, panes={**blueprint.panes, command.view_id: command.pane}, root=grown)
    if isinstance(command, Maximize):
        return replace(blueprint, maximized=command.view_id if command.view_id in blueprint.panes else None)
    pane = blueprint.panes.get(command.view_id)
    if pane is None:
        return blueprint
    match command:
        case ShowEntity(view_id, path, visible):
            hidden = pane.hidden - {path} if visible else pane.hidden | {path}
            return replace(blueprint, panes={**blueprint.panes, view_id: replace(pane, hidden=hidden)})
        case ShowView(view_id, visible):
            return replace(blueprint, panes={**blueprint.panes, view_id: replace(pane, visible=visible)})
        case ShowFrames(view_id, visible):
            return replace(blueprint, panes={**blueprint.panes, view_id: replace(pane, frames=visible)})
        case RemoveView(view_id):
            panes = {k: v for k, v in blueprint.panes.items() if k != view_id}
            maximized = None if blueprint.maximized == view_id else blueprint.maximized
            return Blueprint(panes, _without(blueprint.root, view_id), maximized)


def _without(container: Container | None, view_id: ViewId) -> Container | None:
    if container is None:
        return None
    shares = container.shares or (1.0,) * len(container.children)
    kept: list[tuple[ViewId | Container, float]] = []
    for child, share in zip(container.children, shares, strict=True):
        inner = _without(child, view_id) if isinstance(child, Container) else (child if child != view_id else None)
        if inner is not None:
            kept.append((inner, share))
    if not kept:
        return None
    return Container(container.kind, tuple(c for c, _ in kept), tuple(s for _, s in kept))


def _edited(recording: RecordingState, blueprint: Blueprint) -> RecordingState:
    if blueprint == recording.blueprint:
        return recording
    undo = (*recording.undo, recording.blueprint)[-UNDO_LIMIT:]
    return replace(recording, blueprint=blueprint, undo=undo, redo=())


def _selected(before: tuple[Item, ...], items: tuple[Item, ...]) -> tuple[Item, ...]:
    kept = tuple(item for item in before if item not in items)
    return kept + tuple(item for item in items if item not in before)


def _close(state: State, store_id: StoreId) -> State:
    recordings = {k: v for k, v in state.recordings.items() if k != store_id}
    if len(recordings) == len(state.recordings):
        return state
    if state.active != store_id:
        return replace(state, recordings=recordings)
    return replace(state, recordings=recordings, active=next(iter(recordings), None), selection=(), hovered=None)


def _with(state: State, store_id: StoreId, recording: RecordingState) -> State:
    if recording is state.recordings[store_id]:
        return state
    return replace(state, recordings={**state.recordings, store_id: recording})
