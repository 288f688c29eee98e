"""Parts of blueprints, by the names of the reference's `rerun.blueprint.api`."""

from __future__ import annotations

from rrbridge.blueprint._blueprint import Blueprint as Blueprint
from rrbridge.blueprint._blueprint import BlueprintLike as BlueprintLike
from rrbridge.blueprint._blueprint import BlueprintPart as BlueprintPart
from rrbridge.blueprint._view import View as View
from rrbridge.blueprint.containers import Container as Container
from rrbridge.blueprint.containers import ContainerLike as ContainerLike
from rrbridge.blueprint.panels import BlueprintPanel as BlueprintPanel
from rrbridge.blueprint.panels import Panel as Panel
from rrbridge.blueprint.panels import SelectionPanel as SelectionPanel
from rrbridge.blueprint.panels import TimePanel as TimePanel
from rrbridge.blueprint.panels import TopPanel as TopPanel

__all__ = [
    "Blueprint",
    "BlueprintLike",
    "BlueprintPanel",
    "BlueprintPart",
    "Container",
    "ContainerLike",
    "Panel",
    "SelectionPanel",
    "TimePanel",
    "TopPanel",
    "View",
]
