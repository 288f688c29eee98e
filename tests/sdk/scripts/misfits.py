"""Values that do not fit are logged empty beside those that do, and the program goes on."""

import warnings

import numpy as np
import rerun as rr

misfits = rr.RecordingStream("scripts", recording_id="other", send_properties=False)
misfits.save("misfits.rrd")
before = rr.get_global_data_recording()
rr.set_global_data_recording(None)  # else the reference's warnings go there
rr.set_strict_mode(False)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    misfits.log("points", rr.Points3D([[1, 2, 3]], colors="red", labels=["a"]))
    misfits.log("points", rr.Points3D("nonsense", radii=1))
    misfits.log("points", rr.Points3D([[1, 2]]))
    misfits.log("points", rr.Points3D([[1, 2, 3]], class_ids=-1))
    misfits.log("scalar", rr.Scalars("abc"))
    misfits.log("update", rr.Transform3D(translation=[1, 2]))
    misfits.log("update", rr.Points2D.from_fields(positions=[[1, 2]], colors=[np.array("x")]))
    misfits.log("mesh", rr.Mesh3D(vertex_positions=np.eye(3), triangle_indices=[0, 1]))
    misfits.log("arrows", rr.Arrows3D(vectors=[[1, 0, 0]], origins=[[0, 0]]))
    misfits.log("poses", rr.InstancePoses3D(translations=[[1, 2, 3]], scales=[[1, 2]]))
    misfits.log("boxes", rr.Boxes3D(half_sizes=[1, 1, 1], fill_mode="no such mode"))
    misfits.set_time("kind", sequence=1)
    misfits.log("times", rr.Scalars(1))
    misfits.set_time("kind", duration=2)
    misfits.log("times", rr.Scalars(2))
misfits.disconnect()
rr.set_strict_mode(True)
rr.set_global_data_recording(before)
rr.log("strips", rr.LineStrips3D([[], [[1, 2, 3]]]))
