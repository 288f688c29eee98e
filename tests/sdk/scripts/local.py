"""A recording for each call."""

import rerun as rr


@rr.thread_local_stream("scripts_local")
def job():
    rr.save("job.rrd")
    rr.log("in/job", rr.Scalars(1))
    return rr.get_application_id()


assert job() == "scripts_local"
rr.log("out", rr.Scalars(2))
