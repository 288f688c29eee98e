"""Clouds of points, in every form that their fields take."""

import numpy as np
import rerun as rr

rng = np.random.default_rng(1)
rr.log("a", rr.Points3D(rng.normal(size=(20, 3)), radii=0.1, colors=[255, 0, 0]))
rr.log("b", rr.Points3D([[1, 2, 3], [4, 5, 6]], colors=[[1.0, 0.5, 0.0], [0.0, 0.25, 1.0]], labels=["a", "b"]))
rr.log("c", rr.Points3D([1, 2, 3], colors=0xFF00FFFF, class_ids=3, keypoint_ids=[1], show_labels=True))
rr.log("d", rr.Points3D(np.zeros((0, 3))))
rr.log("e", rr.Points3D([(1, 2, 3)], radii=rr.Radius.ui_points(4.0), colors=[rr.components.Color([1, 2, 3])]))
rr.log("f", rr.Points3D.from_fields(radii=[1, 2], clear_unset=True))
rr.log("f", rr.Points3D.cleared())
