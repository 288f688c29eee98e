"""Convert a recording from Python: what `rrbridge convert field_log.mcap -t '^/imu|^/tf' -o imu.rrd` does.

Any kind of file that rrbridge opens will do: `.bag`, `.db3`, `.mcap`, a rosbag2 folder, `.rrd`.
"""

import re
from pathlib import Path

from rrbridge import importers
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdWriter

bag = Path("field_log.mcap")
summary = importers.info(bag)
print(f"{summary.format}, {sum(topic.count or 0 for topic in summary.topics)} messages")

options = ImportOptions(include=(re.compile("^/imu"), re.compile("^/tf")), robot="base-01")
with RrdWriter("imu.rrd") as recording:
    for message in importers.read(bag, options):
        recording.write(message)

print(f"wrote imu.rrd, {Path('imu.rrd').stat().st_size / 1000:.0f} kB")
