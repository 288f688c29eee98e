"""Recordings as objects."""

import rerun as rr

rec = rr.RecordingStream("scripts", recording_id="second", send_properties=False)
rec.save("second.rrd")
rec.set_time("frame", sequence=1)
rec.log("a", rr.Points3D([1, 2, 3]))
rr.log("b", rr.Scalars(1), recording=rec)
rr.set_time("frame", sequence=2, recording=rec)
rec.send_columns("c", [rr.TimeColumn("t", sequence=[1, 2])], rr.Scalars.columns(scalars=[1, 2]))
rec.reset_time()
rec.log("d", rr.Scalars(2), static=True)
rec.send_property("p", rr.TextDocument("x"))
rec.send_recording_name("n")
rec.disable_timeline("frame")
rec.flush()
rec.disconnect()
assert rec.get_recording_id() == "second"
assert rec.get_application_id() == "scripts"
