"""What draws an entity in a view, where that is not left to the viewer."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from rrbridge._archetype import own_errors
from rrbridge._batches import DescribedComponentBatch
from rrbridge._recording import AsComponents
from rrbridge.blueprint.archetypes import VisualizerInstruction
from rrbridge.blueprint.encodings import VisualizerComponentMapping
from rrbridge.errors import InvalidValueError

__all__ = ["VisualizableArchetype", "Visualizer"]


@own_errors
class Visualizer:
    """One way to draw an entity: what kind, values in place of logged ones, and where components are taken from."""

    id: uuid.UUID
    visualizer_type: str
    """`Points3D`, `Lines3D`, `SeriesLines`, …"""
    overrides: list[DescribedComponentBatch]
    mappings: list[VisualizerComponentMapping]

    def __init__(
        self,
        visualizer_type: str,
        *,
        overrides: Iterable[DescribedComponentBatch] | None = None,
        mappings: Sequence[VisualizerComponentMapping] | None = None,
    ) -> None:
        """Mostly made by an archetype: `rr.Points3D.from_fields(radii=0.1).visualizer()`. Raises InvalidValueError."""
        self.id = uuid.uuid4()
        self.visualizer_type = str(visualizer_type)
        self.overrides = list(overrides or ())
        self.mappings = list(mappings or ())
        for batch in self.overrides:
            if not isinstance(batch, DescribedComponentBatch):
                raise InvalidValueError("Visualizer.overrides", "component batches", repr(batch)[:80])
        self.instruction()

    def instruction(self) -> VisualizerInstruction:
        """The archetype that says so in a blueprint."""
        return VisualizerInstruction(self.visualizer_type, component_map=self.mappings or None)

    def __repr__(self) -> str:
        return f"Visualizer({self.visualizer_type!r}, {len(self.overrides)} overrides, {len(self.mappings)} mappings)"


@runtime_checkable
class VisualizableArchetype(Protocol):
    """An archetype that a view can draw."""

    def visualizer(self, *args: Any, **kwargs: Any) -> Visualizer:
        """Draws it, with its values in place of logged ones."""


VisualizerLike: TypeAlias = Visualizer | VisualizableArchetype | AsComponents
