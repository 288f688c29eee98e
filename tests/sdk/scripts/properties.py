"""What is said about the recording."""

import rerun as rr

rr.send_property("robot", rr.TextDocument("spot"))
rr.send_property("place", rr.GeoPoints(lat_lon=[[1, 2]]))
rr.send_recording_name("a name")
rr.send_recording_start_time_nanos(1_700_000_000_000_000_000)
rr.send_property("values", rr.AnyValues(operator="me", shift=3))
rr.log("info", rr.archetypes.RecordingInfo(start_time=5, name="n"))
