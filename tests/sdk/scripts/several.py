"""Several archetypes in one call."""

import rerun as rr

rr.log("a", rr.Points3D([1, 2, 3]), rr.Transform3D(translation=[1, 0, 0]), rr.TextDocument("x"))
rr.log("b", rr.AnyValues(x=1), rr.Scalars(2), static=True)
rr.log("c", rr.Points3D([1, 2, 3]).as_component_batches())
rr.log("d", [*rr.Points3D([1, 2, 3]).as_component_batches(), *rr.Scalars(4).as_component_batches()])
