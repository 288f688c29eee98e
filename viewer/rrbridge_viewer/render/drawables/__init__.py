"""What is drawn: one module per kind of primitive. A module in this folder registers its drawables when it is imported."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rrbridge_viewer.render.drawables._drawing import DRAWABLES, Drawable, Drawing

__all__ = ["DRAWABLES", "Drawable", "Drawing"]

for _module in iter_modules(__path__):
    if not _module.name.startswith("_"):
        import_module(f"{__name__}.{_module.name}")
