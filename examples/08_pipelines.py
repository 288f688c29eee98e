"""Rewrite a field log without loading it: choose topics, make components out of message fields, write what is left.

Nothing runs before `write_rrd`; then chunk after chunk goes through, in flat memory. Look at it: `rrbridge view driven.rrd`.
"""

import rrbridge as rr
from rrbridge.chunk import Chunk, DeriveLens, LazyChunkStream, McapReader, MutateLens, RrdReader

ODOMETRY = "nav_msgs.msg.Odometry:message"

# Paths into messages, as jq has them; whole columns are worked on at once.
where = (
    DeriveLens(ODOMETRY, output_entity="/driven")
    .to_translation(*(f"pose.pose.position.{axis}" for axis in "xyz"))
    .to_quaternion(*(f"pose.pose.orientation.{axis}" for axis in "xyzw"))
)
speed = DeriveLens(ODOMETRY, output_entity="/driven/speed").to_scalars("twist.twist.linear.x", "twist.twist.angular.z")
short = MutateLens(ODOMETRY, ".child_frame_id")

odometry, others = McapReader("field_log.mcap").stream().split(content="/odom")
mapped = odometry.lenses([where, speed, short], output_mode="forward_unmatched")


def below_robot(chunk: Chunk) -> Chunk:
    return chunk.with_entity_path(f"/robot{chunk.entity_path}")


scans = others.filter(content=["/scan/**", "/imu/**"]).map(below_robot)
title = Chunk.from_property("edited", rr.AnyValues(by="08_pipelines.py"))
whole = LazyChunkStream.merge(mapped, scans, LazyChunkStream.from_iter([title]))
whole.write_rrd("driven.rrd", application_id="rrbridge_example_pipelines", recording_id="driven")

# A finished file is opened by its index: only chunks that a filter can take are read.
store = RrdReader("driven.rrd").store()
speeds = store.stream().filter(content="/driven/speed").collect()
print(f"{speeds.num_rows} speeds from {store.chunks_loaded} of {len(store)} chunks")
print("\n".join(store.schema().column_names()))
