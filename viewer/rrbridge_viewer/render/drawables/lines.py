"""Line strips as smooth ribbons that face the screen, with arrow heads if wanted."""

from __future__ import annotations

import moderngl
import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.drawables._drawing import Drawable, Drawing, draws, recentred
from rrbridge_viewer.render.geometry import broadcast
from rrbridge_viewer.render.gpu import Gpu, KeptBuffer
from rrbridge_viewer.render.primitives import F64, Lines

__all__ = ["LinesDrawable"]

SEGMENT = np.dtype(
    [("a", "<f4", 3), ("b", "<f4", 3), ("color", "u1", 4), ("radius", "<f4"), ("id", "<u4"), ("head", "<f4")]
)
SEGMENT_FORMAT = "3f 3f 4f1 1f 1u 1f /i"
SEGMENT_NAMES = ("a", "b", "color", "radius", "id", "head")
QUAD_VERTICES = 6
ARROW_VERTICES = 9

_VERTEX = """#version 330
uniform mat4 clip_from_entity;
uniform vec2 viewport_px;
uniform float pixels_per_unit;
uniform float pixels_per_point;
uniform float nearer;
uniform float near;
uniform float grow_px;
in vec3 a;
in vec3 b;
in vec4 color;
in float radius;
in uint id;
in float head;
out vec4 line_color;
flat out uint instance;
out vec3 across_w;
flat out float length_px;
flat out float is_head;

const float HEAD_LENGTH = 7.0, HEAD_WIDTH = 2.6, MIN_HEAD_PX = 7.0;

float half_width(vec4 clip) {
    float px = radius < 0.0 ? -radius * pixels_per_point : radius * pixels_per_unit / max(clip.w, 1e-9);
    return max(px, 0.5) + grow_px;
}

void main() {
    line_color = color;
    instance = id;
    bool strange = any(isnan(a)) || any(isnan(b)) || any(isinf(a)) || any(isinf(b));
    vec4 start = clip_from_entity * vec4(a, 1.0), end = clip_from_entity * vec4(b, 1.0);
    if (strange || (start.w < near && end.w < near)) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
    if (start.w < near) start = mix(start, end, (near - start.w) / (end.w - start.w));
    if (end.w < near) end = mix(end, start, (near - end.w) / (start.w - end.w));

    vec2 start_px = start.xy / start.w * viewport_px * 0.5, end_px = end.xy / end.w * viewport_px * 0.5;
    vec2 along = end_px - start_px;
    length_px = length(along);
    along = length_px > 1e-4 ? along / length_px : vec2(1.0, 0.0);
    vec2 at_px;
    float half_px;
    vec2 across = vec2(-along.y, along.x);

    float head_half = half_width(end);
    float head_px = min(max(head_half * HEAD_LENGTH, MIN_HEAD_PX), length_px * 0.6) * head;
    is_head = gl_VertexID >= 6 ? 1.0 : 0.0;
    vec4 clip;
    vec2 shift;
    if (gl_VertexID < 6) {
        int corner = gl_VertexID < 3 ? gl_VertexID : gl_VertexID - 2;
        bool at_end = corner >= 2;
        float side = (corner & 1) == 0 ? 1.0 : -1.0;
        clip = at_end ? end : start;
        half_px = half_width(clip);
        float reach = half_px + 1.0;
        float overshoot = at_end ? (head > 0.5 ? -head_px * 0.7 : reach) : -reach;
        if (head > 0.5 && !at_end) overshoot = 0.0;
        shift = along * overshoot + across * side * reach;
        at_px = vec2((at_end ? length_px : 0.0) + overshoot, side * reach);
        if (head > 0.5) length_px = 1e9;
    } else {
        int corner = gl_VertexID - 6;
        clip = end;
        half_px = 0.0;
        float wide = max(head_half * HEAD_WIDTH, head_px * 0.36);
        shift = corner == 0 ? vec2(0.0) : -along * head_px + across * (corner == 1 ? wide : -wide);
        at_px = vec2(0.0);
        if (head < 0.5) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
    }
    clip.xy += shift * 2.0 / viewport_px * clip.w;
    clip.z -= nearer;
    gl_Position = clip;
    across_w = vec3(at_px, half_px) * clip.w;
}
"""

