"""Write a whole time series with one call: a hundred thousand rows, without a loop."""

import numpy as np

import rrbridge as rr

rr.init("rrbridge_example_columns")
rr.save("pendulum.rrd")

secs = np.arange(100_000) / 1000
angle = 0.4 * np.exp(-secs / 40) * np.cos(2 * np.pi * 0.5 * secs)
rr.send_columns(
    "pendulum/angle",
    indexes=[rr.TimeColumn("elapsed", duration=secs)],
    columns=rr.Scalars.columns(scalars=angle),
)

# Where its weight was, once every 20 ms: one point per row.
some = slice(0, None, 20)
tip = np.column_stack([np.sin(angle), np.zeros_like(angle), -np.cos(angle)])[some]
rr.send_columns(
    "pendulum/weight",
    indexes=[rr.TimeColumn("elapsed", duration=secs[some])],
    columns=rr.Points3D.columns(positions=tip),
)

rr.disconnect()
print(f"wrote pendulum.rrd, {len(secs)} angles and {len(tip)} points")
