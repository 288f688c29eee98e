"""Meshes with normals, colours and textures."""

import numpy as np
import rerun as rr

positions = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
rr.log(
    "a",
    rr.Mesh3D(
        vertex_positions=positions, vertex_normals=[0.0, 0.0, 1.0], vertex_colors=[0x0000FFFF, 0x00FF00FF, 0xFF0000FF]
    ),
)
rr.log(
    "b", rr.Mesh3D(vertex_positions=positions, triangle_indices=[2, 1, 0], albedo_factor=[32, 64, 96], class_ids=[5])
)
texture = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
rr.log("c", rr.Mesh3D(vertex_positions=positions, vertex_texcoords=[[0, 0], [1, 0], [0, 1]], albedo_texture=texture))
rr.log("c", rr.Mesh3D.from_fields(vertex_positions=[positions[0], positions[0], positions[1]]))
rr.log("d", rr.Mesh3D(vertex_positions=positions, face_rendering=rr.components.MeshFaceRendering.Front))
