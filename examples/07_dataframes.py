"""A field log as dataframes: topics aligned on one clock, a field of a message by its path, SQL.

Opens `field_log.mcap`; `.rrd`, `.bag`, `.db3`, rosbag2 folders and lists of them open the same way.
"""

import numpy as np

import rrbridge as rr

log = rr.open("field_log.mcap")

# Rows as they were logged, without lists around single values: pandas, polars or Arrow.
odometry = log.view(contents="/odom").plain_values()
x = "/odom:nav_msgs.msg.Odometry:message.pose.pose.position.x"
frame = odometry.select("message_log_time", x=x).to_pandas()
print(f"{len(frame)} odometry messages, x from {frame.x.min():.2f} to {frame.x.max():.2f} m")

# Where the robot was at each scan: several topics on one clock, interpolated, nothing older than 50 ms.
aligned = log.align("/scan", contents="/odom", method="linear", tolerance_nanos=50_000_000).plain_values()
at_scan = aligned.select("message_log_time", x=x).to_polars()
print(at_scan.head(3))

# The same without a clock that ticks: ten times a second.
span = log.time_range()
assert span is not None
ticks = np.arange(*span, 100_000_000)
filled = log.view(contents="/odom + /imu/data").using_index_values(ticks).fill_latest_at()
print(f"{filled.count_rows()} rows, {len(filled.schema())} columns")

# SQL over topics; each is a table with short names.
print(log.sql("select avg(scalars[6]) as upward_acceleration, count(*) as samples from imu_data"))
