"""Recordings in memory."""

from pathlib import Path

import rerun as rr

rec = rr.RecordingStream("scripts", recording_id="memory", send_properties=False)
memory = rec.memory_recording()
rec.log("a", rr.Points3D([1, 2, 3]))
assert memory.num_msgs() > 0
Path("memory.rrd").write_bytes(memory.drain_as_bytes())
