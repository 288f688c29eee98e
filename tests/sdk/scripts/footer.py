"""Files without an index."""

import rerun as rr

rec = rr.RecordingStream("scripts", recording_id="footer", send_properties=False)
rec.save("nofooter.rrd", write_footer=False)
rec.log("a", rr.Scalars(1))
rec.disconnect()
