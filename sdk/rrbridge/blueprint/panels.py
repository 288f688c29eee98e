"""The panels around the viewport."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rrbridge._archetype import own_errors
from rrbridge._time_ranges import AbsoluteTimeRange
from rrbridge.blueprint._rows import Row
from rrbridge.blueprint.archetypes import PanelBlueprint, TimePanelBlueprint
from rrbridge.blueprint.components import LoopModeLike, PanelState, PanelStateLike, PlayStateLike
from rrbridge.errors import InvalidValueError

__all__ = ["BlueprintPanel", "Panel", "SelectionPanel", "TimePanel", "TopPanel"]


@own_errors
class Panel:
    """A panel, and how much of it is shown."""

    name: ClassVar[str]
    """`time_panel`, …"""
    state: PanelStateLike | None

    def __init__(self, *, expanded: bool | None = None, state: PanelStateLike | None = None) -> None:
        """Give `state`, or `expanded`; with neither it stays as it is. Raises InvalidValueError."""
        if expanded is not None and state is not None:
            raise InvalidValueError(type(self).__name__, "either expanded= or state=", "both")
        if expanded is not None:
            state = PanelState.Expanded if expanded else PanelState.Collapsed
        PanelBlueprint(state=state)
        self.state = state

    def blueprint_path(self) -> str:
        """Where blueprints speak of it."""
        return self.name

    def blueprint_rows(self) -> Iterator[Row]:
        """What a blueprint says about it."""
        yield Row(f"/{self.blueprint_path()}", PanelBlueprint(state=self.state).as_component_batches())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(state={self.state!r})"


class BlueprintPanel(Panel):
    """The panel on the left: the tree of views."""

    name = "blueprint_panel"


class SelectionPanel(Panel):
    """The panel on the right: what is selected."""

    name = "selection_panel"


class TopPanel(Panel):
    """The bar at the top."""

    name = "top_panel"


class TimePanel(Panel):
    """The panel at the bottom: timelines, and the time cursor."""

    name = "time_panel"

    def __init__(
        self,
        *,
        expanded: bool | None = None,
        state: PanelStateLike | None = None,
        timeline: str | None = None,
        playback_speed: float | None = None,
        fps: float | None = None,
        play_state: PlayStateLike | None = None,
        loop_mode: LoopModeLike | None = None,
        time_selection: AbsoluteTimeRange | None = None,
    ) -> None:
        """`playback_speed` is a factor, `fps` steps per second on timelines of sequence numbers."""
        super().__init__(expanded=expanded, state=state)
        self.timeline = timeline
        self.playback_speed = playback_speed
        self.fps = fps
        self.play_state = play_state
        self.loop_mode = loop_mode
        self.time_selection = time_selection
        for _ in self.blueprint_rows():
            pass

    def blueprint_rows(self) -> Iterator[Row]:
        """What a blueprint says about it. Whether time moves is static: viewers do not write it down as it changes."""
        archetype = TimePanelBlueprint(
            state=self.state,
            timeline=self.timeline,
            playback_speed=self.playback_speed,
            fps=self.fps,
            loop_mode=self.loop_mode,
            time_selection=self.time_selection,
        )
        yield Row("/time_panel", archetype.as_component_batches())
        playing = TimePanelBlueprint(play_state=self.play_state)
        yield Row("/time_panel", playing.as_component_batches(), static=True)
