"""States and their names."""

import rerun as rr

rr.log(
    "s",
    rr.StateConfiguration(
        values=["idle", "drive"], labels=["Idle", "Drive"], colors=[[1, 2, 3], [4, 5, 6]], visible=[True, False]
    ),
    static=True,
)
rr.set_time("t", duration=1.0)
rr.log("s", rr.StateChange(state="drive"))
