"""Clearing one entity or all below."""

import rerun as rr

rr.log("a/b", rr.Points3D([1, 2, 3]))
rr.log("a/b", rr.Clear(recursive=False))
rr.log("a", rr.Clear(recursive=True))
rr.log("a", rr.Clear.flat())
rr.log("a", rr.Clear.recursive())
rr.log("b", rr.Points3D([1, 2, 3]))
rr.log("b", rr.Points3D.cleared(), rr.Clear.flat(), static=True)
for archetype in (rr.AnnotationContext, rr.BarChart, rr.Tensor, rr.Image, rr.Transform3D, rr.GraphNodes, rr.Pinhole):
    rr.log(f"cleared/{archetype.__name__}", archetype.cleared())
