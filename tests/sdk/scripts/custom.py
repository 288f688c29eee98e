"""Archetypes and components of one's own."""

import numpy as np
import pyarrow as pa
import rerun as rr


class ConfidenceBatch(rr.ComponentBatchMixin):
    def __init__(self, confidence):
        self.confidence = confidence

    def as_arrow_array(self):
        return pa.array(self.confidence, type=pa.float32())


class CustomPoints3D(rr.AsComponents):
    def __init__(self, positions, confidences):
        self.points3d = rr.Points3D(positions)
        self.confidences = ConfidenceBatch(confidences).described(
            rr.ComponentDescriptor(
                "user.CustomPoints3D:confidences", archetype="user.CustomPoints3D", component_type="user.Confidence"
            )
        )

    def as_component_batches(self):
        return [*self.points3d.as_component_batches(), self.confidences]


rr.log("a", CustomPoints3D([[1, 2, 3], [4, 5, 6]], [0.1, 0.9]))
rr.log("b", CustomPoints3D(np.zeros((3, 3)), np.ones(3)), static=True)
column = ConfidenceBatch([1, 2, 3, 4]).described(rr.ComponentDescriptor("conf")).partition([1, 3])
rr.send_columns("c", [rr.TimeColumn("t", sequence=[1, 2])], [column])
rr.send_columns("d", [rr.TimeColumn("t", sequence=[1, 2])], [rr.ComponentColumn("bare", ConfidenceBatch([5, 6]))])
