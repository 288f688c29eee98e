"""Points as shaded balls: single point sprites for many, proper balls with depth for few and large ones."""

from __future__ import annotations

import moderngl
import numpy as np

from rrbridge_viewer.render.drawables._drawing import Drawable, Drawing, draws, recentred
from rrbridge_viewer.render.geometry import broadcast
from rrbridge_viewer.render.gpu import Gpu, KeptBuffer
from rrbridge_viewer.render.primitives import F64, Points

__all__ = ["PointsDrawable"]

BALLS_BELOW = 5_000
"""Fewer points than this are drawn as balls with a round depth, which may be of any size; point sprites are cheaper but flat
and limited in size by the driver."""

_COMMON = """#version 330
uniform mat4 clip_from_entity;
uniform float pixels_per_unit;
uniform float pixels_per_point;
in vec3 position;
in float radius;
out vec4 point_color;
flat out uint instance;

float radius_in_px(vec4 clip) {
    float px = radius < 0.0 ? -radius * pixels_per_point : radius * pixels_per_unit / max(clip.w, 1e-9);
    return max(px, 0.75);
}
bool is_bad(vec3 p) { return any(isnan(p)) || any(isinf(p)); }
"""

_SPRITE_VERTEX = (
    _COMMON
    + """
in vec4 color;
void main() {
    vec4 clip = clip_from_entity * vec4(position, 1.0);
    gl_Position = is_bad(position) ? vec4(2.0, 2.0, 2.0, 1.0) : clip;
    gl_PointSize = min(2.0 * radius_in_px(clip), 255.0);
    point_color = color;
    instance = uint(gl_VertexID);
}
"""
)

_SHADE = """
const float RIM = 0.52;
vec3 shaded_ball(vec3 rgb, float from_center_squared) { return rgb * mix(RIM, 1.0, sqrt(1.0 - from_center_squared)); }
"""

_SPRITE_FRAGMENT = (
    """#version 330
in vec4 point_color;
flat in uint instance;
uniform bool is_shaded;
layout(location=0) out vec4 color;
"""
    + _SHADE
    + """
void main() {
    vec2 at = gl_PointCoord * 2.0 - 1.0;
    float r2 = dot(at, at);
    if (r2 > 1.0) discard;
    color = vec4(is_shaded ? shaded_ball(point_color.rgb, r2) : point_color.rgb, point_color.a);
}
"""
)

_SPRITE_PICK = """#version 330
in vec4 point_color;
flat in uint instance;
uniform uint entity;
uniform int only_instance;
layout(location=0) out uvec2 hit;
void main() {
    vec2 at = gl_PointCoord * 2.0 - 1.0;
    if (dot(at, at) > 1.0 || (only_instance >= 0 && instance != uint(only_instance))) discard;
    hit = uvec2(entity, instance + 1u);
}
"""

_BALL_VERTEX = (
    _COMMON
    + """
in vec4 color;
uniform vec2 viewport_px;
uniform vec4 to_eye;
out vec2 at;
flat out vec2 depth_middle_front;
flat out float edge_px;
void main() {
    vec4 clip = clip_from_entity * vec4(position, 1.0);
    float px = radius_in_px(clip);
    float reach = radius < 0.0 ? px * clip.w / pixels_per_unit : radius;
    vec3 toward = normalize(to_eye.xyz - to_eye.w * position);
    vec4 front = clip_from_entity * vec4(position + toward * reach, 1.0);
    float middle = clip.z / clip.w;
    depth_middle_front = vec2(middle, front.w > 0.0 ? min(front.z / front.w, middle) : middle) * 0.5 + 0.5;
    at = vec2((gl_VertexID & 1) * 2 - 1, (gl_VertexID & 2) - 1);
    edge_px = px;
    at *= (px + 1.0) / px;
    clip.xy += at * px * 2.0 / viewport_px * clip.w;
    gl_Position = is_bad(position) ? vec4(2.0, 2.0, 2.0, 1.0) : clip;
    point_color = color;
    instance = uint(gl_InstanceID);
}
"""
)

