"""What is behind a scene: a gradient, and in 3D a ground grid that fades towards the horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass

import moderngl
import numpy as np

from rrbridge_viewer.render.camera import Camera3D, Size, level_axes
from rrbridge_viewer.render.gpu import Gpu, set_uniforms

__all__ = ["Backdrop", "BackdropDrawable"]

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is behind the scene."""

    top: Rgb = (10, 12, 14)
    """sRGB at the upper edge."""
    bottom: Rgb = (16, 18, 21)
    grid: bool = False
    """A ground plane through the world's origin, in 3D; its cells are 1, 10, 100 … units as the distance asks."""
    grid_color: tuple[int, int, int, int] = (255, 255, 255, 70)
    axes: bool = True
    """The grid's lines through the origin in the colours of their axes."""


_GRADIENT_VERTEX = """#version 330
out float height;
void main() {
    vec2 at = vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1);
    height = at.y * 0.5 + 0.5;
    gl_Position = vec4(at, 0.0, 1.0);
}
"""

_GRADIENT_FRAGMENT = """#version 330
in float height;
uniform vec3 top;
uniform vec3 bottom;
layout(location=0) out vec4 color;
void main() {
    float dither = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    color = vec4(mix(bottom, top, clamp(height, 0.0, 1.0)) + dither / 255.0, 1.0);
}
"""

_GRID_VERTEX = """#version 330
uniform mat3 level_from_eye;
uniform vec2 tangent;
out vec3 ray;
void main() {
    vec2 at = vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1);
    ray = level_from_eye * vec3(at * tangent, -1.0);
    gl_Position = vec4(at, 0.0, 1.0);
}
"""

# The ray has depth 1, so the plane is hit at depth `t`, and an infinite projection's depth is 1 - near / t.
_GRID_FRAGMENT = """#version 330
in vec3 ray;
uniform float eye_height;
uniform vec2 eye_ground;
uniform vec2 eye_in_cells;
uniform float cell;
uniform float finer;
uniform float near;
uniform float fade;
uniform vec4 grid_color;
uniform bool has_axes;
layout(location=0) out vec4 color;

const float BEHIND = 1.004;  // what lies on the ground, as maps do, hides the grid

float lines(vec2 at, float width) {
    vec2 away = abs(fract(at - 0.5) - 0.5), per_px = fwidth(at);
    vec2 line = clamp(width + 0.5 - away / max(per_px, vec2(1e-9)), 0.0, 1.0);
    line *= 1.0 - smoothstep(0.15, 0.6, per_px);
    return max(line.x, line.y);
}

void main() {
    float t = -eye_height / ray.z;
    bool missed = !(t > near) || t > fade * 40.0;
    vec2 relative = ray.xy * t;
    vec2 at = relative / cell + eye_in_cells;
    float small = lines(at * 10.0, 0.25) * finer * 0.62;
    float middle = lines(at, 0.35) * mix(0.62, 0.85, finer);
    float large = lines(at / 10.0, 0.45) * 1.0;
    vec2 ground = relative + eye_ground;
    vec2 axis = abs(ground) / max(fwidth(ground), vec2(1e-9));
    if (missed) discard;
    float share = length(relative) / fade;
    float fading = exp(-share * share * 1.6);
    float strength = max(max(small, middle), large) * grid_color.a;
    vec3 rgb = grid_color.rgb;
    if (has_axes) {
        float on_x = clamp(1.5 - axis.y, 0.0, 1.0), on_y = clamp(1.5 - axis.x, 0.0, 1.0);
        if (on_x > 0.0 && on_x >= on_y) { rgb = mix(rgb, vec3(0.93, 0.33, 0.36), on_x); strength = max(strength, 0.65 * on_x); }
        else if (on_y > 0.0) { rgb = mix(rgb, vec3(0.47, 0.78, 0.32), on_y); strength = max(strength, 0.65 * on_y); }
    }
    color = vec4(rgb, strength * fading);
    if (color.a < 0.004) discard;
    gl_FragDepth = 1.0 - near / (t * BEHIND);
}
"""


class BackdropDrawable:
    """Draws backdrops."""

    def __init__(self, gpu: Gpu) -> None:
        gradient = gpu.program(_GRADIENT_VERTEX, _GRADIENT_FRAGMENT)
        grid = gpu.program(_GRID_VERTEX, _GRID_FRAGMENT)
        self.gradient = gpu.ctx.vertex_array(gradient, [])
        self.grid = gpu.ctx.vertex_array(grid, [])

    def draw_gradient(self, backdrop: Backdrop) -> None:
        """Fill the bound framebuffer."""
        top, bottom = (tuple(channel / 255 for channel in rgb) for rgb in (backdrop.top, backdrop.bottom))
        set_uniforms(self.gradient.program, top=top, bottom=bottom)
        self.gradient.render(moderngl.TRIANGLES, vertices=3)

    def draw_grid(self, backdrop: Backdrop, camera: Camera3D, size_px: Size) -> None:
        """Draw the ground over what is there already, where it is nearer."""
        level_from_world = np.array(level_axes(camera.up))
        eye = level_from_world @ camera.eye_in_world
        level_from_eye = level_from_world @ camera.eye_from_world[:3, :3].T
        tangent = math.tan(camera.vertical_fov / 2)
        decades = math.log10(max(camera.distance, 1e-6) / 12)
        cell = 10.0 ** math.ceil(decades)
        set_uniforms(
            self.grid.program,
            level_from_eye=level_from_eye,
            tangent=(tangent * size_px[0] / size_px[1], tangent),
            eye_height=float(eye[2]),
            eye_ground=eye[:2],
            eye_in_cells=np.mod(eye[:2] / cell, 100.0),
            cell=cell,
            finer=math.ceil(decades) - decades,
            near=camera.near,
            fade=max(camera.distance, abs(float(eye[2]))) * 6.0,
            grid_color=tuple(channel / 255 for channel in backdrop.grid_color),
            has_axes=backdrop.axes,
        )
        self.grid.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        """Free the vertex arrays."""
        self.gradient.release()
        self.grid.release()
