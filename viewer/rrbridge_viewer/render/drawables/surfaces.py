"""Lit surfaces: meshes, and the many copies of a unit shape that boxes, ellipsoids and cylinders are."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.drawables._drawing import PICK_FRAGMENT, Drawable, Drawing, draws, is_transparent
from rrbridge_viewer.render.geometry import broadcast, unit_shape
from rrbridge_viewer.render.gpu import Gpu, KeptBuffer, KeptTexture
from rrbridge_viewer.render.primitives import F32, Mesh, Primitive, Solids, SolidShape

__all__ = ["MeshDrawable", "SolidsDrawable"]

INSTANCE = np.dtype([("pose", "<f4", (3, 4)), ("color", "u1", 4), ("id", "<u4")])
INSTANCE_FORMAT = "4f 4f 4f 4f1 1u /i"
INSTANCE_NAMES = ("pose_x", "pose_y", "pose_z", "instance_color", "id")
VERTEX = np.dtype([("position", "<f4", 3), ("normal", "<f4", 3), ("color", "u1", 4), ("texcoord", "<f4", 2)])
VERTEX_FORMAT = "3f 3f 4f1 2f"
VERTEX_NAMES = ("position", "normal", "color", "texcoord")
NO_POSE: F32 = np.eye(4, dtype=np.float32)[None, :3]
FACES = {"both": 0, "front": 1, "back": -1}

_VERTEX = """#version 330
uniform mat4 clip_from_entity;
uniform mat3 eye_from_entity;
in vec3 position;
in vec3 normal;
in vec4 color;
in vec2 texcoord;
in vec4 pose_x;
in vec4 pose_y;
in vec4 pose_z;
in vec4 instance_color;
in uint id;
out vec3 normal_in_eye;
out vec4 surface_color;
out vec2 surface_texcoord;
flat out uint instance;

void main() {
    vec4 local = vec4(position, 1.0);
    vec3 placed = vec3(dot(pose_x, local), dot(pose_y, local), dot(pose_z, local));
    gl_Position = clip_from_entity * vec4(placed, 1.0);
    mat3 linear = transpose(mat3(pose_x.xyz, pose_y.xyz, pose_z.xyz));
    mat3 cofactor = mat3(cross(linear[1], linear[2]), cross(linear[2], linear[0]), cross(linear[0], linear[1]));
    if (dot(linear[0], cofactor[0]) < 0.0) cofactor = -cofactor;
    normal_in_eye = eye_from_entity * (cofactor * normal);
    surface_color = color * instance_color;
    surface_texcoord = texcoord;
    instance = id;
}
"""

_FRAGMENT = """#version 330
in vec3 normal_in_eye;
in vec4 surface_color;
in vec2 surface_texcoord;
uniform sampler2D albedo_texture;
uniform bool is_textured;
uniform vec4 albedo;
uniform int faces;
layout(location=0) out vec4 color;

const vec3 KEY = vec3(0.32, 0.55, 0.77);
const vec3 FILL = vec3(-0.75, 0.1, 0.65);

