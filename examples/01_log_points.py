"""Log a spinning spiral of points, the frame it turns in, and a number. Look at it: `rrbridge view spiral.rrd`."""

import numpy as np

import rrbridge as rr

rr.init("rrbridge_example_spiral")
rr.save("spiral.rrd")

turn = np.linspace(0, 6 * np.pi, 400)
positions = np.column_stack([np.cos(turn), np.sin(turn), turn / 10])
colors = np.column_stack([40 + turn * 11, 230 - turn * 8, np.full(400, 160)]).astype(np.uint8)

# Static data stands at all times.
rr.log("world/spiral", rr.Points3D(positions, radii=0.03, colors=colors), static=True)

for step in range(100):
    rr.set_time("step", sequence=step)
    rr.set_time("elapsed", duration=step * 0.05)
    half = step * 0.03
    rr.log("world", rr.Transform3D(translation=[0, 0, 0], quaternion=[0, 0, np.sin(half), np.cos(half)]))
    rr.log("height", rr.Scalars(float(positions[step * 4, 2])))

rr.disconnect()
print("wrote spiral.rrd")
