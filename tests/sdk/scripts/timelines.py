"""Times of all kinds."""

import datetime as dt

import numpy as np
import rerun as rr

rr.set_time("frame", sequence=42)
rr.log("a", rr.Scalars(1))
rr.set_time("sim", duration=1.5)
rr.set_time("stamp", timestamp=1_700_000_000.25)
rr.log("a", rr.Scalars(2))
rr.set_time("sim", duration=dt.timedelta(milliseconds=3))
rr.set_time("stamp", timestamp=dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
rr.log("a", rr.Scalars(3))
rr.set_time("sim", duration=np.timedelta64(7, "us"))
rr.set_time("stamp", timestamp=np.datetime64("2024-01-01T00:00:00.123456789"))
rr.log("a", rr.Scalars(4))
rr.disable_timeline("sim")
rr.log("a", rr.Scalars(5))
rr.reset_time()
rr.log("a", rr.Scalars(6))
rr.set_time("stamp", timestamp=17)
rr.set_time("sim", duration=-2)
rr.set_time("frame", sequence=-3)
rr.log("a", rr.Scalars(7))
