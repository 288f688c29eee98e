"""What the drawables share: the GL context, its abilities, compiled programs, and buffers that remember what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

__all__ = ["Gpu", "KeptBuffer", "KeptTexture", "set_uniforms"]

SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "SwiftShader")
MAX_SAMPLES = 4
STORAGE_GUARANTEED = 1 << 27
"""By OpenGL 4.3, where the driver does not say."""


@dataclass
class Gpu:
    """One GL context, current while anything here is used."""

    ctx: moderngl.Context
    smooth: bool | None = None
    """Whether edges are smoothed; None: where that is cheap. A picture for keeping may ask for it anywhere."""
    uploads: int = 0
    """How many arrays were sent to the GPU so far."""
    uploaded_bytes: int = 0
    programs: dict[tuple[str, str], moderngl.Program] = field(default_factory=dict)
    compute_shaders: dict[str, moderngl.ComputeShader] = field(default_factory=dict)
    shapes: dict[str, tuple[moderngl.Buffer, moderngl.Buffer]] = field(default_factory=dict)
    """Vertices and triangles of the unit shapes, uploaded once."""

    @property
    def is_software(self) -> bool:
        """Whether a CPU does the drawing."""
        return any(name in self.ctx.info["GL_RENDERER"] for name in SOFTWARE_RENDERERS)

    @property
    def can_compute(self) -> bool:
        """Whether there are compute shaders with image atomics (GL 4.3)."""
        return bool(self.ctx.version_code >= 430)

    @cached_property
    def largest_texture(self) -> int:
        """Pixels on a side."""
        return int(self.ctx.info["GL_MAX_TEXTURE_SIZE"])

    @cached_property
    def largest_storage(self) -> int:
        """Bytes of one buffer that a compute shader may read."""
        return int(self.ctx.info.get("GL_MAX_SHADER_STORAGE_BLOCK_SIZE", 0)) or STORAGE_GUARANTEED

    @property
    def samples(self) -> int:
        """Samples per pixel for smooth edges; 0 on a CPU, where they cost as much as the whole picture."""
        wanted = not self.is_software if self.smooth is None else self.smooth
        return min(MAX_SAMPLES, int(self.ctx.max_samples)) if wanted else 0

    def program(self, vertex_shader: str, fragment_shader: str) -> moderngl.Program:
        """Compiled once."""
        sources = vertex_shader, fragment_shader
        if sources not in self.programs:
            self.programs[sources] = self.ctx.program(vertex_shader=vertex_shader, fragment_shader=fragment_shader)
        return self.programs[sources]

    def compute_shader(self, source: str) -> moderngl.ComputeShader:
        """Compiled once."""
        if source not in self.compute_shaders:
            self.compute_shaders[source] = self.ctx.compute_shader(source)
        return self.compute_shaders[source]

    def release(self) -> None:
        """Free programs and shapes."""
        for program in self.programs.values():
            program.release()
        for shader in self.compute_shaders.values():
            shader.release()
        for buffers in self.shapes.values():
            for buffer in buffers:
                buffer.release()
        self.programs.clear()
        self.compute_shaders.clear()
        self.shapes.clear()


class KeptBuffer:
    """A GPU buffer that remembers which arrays it was filled from."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu
        self.buffer: moderngl.Buffer | None = None
        self._sources: tuple[object, ...] = ()

    def fill(self, sources: tuple[object, ...], pack: Callable[[], npt.NDArray[Any]]) -> bool:
        """Upload `pack()` if any source is another object than last time. Whether there is a new buffer object.

        The sources are held, so that an identity cannot be given to another array while it counts.
        """
        if len(sources) == len(self._sources) and all(map(_is_same, sources, self._sources)):
            return False
        self._sources = sources
        data = np.ascontiguousarray(pack())
        self.gpu.uploads += 1
        self.gpu.uploaded_bytes += data.nbytes
        if self.buffer is not None and self.buffer.size == data.nbytes:
            self.buffer.write(data)
            return False
        if self.buffer is not None:
            self.buffer.release()
        self.buffer = self.gpu.ctx.buffer(data) if data.nbytes else self.gpu.ctx.buffer(reserve=16)
        return True

    def release(self) -> None:
        """Free it."""
        if self.buffer is not None:
            self.buffer.release()
        self.buffer, self._sources = None, ()


class KeptTexture:
    """A texture that remembers which array it was filled from."""

    DTYPES = {"uint8": "f1", "uint16": "nu2", "float32": "f4"}  # noqa: RUF012 - a constant table

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu
        self.texture: moderngl.Texture | None = None
        self._source: object = None

    def fill(self, pixels: npt.NDArray[Any], *, as_row: bool = False) -> moderngl.Texture:
        """The texture of (h, w, channels) or (h, w) pixels: u8 and u16 are read as 0..1, f32 as they are.

        `as_row` makes one row of an array (w, channels). What is larger than the driver allows is thinned out.
        """
        if self.texture is not None and pixels is self._source:
            return self.texture
        self._source = pixels
        shaped = pixels[None] if as_row else pixels
        step = -(-max(shaped.shape[:2]) // self.gpu.largest_texture)
        data = np.ascontiguousarray(shaped[::step, ::step])
        height, width = data.shape[:2]
        channels = data.shape[2] if data.ndim == 3 else 1
        dtype = self.DTYPES[str(data.dtype)]
        self.gpu.uploads += 1
        self.gpu.uploaded_bytes += data.nbytes
        old = self.texture
        if old is not None and (old.size, old.components, old.dtype) == ((width, height), channels, dtype):
            old.write(data, alignment=1)
            return old
        if old is not None:
            old.release()
        self.texture = self.gpu.ctx.texture((width, height), channels, data, alignment=1, dtype=dtype)
        self.texture.repeat_x = self.texture.repeat_y = False
        return self.texture

    def release(self) -> None:
        """Free it."""
        if self.texture is not None:
            self.texture.release()
        self.texture = self._source = None


def _is_same(a: object, b: object) -> bool:
    return a is b or (isinstance(a, int) and a == b)


def set_uniforms(
    program: moderngl.Program | moderngl.ComputeShader,
    **values: npt.NDArray[Any] | float | Sequence[float],
) -> None:
    """Set those uniforms that the program really has. A matrix is given as numpy writes it, row by row."""
    for name, value in values.items():
        uniform = program.get(name, None)
        if not isinstance(uniform, moderngl.Uniform):
            continue
        if isinstance(value, np.ndarray) and value.ndim == 2:
            uniform.write(np.ascontiguousarray(value.T, np.float32).tobytes())
        else:
            uniform.value = tuple(value) if isinstance(value, np.ndarray) else value
