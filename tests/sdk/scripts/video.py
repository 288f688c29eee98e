"""Streams and references."""

import rerun as rr

rr.log("stream", rr.VideoStream(codec=rr.VideoCodec.H264), static=True)
for i in range(5):
    rr.set_time("frame", sequence=i)
    rr.log("stream", rr.VideoStream.from_fields(sample=bytes([i] * 10), is_keyframe=i == 0))
rr.log("ref", rr.VideoFrameReference(seconds=1.5, video_reference="video"))
rr.log("ref2", rr.VideoFrameReference(nanoseconds=123456789, opacity=0.5))
rr.log("ref3", rr.VideoFrameReference(timestamp=rr.components.VideoTimestamp(seconds=2.0), draw_order=3))
rr.send_columns(
    "cols", [rr.TimeColumn("t", duration=[0.0, 1.0, 2.0])], rr.VideoFrameReference.columns_nanos([0, 10, 20])
)
rr.send_columns("cols2", [rr.TimeColumn("t", duration=[0, 1, 2])], rr.VideoFrameReference.columns_millis([0, 10, 20]))
rr.send_columns("cols3", [rr.TimeColumn("t", duration=[0, 1, 2])], rr.VideoFrameReference.columns_secs([0, 1, 2]))
