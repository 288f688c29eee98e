"""What `rrbridge.blueprint.encodings` was called before. Deprecated, as in the reference."""

from __future__ import annotations

import warnings
from typing import Any

from rrbridge._misuse import caller_depth
from rrbridge.blueprint import encodings

warnings.warn(
    "`rrbridge.blueprint.datatypes` is now `rrbridge.blueprint.encodings`", DeprecationWarning, caller_depth()
)


def __getattr__(name: str) -> Any:
    return getattr(encodings, name)


def __dir__() -> list[str]:
    return dir(encodings)
