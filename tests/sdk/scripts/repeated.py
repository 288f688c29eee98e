"""The same component, or timeline, several times in one call."""

import rerun as rr

rr.set_strict_mode(False)
index = [rr.TimeColumn("t", sequence=[1, 2])]
columns = rr.Points3D.columns(positions=[[1, 2, 3], [4, 5, 6]])
others = rr.Points3D.columns(positions=[[7, 8, 9], [0, 0, 1]], radii=[1, 2])
rr.send_columns("columns", index, [*columns, *others])
rr.send_columns("timelines", [*index, rr.TimeColumn("t", sequence=[5, 6])], columns)
rr.log("names", rr.AnyValues(x=1), [rr.AnyBatchValue(rr.ComponentDescriptor("x", archetype="Other"), [2.5])])
rr.set_strict_mode(True)
try:
    rr.log("strict", rr.Points3D([1, 2, 3]), rr.Points3D([4, 5, 6], radii=1))
except ValueError:
    rr.log("strict", rr.TextLog("refused"))
