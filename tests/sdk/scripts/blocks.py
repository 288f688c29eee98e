"""A file is finished when its `with` block ends, or when nobody holds its recording any more."""

import gc

import rerun as rr


def recording(name: str) -> rr.RecordingStream:
    made = rr.RecordingStream("blocks", recording_id=name, send_properties=False)
    made.save(f"{name}.rrd")
    return made


again = recording("again")
with again:
    rr.log("first", rr.TextLog("in the file"))
with again:
    rr.log("second", rr.TextLog("kept for the next file"))
again.log("third", rr.TextLog("kept for the next file"))
again.save("next.rrd")
again.log("fourth", rr.TextLog("in the next file"))
again.disconnect()

unsaved = rr.RecordingStream("blocks", recording_id="unsaved", send_properties=False)
with unsaved:
    rr.log("before", rr.Points3D([1, 2, 3]))
unsaved.save("unsaved.rrd")
unsaved.log("after", rr.Points3D([4, 5, 6]))
unsaved.disconnect()

dropped = recording("dropped")
dropped.log("a", rr.Points3D([1, 2, 3]))
dropped.log("a", rr.Points3D([4, 5, 6]))
del dropped
gc.collect()

failed = recording("failed")
try:
    with failed:
        rr.log("a", rr.Points3D([1, 2, 3]))
        {}["missing"]
except KeyError:
    failed.log("b", rr.TextLog("too late"))
failed.disconnect()

both = rr.RecordingStream("blocks", recording_id="both", send_properties=False)
both.set_sinks(rr.FileSink("left.rrd"), rr.FileSink("right.rrd"))
with both:
    rr.log("a", rr.Scalars(1))
both.log("b", rr.Scalars(2))
both.disconnect()
