"""Graphs of nodes and edges."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype


class GraphNodes(Archetype):
    """Nodes, each with an id of its own."""

    node_ids: c.GraphNode
    _: KW_ONLY
    positions: c.Position2D | None = None
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    radii: c.Radius | None = None


class GraphEdges(Archetype):
    """Edges between nodes, as pairs of node ids."""

    edges: c.GraphEdge
    _: KW_ONLY
    graph_type: c.GraphTypeLike | None = None
