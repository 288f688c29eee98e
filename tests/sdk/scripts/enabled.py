"""Recordings that are turned off."""

import rerun as rr

off = rr.RecordingStream("scripts", recording_id="off", default_enabled=False, send_properties=False)
assert not off.is_enabled()
off.log("a", rr.Scalars(1))
assert rr.is_enabled()
rr.log("a", rr.Scalars(2))
