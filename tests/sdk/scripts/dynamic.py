"""Archetypes made at run time."""

import pyarrow as pa
import rerun as rr

rr.log("a", rr.DynamicArchetype(archetype="my_archetype", components={"confidence": [1.2, 3.4], "text": "x"}))
rr.log(
    "b",
    rr.DynamicArchetype("colors", components={"c": rr.components.ColorBatch([1, 2])}).with_component_from_data("n", 3),
)
rr.log(
    "c",
    rr.DynamicArchetype("typed").with_component_override(
        "p", "rerun.components.Position3D", pa.array([[1.0, 2.0, 3.0]], pa.list_(pa.float32(), 3))
    ),
)
rr.log("d", [rr.DescribedComponentBatch(rr.AnyBatchValue("x", [1, 2]), rr.ComponentDescriptor("x"))])
