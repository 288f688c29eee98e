"""Updates of single fields."""

import rerun as rr

rr.log("a", rr.Points3D([[1, 2, 3], [4, 5, 6]], radii=[1, 2]))
for i in range(5):
    rr.set_time("frame", sequence=i)
    rr.log("a", rr.Points3D.from_fields(colors=[i, i, i], radii=[i, i]))
rr.log("a", rr.Points3D.from_fields(clear_unset=True, positions=[0, 0, 0]))
rr.log("b", rr.Boxes3D.from_fields(half_sizes=[1, 1, 1]))
rr.log("b", rr.Scalars.cleared())
