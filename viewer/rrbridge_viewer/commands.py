"""Everything a person, or the data that arrives, can ask the viewer to do: frozen values. `state.apply` says what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from rrbridge._messages import StoreId
from rrbridge_viewer.blueprint import Blueprint, Item, Pane, PlottedField, ViewId
from rrbridge_viewer.clock import Loop, Play, Span

__all__ = [
    "ActivateRecording",
    "AddView",
    "CloseRecording",
    "Command",
    "Hover",
    "LearnTimelines",
    "Maximize",
    "OpenRecording",
    "PlotField",
    "Redo",
    "RemoveView",
    "Seek",
    "SeekBy",
    "Select",
    "SetBlueprint",
    "SetLoop",
    "SetOpenings",
    "SetPlay",
    "SetSection",
    "SetSpeed",
    "SetTimeWindow",
    "SetTimeline",
    "SetViewState",
    "ShowEntity",
    "ShowFrames",
    "ShowView",
    "Tick",
    "TogglePanel",
    "Undo",
]


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
class SetOpenings:
    """Where the cursor stands on timelines on which nobody has moved it."""

    store_id: StoreId
    openings: Mapping[str, int]


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
class PlotField:
    """Add a number inside messages to a plot, or take it out of those that show it."""

    field: PlottedField


@dataclass(frozen=True, slots=True)
class ShowFrames:
    """Draw the named frames in a 3D view, or not."""

    view_id: ViewId
    visible: bool


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
    | SetOpenings
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
    | PlotField
    | ShowFrames
    | SetViewState
    | TogglePanel
    | Undo
    | Redo
)