_BALL_FRAGMENT = (
    """#version 330
in vec4 point_color;
in vec2 at;
flat in uint instance;
flat in vec2 depth_middle_front;
flat in float edge_px;
uniform bool is_shaded;
layout(location=0) out vec4 color;
"""
    + _SHADE
    + """
void main() {
    float r2 = dot(at, at);
    float coverage = clamp((1.0 - sqrt(r2)) * edge_px + 0.5, 0.0, 1.0);
    if (coverage < 0.02) discard;
    r2 = min(r2, 1.0);
    gl_FragDepth = mix(depth_middle_front.x, depth_middle_front.y, sqrt(1.0 - r2));
    color = vec4(is_shaded ? shaded_ball(point_color.rgb, r2) : point_color.rgb, point_color.a * coverage);
}
"""
)

_BALL_PICK = """#version 330
in vec2 at;
flat in uint instance;
flat in vec2 depth_middle_front;
uniform uint entity;
uniform int only_instance;
layout(location=0) out uvec2 hit;
void main() {
    float r2 = dot(at, at);
    if (r2 > 1.0 || (only_instance >= 0 && instance != uint(only_instance))) discard;
    gl_FragDepth = mix(depth_middle_front.x, depth_middle_front.y, sqrt(1.0 - r2));
    hit = uvec2(entity, instance + 1u);
}
"""


@draws(Points)
class PointsDrawable(Drawable[Points]):
    """Positions, colours and radii in a buffer each, so that recolouring a cloud does not send its positions again."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu)
        self.positions = KeptBuffer(gpu)
        self.colors = KeptBuffer(gpu)
        self.radii = KeptBuffer(gpu)
        self.origin: F64 = np.zeros(3)
        self.count = 0
        self.primitive: Points | None = None
        self._arrays: dict[str, moderngl.VertexArray] = {}

    def update(self, primitive: Points) -> None:
        """Upload what changed."""
        self.primitive = primitive
        count = len(primitive.positions)

        def packed_positions() -> np.ndarray:
            local, self.origin = recentred(primitive.positions)
            return np.asarray(local, np.float32)

        replaced = self.positions.fill((primitive.positions,), packed_positions)
        replaced |= self.colors.fill(
            (primitive.colors, count), lambda: broadcast(np.asarray(primitive.colors, np.uint8), count)
        )
        replaced |= self.radii.fill(
            (primitive.radii, count), lambda: broadcast(np.asarray(primitive.radii, np.float32), count)
        )
        if replaced or count != self.count:
            self._drop_arrays()
        self.count = count

    @property
    def nbytes(self) -> int:
        """Of its largest buffer, the positions."""
        return 12 * self.count

    @property
    def as_balls(self) -> bool:
        """Whether there are few enough for balls."""
        return self.count < BALLS_BELOW

    def draw(self, drawing: Drawing) -> None:
        """Draw into the bound framebuffer."""
        if self.primitive is None or not self.count:
            return
        picking = drawing.entity is not None
        array = self._array(picking=picking)
        self.set_uniforms(array.program, drawing, self.primitive, self.origin, is_shaded=self.primitive.shaded)
        if self.as_balls:
            array.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self.count)
        else:
            array.render(moderngl.POINTS, vertices=self.count)

    def _array(self, *, picking: bool) -> moderngl.VertexArray:
        name = f"{'ball' if self.as_balls else 'sprite'} {'pick' if picking else 'color'}"
        if name not in self._arrays:
            vertex, color, pick = (
                (_BALL_VERTEX, _BALL_FRAGMENT, _BALL_PICK)
                if self.as_balls
                else (_SPRITE_VERTEX, _SPRITE_FRAGMENT, _SPRITE_PICK)
            )
            program = self.gpu.program(vertex, pick if picking else color)
            per = "/i" if self.as_balls else "/v"
            content = [
                (self.positions.buffer, f"3f{per}", "position"),
                (self.colors.buffer, f"4f1{per}", "color"),
                (self.radii.buffer, f"1f{per}", "radius"),
            ]
            self._arrays[name] = self.gpu.ctx.vertex_array(program, content, skip_errors=True)
        return self._arrays[name]

    def _drop_arrays(self) -> None:
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()

    def release(self) -> None:
        """Free the memory."""
        self._drop_arrays()
        for buffer in (self.positions, self.colors, self.radii):
            buffer.release()
