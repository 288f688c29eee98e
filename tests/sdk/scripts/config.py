"""How rows are batched."""

import rerun as rr

config = rr.ChunkBatcherConfig(
    flush_tick=1000.0, flush_num_bytes=1_000_000, flush_num_rows=10_000, chunk_max_rows_if_unsorted=64
)
rec = rr.RecordingStream("scripts", recording_id="config", batcher_config=config, send_properties=False)
rec.save("config.rrd")
for i in range(100):
    rec.set_time("frame", sequence=(i * 7) % 100)
    rec.log("a", rr.Scalars(i))
rec.disconnect()
assert rr.ChunkBatcherConfig.LOW_LATENCY().flush_tick.total_seconds() == 0.008