_COVERAGE = """
in vec4 line_color;
flat in uint instance;
in vec3 across_w;
flat in float length_px;
flat in float is_head;

vec2 at_px;
float half_px;

// Lengths in pixels are linear on the screen, so they were multiplied by w; `noperspective` is not exact on every driver.
float coverage() {
    at_px = across_w.xy * gl_FragCoord.w;
    half_px = across_w.z * gl_FragCoord.w;
    if (is_head > 0.5) return 1.0;
    float beyond = max(max(-at_px.x, at_px.x - length_px), 0.0);
    return clamp(half_px + 0.5 - length(vec2(beyond, at_px.y)), 0.0, 1.0);
}
"""

_FRAGMENT = (
    "#version 330\nlayout(location=0) out vec4 color;\n"
    + _COVERAGE
    + """
void main() {
    float covered = coverage();
    if (covered < 0.02) discard;
    float across = half_px > 2.5 ? clamp(at_px.y / half_px, -1.0, 1.0) : 0.0;
    vec3 rgb = line_color.rgb * mix(0.62, 1.0, sqrt(1.0 - across * across));
    color = vec4(rgb, line_color.a * covered);
}
"""
)

_PICK = (
    "#version 330\nlayout(location=0) out uvec2 hit;\nuniform uint entity;\nuniform int only_instance;\n"
    + _COVERAGE
    + """
void main() {
    if (coverage() < 0.3 || (only_instance >= 0 && instance != uint(only_instance))) discard;
    hit = uvec2(entity, instance + 1u);
}
"""
)


@draws(Lines)
class LinesDrawable(Drawable[Lines]):
    """One ribbon per segment, in one buffer."""

    transparent = True
    order = 1

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu)
        self.segments = KeptBuffer(gpu)
        self.origin: F64 = np.zeros(3)
        self.count = 0
        self.primitive: Lines | None = None
        self._arrays: dict[bool, moderngl.VertexArray] = {}

    def update(self, primitive: Lines) -> None:
        """Upload what changed."""
        self.primitive = primitive
        sources = (
            primitive.positions,
            primitive.offsets,
            primitive.colors,
            primitive.radii,
            primitive.instance_ids,
            primitive.arrow_heads,
        )

        def packed() -> npt.NDArray[np.void]:
            found, self.origin = segments(primitive)
            self.count = len(found)
            return found

        if self.segments.fill(sources, packed):
            for array in self._arrays.values():
                array.release()
            self._arrays.clear()

    def draw(self, drawing: Drawing) -> None:
        """Draw into the bound framebuffer."""
        if self.primitive is None or not self.count:
            return
        picking = drawing.entity is not None
        if picking not in self._arrays:
            program = self.gpu.program(_VERTEX, _PICK if picking else _FRAGMENT)
            content = [(self.segments.buffer, SEGMENT_FORMAT, *SEGMENT_NAMES)]
            self._arrays[picking] = self.gpu.ctx.vertex_array(program, content, skip_errors=True)
        array = self._arrays[picking]
        grow_px = 1.0 if picking and drawing.only_instance < 0 else 0.0
        self.set_uniforms(array.program, drawing, self.primitive, self.origin, grow_px=grow_px)
        vertices = ARROW_VERTICES if self.primitive.arrow_heads else QUAD_VERTICES
        array.render(moderngl.TRIANGLES, vertices=vertices, instances=self.count)

    def release(self) -> None:
        """Free the memory."""
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()
        self.segments.release()


def segments(lines: Lines) -> tuple[npt.NDArray[np.void], F64]:
    """The segments of all strips, packed for the GPU, and the origin (3,) that they are relative to."""
    offsets = np.asarray(lines.offsets, np.int64)
    strips = len(offsets) - 1
    positions, origin = recentred(lines.positions)
    lengths = np.diff(offsets)
    strip_of = np.repeat(np.arange(strips), np.maximum(lengths - 1, 0))
    first = np.repeat(offsets[:-1], np.maximum(lengths - 1, 0))
    number = np.arange(len(strip_of)) - np.repeat(
        np.cumsum(np.maximum(lengths - 1, 0)) - np.maximum(lengths - 1, 0), np.maximum(lengths - 1, 0)
    )
    start = first + number
    packed = np.zeros(len(strip_of), SEGMENT)
    packed["a"] = positions[start]
    packed["b"] = positions[start + 1]
    packed["color"] = broadcast(lines.colors, strips)[strip_of]
    packed["radius"] = broadcast(lines.radii, strips)[strip_of]
    packed["id"] = strip_of if lines.instance_ids is None else lines.instance_ids[strip_of]
    if lines.arrow_heads:
        packed["head"] = start + 2 == offsets[strip_of + 1]
    return packed, origin
