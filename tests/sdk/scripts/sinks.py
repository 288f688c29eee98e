"""Two files at once."""

import rerun as rr

rec = rr.RecordingStream("scripts", recording_id="sinks", send_properties=False)
rec.log("early", rr.Scalars(0))
rec.set_sinks(rr.FileSink("left.rrd"), rr.FileSink("right.rrd"))
rec.log("a", rr.Scalars(1))
rec.disconnect()
