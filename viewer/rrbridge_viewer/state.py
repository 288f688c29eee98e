"""Everything the viewer remembers, as frozen values, and everything a person can do, as commands.

`apply(state, command)` is the only way state changes. It accepts every command in every state: what has no meaning there
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from rrbridge._messages import StoreId
from rrbridge_viewer.clock import Clock, Loop, Play, Span

__all__ = [
    "ActivateRecording",
    "AddView",
    "Blueprint",
    "CloseRecording",
    "Command",
    "Container",
    "EntityItem",
    "Hover",
    "Item",
    "LearnTimelines",
    "Maximize",
    "OpenRecording",
    "Pane",
    "RecordingItem",
    "RecordingState",
    "Redo",
    "RemoveView",
    "Seek",
    "SeekBy",
    "Select",
    "SetBlueprint",
    "SetLoop",
    "SetPlay",
    "SetSection",
    "SetSpeed",
    "SetTimeWindow",
    "SetTimeline",
    "SetViewState",
    "ShowEntity",
    "ShowView",
    "State",
    "Tick",
    "TogglePanel",
    "Undo",
    "ViewItem",
    "apply",
]

ViewId: TypeAlias = str
UNDO_LIMIT = 100
MIN_SPEED, MAX_SPEED = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class Pane:
    """One view on screen: which class, rooted where, showing what."""

    view: str
    """The name of a view class: `Spatial3DView`."""
    title: str
    origin: str = "/"
    """Where it looks from: contents are below it, 2D views show its image."""
    contents: tuple[str, ...] = ()
    """The entities it shows."""
    frame: str = ""
    """3D views: the frame that everything is brought into."""
    hidden: frozenset[str] = frozenset()
    """Entities of `contents` that are switched off; what lies below them is off too."""
    visible: bool = True

    def shows(self, entity: str) -> bool:
        """Whether no switch at the entity or above it is off."""
        return not any(entity == off or entity.startswith(off.rstrip("/") + "/") for off in self.hidden)


@dataclass(frozen=True, slots=True)
class Container:
    """How views share the screen: side by side, one above the other, or as tabs."""

    kind: Literal["horizontal", "vertical", "tabs"]
    children: tuple[ViewId | Container, ...]
    shares: tuple[float, ...] = ()
    """Relative sizes; empty: equal."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What is shown of a recording, and where."""

    panes: Mapping[ViewId, Pane] = field(default_factory=dict)
    root: Container | None = None
    maximized: ViewId | None = None


@dataclass(frozen=True, slots=True)
class EntityItem:
    """An entity, or one instance of it (one point of a cloud)."""

    path: str
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class ViewItem:
    """A view."""

    view_id: ViewId


@dataclass(frozen=True, slots=True)
class RecordingItem:
    """A recording."""

    store_id: StoreId


Item: TypeAlias = EntityItem | ViewItem | RecordingItem
"""What can be selected."""


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


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A recording has begun to arrive; the first one comes on screen."""

    store_id: StoreId


@dataclass(frozen=True, slots=True)
class ActivateRecording:
    """Bring a recording on screen."""

    store_id: StoreId


@dataclass(frozen=True, slots=True)
class CloseRecording:
    """Forget a recording."""

    store_id: StoreId


@dataclass(frozen=True, slots=True)
class LearnTimelines:
    """Data has arrived: these are the timelines now."""

    store_id: StoreId
    timelines: Mapping[str, Span]
    preferred: str


@dataclass(frozen=True, slots=True)
class SetBlueprint:
    """Show a recording in another way. `automatic` ones come from the layout and cannot be undone."""

    store_id: StoreId
    blueprint: Blueprint
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class SetTimeline:
    """Look along another timeline."""

    timeline: str


@dataclass(frozen=True, slots=True)
class Seek:
    """Move the cursor by hand: the nearest time that the data covers, and stay there."""

    time: int


@dataclass(frozen=True, slots=True)
class SeekBy:
    """Move the cursor by hand, from where it is."""

    delta: int


@dataclass(frozen=True, slots=True)
class SetPlay:
    """Play, pause, follow."""

    play: Play


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """How many seconds of data pass in a second."""

    speed: float


@dataclass(frozen=True, slots=True)
class SetLoop:
    """What happens at the end."""

    loop: Loop


@dataclass(frozen=True, slots=True)
class SetSection:
    """The part of the timeline to repeat."""

    section: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SetTimeWindow:
    """What the time panel shows; None: all."""

    window: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Tick:
    """Real time has passed."""

    elapsed_secs: float


@dataclass(frozen=True, slots=True)
class Select:
    """Select these instead of what was selected; `extend` adds them, or takes out those already in."""

    items: tuple[Item, ...]
    extend: bool = False


@dataclass(frozen=True, slots=True)
class Hover:
    """The pointer is over something, or over nothing."""

    item: Item | None


@dataclass(frozen=True, slots=True)
class ShowEntity:
    """Switch an entity of a view on or off, with all below it."""

    view_id: ViewId
    path: str
    visible: bool


@dataclass(frozen=True, slots=True)
class ShowView:
    """Put a view on screen, or take it off."""

    view_id: ViewId
    visible: bool


@dataclass(frozen=True, slots=True)
class AddView:
    """A new view."""

    view_id: ViewId
    pane: Pane


@dataclass(frozen=True, slots=True)
class RemoveView:
    """Take a view out of the blueprint."""

    view_id: ViewId


@dataclass(frozen=True, slots=True)
class Maximize:
    """Let one view fill the screen; None: all as before."""

    view_id: ViewId | None


@dataclass(frozen=True, slots=True)
class SetViewState:
    """What a view wants to find again in the next frame."""

    view_id: ViewId
    value: Any


@dataclass(frozen=True, slots=True)
class TogglePanel:
    """Fold a panel away, or bring it back."""

    panel: Literal["left", "right", "bottom"]


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the last change to the blueprint on screen."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Take back the last undo."""


Command: TypeAlias = (
    OpenRecording
    | ActivateRecording
    | CloseRecording
    | LearnTimelines
    | SetBlueprint
    | SetTimeline
    | Seek
    | SeekBy
    | SetPlay
    | SetSpeed
    | SetLoop
    | SetSection
    | SetTimeWindow
    | Tick
    | Select
    | Hover
    | ShowEntity
    | ShowView
    | AddView
    | RemoveView
    | Maximize
    | SetViewState
    | TogglePanel
    | Undo
    | Redo
)


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
        case ShowEntity() | ShowView() | AddView() | RemoveView() | Maximize():
            return _edited(recording, _apply_to_blueprint(recording.blueprint, command))
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
    blueprint: Blueprint, command: ShowEntity | ShowView | AddView | RemoveView | Maximize
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
