"""Robot models: URDF files, by the names of the reference's `rerun.urdf`.

tree = UrdfTree.from_file_path("robot.urdf")
tree.log_urdf_to_recording()
rr.log("transforms", tree.get_joint_by_name("elbow").compute_transform(0.3))
"""

from __future__ import annotations

from rrbridge.urdf._joint import UrdfJoint as UrdfJoint
from rrbridge.urdf._joint import UrdfMimic as UrdfMimic
from rrbridge.urdf._model import UrdfLink as UrdfLink
from rrbridge.urdf._tree import UrdfTree as UrdfTree

__all__ = ["UrdfJoint", "UrdfLink", "UrdfMimic", "UrdfTree"]
