"""Pictures: pixels on a parallelogram, as they are or through a colour map."""

from __future__ import annotations

import moderngl
import numpy as np

from rrbridge_viewer.render.drawables._drawing import Drawable, Drawing, draws, is_transparent
from rrbridge_viewer.render.gpu import Gpu, KeptTexture
from rrbridge_viewer.render.primitives import Colors, Picture

__all__ = ["PictureDrawable"]

GREY: Colors = np.stack([np.arange(256)] * 3 + [np.full(256, 255)], axis=1).astype(np.uint8)
STORED_ONE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""What a texture reads as 1."""

_VERTEX = """#version 330
uniform mat4 clip_from_entity;
uniform vec3 corner;
uniform vec3 across;
uniform vec3 down;
out vec2 at;
void main() {
    at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = clip_from_entity * vec4(corner + at.x * across + at.y * down, 1.0);
}
"""

_FRAGMENT = """#version 330
in vec2 at;
uniform sampler2D pixels;
uniform sampler2D colormap;
uniform vec2 size;
uniform float stored_one;
uniform vec2 value_range;
uniform bool is_colored;
uniform bool is_indexed;
uniform float opacity;
layout(location=0) out vec4 color;

vec4 shown(vec2 where) {
    vec4 read = texture(pixels, where);
    if (is_colored) return read;
    float value = read.r * stored_one;
    int count = textureSize(colormap, 0).x;
    if (is_indexed) return texelFetch(colormap, ivec2(clamp(int(value + 0.5), 0, count - 1), 0), 0);
    if (isnan(value)) return vec4(0.0);
    float share = clamp((value - value_range.x) / (value_range.y - value_range.x), 0.0, 1.0);
    return texture(colormap, vec2((share * float(count - 1) + 0.5) / float(count), 0.5));
}

void main() {
    vec2 right = dFdx(at), up = dFdy(at);
    vec4 mixed;
    if (!is_indexed && max(length(right * size), length(up * size)) > 1.2) {
        mixed = 0.25 * (shown(at + 0.125 * right + 0.375 * up) + shown(at - 0.125 * right - 0.375 * up)
                      + shown(at + 0.375 * right - 0.125 * up) + shown(at - 0.375 * right + 0.125 * up));
    } else {
        mixed = shown(at);
    }
    color = vec4(mixed.rgb, mixed.a * opacity);
    if (color.a < 0.004) discard;
}
"""

_PICK = """#version 330
in vec2 at;
uniform vec2 size;
uniform uint entity;
uniform int only_instance;
layout(location=0) out uvec2 hit;
void main() {
    ivec2 pixel = clamp(ivec2(at * size), ivec2(0), ivec2(size) - 1);
    uint instance = uint(pixel.y) * uint(size.x) + uint(pixel.x);
    hit = uvec2(entity, instance + 1u);
}
"""


@draws(Picture)
class PictureDrawable(Drawable[Picture]):
    """A texture, and another one for the colours of values. A pixel's instance is row × width + column."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__(gpu)
        self.pixels = KeptTexture(gpu)
        self.colormap = KeptTexture(gpu)
        self.primitive: Picture | None = None
        self._arrays: dict[bool, moderngl.VertexArray] = {}

    def update(self, primitive: Picture) -> None:
        """Upload what changed."""
        self.primitive = primitive
        if not primitive.pixels.size:
            return
        texture = self.pixels.fill(primitive.pixels)
        magnified = moderngl.LINEAR if primitive.smooth and not primitive.indexed else moderngl.NEAREST
        texture.filter = (moderngl.NEAREST if primitive.indexed else moderngl.LINEAR, magnified)
        if primitive.pixels.ndim == 2:
            colors = GREY if primitive.colormap is None else primitive.colormap
            self.colormap.fill(colors, as_row=True)
        else:
            colors = primitive.pixels[:: max(1, len(primitive.pixels) // 64)].reshape(-1, 4)
        self.transparent = primitive.opacity < 1 or is_transparent(colors)

    def draw(self, drawing: Drawing) -> None:
        """Draw into the bound framebuffer."""
        picture = self.primitive
        if picture is None or self.pixels.texture is None or not picture.pixels.size:
            return
        picking = drawing.entity is not None
        if picking not in self._arrays:
            program = self.gpu.program(_VERTEX, _PICK if picking else _FRAGMENT)
            self._arrays[picking] = self.gpu.ctx.vertex_array(program, [])
        array = self._arrays[picking]
        self.pixels.texture.use(0)
        if self.colormap.texture is not None:
            self.colormap.texture.use(1)
        height, width = picture.pixels.shape[:2]
        low, high = picture.value_range
        self.set_uniforms(
            array.program,
            drawing,
            picture,
            np.zeros(3),
            corner=picture.corner,
            across=picture.across,
            down=picture.down,
            pixels=0,
            colormap=1,
            size=(float(width), float(height)),
            stored_one=STORED_ONE[str(picture.pixels.dtype)],
            value_range=(low, high if high != low else low + 1.0),
            is_colored=picture.pixels.ndim == 3,
            is_indexed=picture.indexed,
            opacity=picture.opacity,
        )
        array.render(moderngl.TRIANGLE_STRIP, vertices=4)

    def release(self) -> None:
        """Free the memory."""
        for array in self._arrays.values():
            array.release()
        self._arrays.clear()
        self.pixels.release()
        self.colormap.release()
