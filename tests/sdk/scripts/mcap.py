"""Data about bags."""

import rerun as rr

rr.log("c", rr.McapChannel(id=1, topic="/chatter", message_encoding="cdr", metadata={"k": "v", "a": "b"}), static=True)
rr.log("s", rr.McapSchema(id=2, name="std_msgs/msg/String", encoding="ros2msg", data=b"string data"), static=True)
rr.log("m", rr.McapMessage(b"\x00\x01\x02"))
rr.log(
    "t",
    rr.McapStatistics(
        message_count=1,
        schema_count=2,
        channel_count=3,
        attachment_count=4,
        metadata_count=5,
        chunk_count=6,
        message_start_time=7,
        message_end_time=8,
    ),
)
