"""Component batches by hand."""

import rerun as rr

rr.log(
    "a",
    [
        rr.components.Position3DBatch([[1, 2, 3]]).described(rr.Points3D.descriptor_positions()),
        rr.components.RadiusBatch([1, 2]).described(rr.Points3D.descriptor_radii()),
    ],
)
rr.log("b", [rr.components.TextBatch(["x"]).described(rr.ComponentDescriptor("label").with_builtin_archetype("Mine"))])
rr.log(
    "c",
    [rr.components.ScalarBatch(4.5).described(rr.ComponentDescriptor("s", component_type="rerun.components.Scalar"))],
)
rr.send_columns("d", [rr.TimeColumn("t", sequence=[1, 2])], [rr.components.ScalarBatch([1, 2]).partition([1, 1])])
