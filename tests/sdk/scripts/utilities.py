"""Points to try things out with."""

import rerun as rr
from rerun.utilities import bounce_lerp, build_color_grid, build_color_spiral

rr.log("grid", rr.Points3D(build_color_grid(3, 4, 5, twist=1.0).positions, colors=build_color_grid(3, 4, 5).colors))
rr.log("spiral", rr.Points3D(build_color_spiral(20, angular_offset=0.3)[0]))
rr.log("bounce", rr.Scalars([bounce_lerp(1, 5, t) for t in (0.0, 0.5, 1.5, 2.25)]))
