"""The visualizers that rrbridge brings, offered by its own entry point `rrbridge.visualizers`."""

from rrbridge_viewer.visualizers._registry import Visualizers

__all__ = ["visualizers"]

visualizers = Visualizers()
