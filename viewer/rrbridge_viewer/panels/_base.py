"""What a panel may look at."""

from __future__ import annotations

from dataclasses import dataclass

from rrbridge_viewer.blueprint import EntityItem, Item
from rrbridge_viewer.clock import Clock
from rrbridge_viewer.loading import Library
from rrbridge_viewer.query import Query
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.state import RecordingState, State
from rrbridge_viewer.theme import Theme
from rrbridge_viewer.views._base import Views

__all__ = ["PanelContext"]


@dataclass(frozen=True, slots=True)
class PanelContext:
    """The viewer, as panels see it."""

    state: State
    library: Library
    views: Views
    fonts: Theme
    query: Query | None
    """The recording on screen at its cursor; None while there is none."""

    @property
    def recording(self) -> Recording | None:
        """The recording on screen."""
        return self.query.recording if self.query else None

    @property
    def recording_state(self) -> RecordingState:
        """What belongs to the recording on screen."""
        return self.state.recording or RecordingState()

    @property
    def clock(self) -> Clock:
        """The time control of the recording on screen."""
        return self.recording_state.clock

    def is_selected(self, item: Item) -> bool:
        """Whether it is selected; an entity also when one of its instances is."""
        if isinstance(item, EntityItem):
            return any(isinstance(other, EntityItem) and other.path == item.path for other in self.state.selection)
        return item in self.state.selection

    def is_hovered(self, path: str) -> bool:
        """Whether the pointer is over this entity, wherever that is."""
        return isinstance(self.state.hovered, EntityItem) and self.state.hovered.path == path
