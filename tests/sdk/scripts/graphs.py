"""Nodes and edges."""

import rerun as rr

rr.log(
    "g",
    rr.GraphNodes(["a", "b", "c"], positions=[(0, 100), (-100, 0), (100, 0)], labels=["A", "B", "C"], radii=3),
    rr.GraphEdges([("a", "b"), ("b", "c"), ("c", "a")], graph_type="directed"),
)
rr.log(
    "h",
    rr.GraphNodes(node_ids=["x"], colors=[[1, 2, 3]], show_labels=False),
    rr.GraphEdges(edges=[rr.GraphEdge("x", "x")], graph_type=rr.GraphType.Undirected),
)
