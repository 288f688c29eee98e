"""Framebuffers: one that a view is drawn into, and a small one for picking."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np

from rrbridge_viewer.render.camera import Size
from rrbridge_viewer.render.gpu import Gpu

__all__ = ["PICK_WINDOW", "PickTarget", "Targets"]

PICK_WINDOW = 63
"""Pixels on a side that are drawn for picking: larger than the search, for sprites are dropped with their middle."""
PICK_REACH = 7
"""How far from the pointer something may be, in pixels."""


class Targets:
    """The framebuffer that a view is drawn into, with several samples per pixel where they are cheap."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu
        self.texture: moderngl.Texture | None = None
        self.plain: moderngl.Framebuffer | None = None
        self.smooth: moderngl.Framebuffer | None = None

    def begin(self, size_px: Size) -> moderngl.Framebuffer:
        """Bound and empty."""
        ctx, samples = self.gpu.ctx, self.gpu.samples
        if self.texture is None or self.plain is None or self.texture.size != size_px:
            self.release()
            self.texture = ctx.texture(size_px, 4)
            self.texture.filter = moderngl.LINEAR, moderngl.LINEAR
            self.texture.repeat_x = self.texture.repeat_y = False
            self.plain = ctx.framebuffer([self.texture], ctx.depth_renderbuffer(size_px))
            if samples:
                self.smooth = ctx.framebuffer(
                    [ctx.renderbuffer(size_px, 4, samples=samples)], ctx.depth_renderbuffer(size_px, samples=samples)
                )
        target = self.smooth or self.plain
        target.use()
        target.clear(0, 0, 0, 1, depth=1.0)
        return target

    def finish(self) -> moderngl.Texture:
        """The picture."""
        if self.smooth is not None and self.plain is not None:
            self.gpu.ctx.copy_framebuffer(self.plain, self.smooth)
        assert self.texture is not None
        return self.texture

    def release(self) -> None:
        """Free everything."""
        for target in (self.plain, self.smooth):
            if target is not None:
                _release_whole(target)
        self.plain = self.smooth = self.texture = None


class PickTarget:
    """A small framebuffer around the pointer, of entity and instance numbers."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu
        self.target: moderngl.Framebuffer | None = None

    def begin(self) -> None:
        """Bound and empty."""
        if self.target is None:
            size = (PICK_WINDOW, PICK_WINDOW)
            ctx = self.gpu.ctx
            self.target = ctx.framebuffer([ctx.texture(size, 2, dtype="u4")], ctx.depth_texture(size))
        self.target.use()
        self.target.clear(depth=1.0)
        self.gpu.ctx.disable(moderngl.BLEND)

    def nearest(self) -> tuple[int, int, float, int, int] | None:
        """`(entity, instance, depth, column, row)` of what is nearest to the middle."""
        assert self.target is not None
        shape = (PICK_WINDOW, PICK_WINDOW)
        ids = np.frombuffer(self.target.read(components=2, dtype="u4", alignment=1), np.uint32).reshape(*shape, 2)
        middle = PICK_WINDOW // 2
        rows, columns = np.nonzero(ids[..., 0])
        away = (rows - middle) ** 2 + (columns - middle) ** 2
        if not len(away) or away.min() > PICK_REACH**2:
            return None
        row, column = int(rows[away.argmin()]), int(columns[away.argmin()])
        depths = self.target.read(components=1, attachment=-1, dtype="f4", alignment=1)
        depth = np.frombuffer(depths, np.float32).reshape(shape)[row, column]
        entity, instance = ids[row, column]
        return int(entity), int(instance) - 1, float(depth), column, row

    def release(self) -> None:
        """Free everything."""
        if self.target is not None:
            _release_whole(self.target)
        self.target = None


def _release_whole(target: moderngl.Framebuffer) -> None:
    attachments: tuple[Any, ...] = (*target.color_attachments, target.depth_attachment)
    for attachment in attachments:
        if attachment is not None:
            attachment.release()
    target.release()