void main() {
    if (faces != 0 && gl_FrontFacing != (faces > 0)) discard;
    vec4 base = surface_color * albedo;
    if (is_textured) base *= texture(albedo_texture, surface_texcoord);
    if (base.a < 0.004) discard;
    float size = length(normal_in_eye);
    vec3 n = size > 0.0 ? normal_in_eye / size : vec3(0.0, 0.0, 1.0);
    if (n.z < 0.0) n = -n;
    float light = 0.36 + 0.56 * max(dot(n, KEY), 0.0) + 0.16 * max(dot(n, FILL), 0.0);
    float shine = 0.10 * pow(max(dot(n, normalize(KEY + vec3(0.0, 0.0, 1.0))), 0.0), 40.0);
    color = vec4(min(base.rgb * light + shine, vec3(1.0)), base.a);
}
"""


class _Surface(Drawable[Any]):
    """Vertex arrays over vertices, triangles and instances."""

    writes_depth = False

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu)
        self.instances = KeptBuffer(gpu)
        self.count = 0
        self.primitive: Primitive | None = None
        self._arrays: dict[bool, moderngl.VertexArray] = {}

    def fill_instances(
        self, sources: tuple[object, ...], poses: F32, colors: npt.NDArray[np.uint8], ids: npt.NDArray[np.uint32] | None
    ) -> bool:
        """Upload the copies; whether the vertex arrays must be made anew."""

        def packed() -> npt.NDArray[np.void]:
            found = np.zeros(len(poses), INSTANCE)
            found["pose"] = poses
            found["color"] = broadcast(colors, len(poses))
            found["id"] = np.arange(len(poses)) if ids is None else ids
            return found

        self.count = len(poses)
        return self.instances.fill(sources, packed)

    def drop_arrays(self) -> None:
        """Forget vertex arrays over buffers that are no more."""
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()

    def array(self, vertices: Any, triangles: Any, *, picking: bool) -> moderngl.VertexArray:
        """The vertex array for colours or for picking."""
        if picking not in self._arrays:
            program = self.gpu.program(_VERTEX, PICK_FRAGMENT if picking else _FRAGMENT)
            content = [
                (vertices, VERTEX_FORMAT, *VERTEX_NAMES),
                (self.instances.buffer, INSTANCE_FORMAT, *INSTANCE_NAMES),
            ]
            self._arrays[picking] = self.gpu.ctx.vertex_array(program, content, triangles, skip_errors=True)
        return self._arrays[picking]

    def release(self) -> None:
        """Free the memory."""
        self.drop_arrays()
        self.instances.release()


@draws(Solids)
class SolidsDrawable(_Surface):
    """Instances of a unit shape that all scenes share."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu)
        self.shape: SolidShape | None = None

    def update(self, primitive: Solids) -> None:
        """Upload what changed."""
        self.primitive = primitive
        sources = primitive.poses, primitive.colors, primitive.instance_ids
        replaced = self.fill_instances(sources, primitive.poses, primitive.colors, primitive.instance_ids)
        if replaced or primitive.shape != self.shape:
            self.drop_arrays()
        self.shape = primitive.shape
        self.transparent = is_transparent(primitive.colors)

    def draw(self, drawing: Drawing) -> None:
        """Draw into the bound framebuffer."""
        if self.primitive is None or self.shape is None or not self.count:
            return
        array = self.array(*_shared_shape(self.gpu, self.shape), picking=drawing.entity is not None)
        self.set_uniforms(
            array.program, drawing, self.primitive, np.zeros(3), albedo=(1.0,) * 4, faces=0, is_textured=False
        )
        array.render(moderngl.TRIANGLES, instances=self.count)


@draws(Mesh)
class MeshDrawable(_Surface):
    """Vertices, triangles and a texture of its own."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu)
        self.vertices = KeptBuffer(gpu)
        self.triangles = KeptBuffer(gpu)
        self.texture = KeptTexture(gpu)

    def update(self, primitive: Mesh) -> None:
        """Upload what changed."""
        self.primitive = primitive
        shown = primitive.vertices, primitive.normals, primitive.colors, primitive.texcoords

        def packed_vertices() -> npt.NDArray[np.void]:
            found = np.zeros(len(primitive.vertices), VERTEX)
            found["position"] = primitive.vertices
            found["normal"] = primitive.normals
            found["color"] = broadcast(primitive.colors, len(found))
            if primitive.texcoords is not None:
                found["texcoord"] = primitive.texcoords
            return found

        poses = NO_POSE if primitive.poses is None else primitive.poses
        replaced = self.vertices.fill(shown, packed_vertices)
        replaced |= self.triangles.fill((primitive.triangles,), lambda: np.asarray(primitive.triangles, np.uint32))
        replaced |= self.fill_instances((poses,), poses, np.full((1, 4), 255, np.uint8), None)
        if replaced:
            self.drop_arrays()
        if primitive.texture is not None:
            texture = self.texture.fill(primitive.texture)
            texture.repeat_x = texture.repeat_y = True
        self.transparent = primitive.albedo[3] < 1 or is_transparent(primitive.colors)

    def draw(self, drawing: Drawing) -> None:
        """Draw into the bound framebuffer."""
        mesh = self.primitive
        if not isinstance(mesh, Mesh) or not self.count or not len(mesh.triangles):
            return
        array = self.array(self.vertices.buffer, self.triangles.buffer, picking=drawing.entity is not None)
        textured = mesh.texture is not None and mesh.texcoords is not None
        if textured and self.texture.texture is not None:
            self.texture.texture.use(0)
        self.set_uniforms(
            array.program,
            drawing,
            mesh,
            np.zeros(3),
            albedo=mesh.albedo,
            faces=FACES[mesh.faces],
            is_textured=textured,
            albedo_texture=0,
        )
        array.render(moderngl.TRIANGLES, instances=self.count)

    def release(self) -> None:
        """Free the memory."""
        super().release()
        self.vertices.release()
        self.triangles.release()
        self.texture.release()


def _shared_shape(gpu: Gpu, shape: SolidShape) -> tuple[moderngl.Buffer, moderngl.Buffer]:
    if shape not in gpu.shapes:
        positions, normals, triangles = unit_shape(shape)
        vertices = np.zeros(len(positions), VERTEX)
        vertices["position"], vertices["normal"], vertices["color"] = positions, normals, 255
        gpu.shapes[shape] = gpu.ctx.buffer(vertices), gpu.ctx.buffer(triangles)
    return gpu.shapes[shape]
