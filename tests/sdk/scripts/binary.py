"""Recordings as bytes."""

from pathlib import Path

import rerun as rr

rec = rr.RecordingStream("scripts", recording_id="binary", send_properties=False)
stream = rec.binary_stream()
rec.log("a", rr.Points3D([1, 2, 3]))
first = stream.read()
rec.log("b", rr.Scalars(1))
Path("binary.rrd").write_bytes(first + stream.read())
assert stream.read(flush=False) is None
