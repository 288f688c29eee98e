"""Ask a recording: the latest value at a time, a range of values, where one frame is in another.

Opens `field_log.mcap` directly; a converted `.rrd` answers the same way, faster.
"""

from pathlib import Path

import numpy as np

from rrbridge import importers
from rrbridge._store import load_messages
from rrbridge._transforms import TransformTree

LOGGED = "message_log_time"

(store,) = load_messages(importers.read(Path("field_log.mcap"))).values()
span = store.time_range(LOGGED)
assert span is not None
start, end = span
print(f"{len(store.entities())} entities, {(end - start) / 1e9:.1f} s")

# Latest-at: what was known one second after the start?
at = start + 1_000_000_000
latest = store.latest_at("/scan", ["Points3D:positions"], LOGGED, at)["Points3D:positions"]
points = np.asarray(latest.values.flatten()).reshape(-1, 3)
print(f"the scan then had {len(points)} echoes, the nearest at {np.linalg.norm(points, axis=1).min():.2f} m")

# Range: all accelerations of that second.
imu = store.range("/imu/data", "Scalars:scalars", LOGGED, start, at)
values = np.asarray(imu.cells.flatten()).reshape(len(imu.times), -1)
print(f"{len(values)} imu samples, mean upward acceleration {values[:, 5].mean():.2f} m/s²")

# Transforms: where the lidar is on the map.
map_from_laser = TransformTree(store).transform("map", "laser", LOGGED, at)
print(f"the lidar stands at {np.round(map_from_laser[:3, 3], 3).tolist()}")
