"""Outlines around what is selected or under the pointer."""

from __future__ import annotations

import moderngl

from rrbridge_viewer.render.camera import Size
from rrbridge_viewer.render.gpu import Gpu, set_uniforms

__all__ = ["HOVERED", "SELECTED", "Outlines"]

SELECTED, HOVERED = 1, 2
"""What the mask holds."""
SELECTED_RGB = (0.30, 0.56, 1.0)
HOVERED_RGB = (0.95, 0.96, 1.0)

_VERTEX = """#version 330
void main() { gl_Position = vec4((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1, 0.0, 1.0); }
"""

_FRAGMENT = """#version 330
uniform usampler2D mask;
uniform vec3 selected_rgb;
uniform vec3 hovered_rgb;
uniform float width_px;
layout(location=0) out vec4 color;

const vec2 RING[8] = vec2[](vec2(1.0, 0.0), vec2(0.7, 0.7), vec2(0.0, 1.0), vec2(-0.7, 0.7),
                            vec2(-1.0, 0.0), vec2(-0.7, -0.7), vec2(0.0, -1.0), vec2(0.7, -0.7));

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(mask, 0) - 1;
    uint found = 0u;
    float hits = 0.0;
    for (int tap = 0; tap < 8; tap++) {
        uint seen = texelFetch(mask, clamp(here + ivec2(round(RING[tap] * width_px)), ivec2(0), last), 0).r;
        found = max(found, seen);
        hits += seen != 0u ? 1.0 : 0.0;
    }
    if (found == 0u || texelFetch(mask, here, 0).r != 0u) discard;
    color = vec4(found == 2u ? hovered_rgb : selected_rgb, clamp(hits * 0.5, 0.0, 1.0));
}
"""


class Outlines:
    """A mask of who is highlighted, as large as the view, and the pass that draws around it."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu
        self.mask: moderngl.Framebuffer | None = None
        self.texture: moderngl.Texture | None = None
        self.array = gpu.ctx.vertex_array(gpu.program(_VERTEX, _FRAGMENT), [])

    def begin(self, size_px: Size) -> None:
        """Bind an empty mask, to draw highlighted entities into by their pick programs."""
        if self.texture is None or self.texture.size != size_px or self.mask is None:
            self._free()
            self.texture = self.gpu.ctx.texture(size_px, 2, dtype="u4")
            self.texture.filter = moderngl.NEAREST, moderngl.NEAREST
            self.mask = self.gpu.ctx.framebuffer([self.texture])
        self.mask.use()
        self.mask.clear()

    def draw(self, *, width_px: float) -> None:
        """Draw outlines of what the mask holds into the bound framebuffer."""
        if self.texture is None:
            return
        self.texture.use(0)
        set_uniforms(self.array.program, mask=0, width_px=width_px, selected_rgb=SELECTED_RGB, hovered_rgb=HOVERED_RGB)
        self.array.render(moderngl.TRIANGLES, vertices=3)

    def _free(self) -> None:
        if self.mask is not None:
            self.mask.release()
        if self.texture is not None:
            self.texture.release()

    def release(self) -> None:
        """Free the mask."""
        self._free()
        self.array.release()
        self.mask = self.texture = None
