"""Points in pixels."""

import rerun as rr

rr.log("a", rr.Points2D([[1, 2], [3, 4]], radii=[1, 2], colors=[(255, 0, 0, 128), (0, 255, 0, 255)], draw_order=2))
rr.log("b", rr.Points2D([1, 2], labels=7, class_ids=[1], keypoint_ids=2, show_labels=False))
