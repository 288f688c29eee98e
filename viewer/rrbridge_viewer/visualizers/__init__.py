"""Visualizers: functions that turn one entity's components into primitives. One small file each.

A module in this folder whose name has no leading underscore is a visualizer: adding the file is all there is to do.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rrbridge_viewer.visualizers._entity import (
    AnnotationClass,
    ComponentValue,
    EntityData,
    PinholeView,
    VideoSample,
)
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._registry import SceneBuilder, Space, Visualizer, Visualizers

__all__ = [
    "AnnotationClass",
    "ComponentValue",
    "EntityData",
    "PinholeView",
    "SceneBuilder",
    "Space",
    "VideoSample",
    "Visualizer",
    "Visualizers",
    "visualizers",
]

for _module in iter_modules(__path__):
    if not _module.name.startswith("_"):
        import_module(f"{__name__}.{_module.name}")
