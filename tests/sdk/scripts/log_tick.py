"""The running number of calls."""

import rerun as rr

rr.set_log_tick_enabled(True)
for i in range(5):
    rr.log("a", rr.Scalars(i))
rr.set_log_tick_enabled(False)
rr.set_log_time_enabled(False)
rr.set_time("frame", sequence=1)
rr.log("a", rr.Scalars(9))
rr.set_log_time_enabled(True)
