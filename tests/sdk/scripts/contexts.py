"""Recordings as context managers."""

import rerun as rr

one = rr.RecordingStream("scripts", recording_id="one", send_properties=False)
two = rr.RecordingStream("scripts", recording_id="two", send_properties=False)
one.save("one.rrd")
two.save("two.rrd")
with one:
    rr.log("a", rr.Scalars(1))
    with two:
        rr.log("b", rr.Scalars(2))
        assert rr.get_recording_id() == "two"
    rr.log("c", rr.Scalars(3))
rr.log("d", rr.Scalars(4))
for stream in (one, two):
    stream.disconnect()
