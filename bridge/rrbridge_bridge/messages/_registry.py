"""The registry that this folder fills; the entry point `rrbridge.adapters` names it."""

from rrbridge.adapters import Adapters

__all__ = ["adapters"]

adapters = Adapters()
