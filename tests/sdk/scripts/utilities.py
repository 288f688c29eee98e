"""Points to try things out with."""

import rerun as rr
from rerun.utilities import bounce_lerp, build_color_grid, build_color_spiral

rr.log("grid", rr.Points3D(build_color_grid(3, 4, 5, twist=1.0).positions, colors=build_color_grid(3, 4, 5).colors))
rr.log("spiral", rr.Points3D(build_color_spiral(20, angular_offset=0.3)[0]))
rr.log("bounce", rr.Scalars([bounce_lerp(1, 5, t) for t in (0.0, 0.5, 1.5, 2.25)]))
for n in (1, 7, 60, 300):
    spiral = build_color_spiral(n)
    rr.log(f"spiral/{n}", rr.Points3D(spiral.positions, colors=spiral.colors))
left, right = build_color_spiral(9).positions, build_color_spiral(9, angular_offset=3.1).positions
for i in range(40):
    rr.log(
        "beads",
        rr.Points3D([bounce_lerp(a, b, i * 0.17 + j) for j, (a, b) in enumerate(zip(left, right, strict=True))]),
    )
