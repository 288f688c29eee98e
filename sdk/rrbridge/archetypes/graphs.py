"""Graphs of nodes and edges."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import DrawnArchetype


class GraphNodes(DrawnArchetype):
    """Nodes, each with an id of its own."""

    node_ids: c.GraphNodeLike
    _: KW_ONLY
    positions: c.Position2DLike | None = None
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    radii: c.RadiusLike | None = None


class GraphEdges(DrawnArchetype):
    """Edges between nodes, as pairs of node ids."""

    edges: c.GraphEdgeLike
    _: KW_ONLY
    graph_type: c.GraphTypeLike | None = None
