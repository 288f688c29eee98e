"""Put every laser scan on the map, at the moment it was taken, with one lookup for all of them.

Reads `field_log.mcap`.
"""

import numpy as np

import rrbridge as rr

STAMPED = "ros2_timestamp"  # the data's own clock, not the recorder's

recording = rr.open("field_log.mcap")
assert isinstance(recording, rr.Recording)  # and not several in one file
store, tree = recording.store, recording.transforms()
print(tree.report(STAMPED))

# Where the lidar was at each scan: (n, 4, 4). A scan from before the first transform has no answer.
start, end = store.time_range(STAMPED, "/scan") or (0, 0)
scans = store.range("/scan", "Points3D:positions", STAMPED, start, end)
map_from_laser = tree.lookup("map", "laser", STAMPED, scans.times, missing="nan")
known = np.asarray(np.isfinite(map_from_laser).all(axis=(1, 2)))
print(f"{known.sum()} of {len(scans.times)} scans can be put on the map")

# All echoes of all scans on the map.
echoes = np.asarray(scans.cells.flatten().flatten()).reshape(-1, 3)
scan_of_echo = np.repeat(np.arange(len(scans.times)), np.asarray(scans.cells.value_lengths()))
on_map = np.einsum("nij,nj->ni", map_from_laser[scan_of_echo, :3, :3], echoes) + map_from_laser[scan_of_echo, :3, 3]
on_map = on_map[known[scan_of_echo]]
print(f"{len(on_map)} echoes, from {on_map.min(axis=0).round(1)} to {on_map.max(axis=0).round(1)} m")

# How far the robot went in the last second, by odometry: one frame at two times, with `odom` standing still between them.
then_from_now = tree.lookup("base_link", "base_link", STAMPED, end - 1_000_000_000, source_time=end, fixed_frame="odom")
print(f"in the last second it went {np.linalg.norm(then_from_now[:3, 3]):.2f} m")
