"""Archetypes that the reference calls experimental, by its names."""

from rrbridge.blueprint.archetypes import CardLayout as CardLayout
from rrbridge.blueprint.archetypes import PreviewsConfig as PreviewsConfig
from rrbridge.blueprint.archetypes import TableBlueprint as TableBlueprint
from rrbridge.blueprint.archetypes import TableColumn as TableColumn
from rrbridge.blueprint.archetypes import TableColumnPreview as TableColumnPreview
from rrbridge.blueprint.archetypes import TableLayout as TableLayout
