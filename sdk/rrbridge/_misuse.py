"""What happens when a logging call is misused: a warning at the caller's line, or an error in strict mode.

A robot must not stop because a label had the wrong type; a test should.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from rrbridge.errors import RrbridgeError, RrbridgeWarning

__all__ = ["caller_depth", "default_strict_mode", "set_strict_mode", "strict_mode", "warn_on_misuse"]

P = ParamSpec("P")
R = TypeVar("R")

_HERE = str(Path(__file__).parent)
_OURS = (_HERE, contextlib.__file__)


def default_strict_mode() -> bool:
    """Whether misuse raises unless a program says otherwise: what `RERUN_STRICT` in the environment says."""
    return os.environ.get("RERUN_STRICT", "").strip().lower() in ("1", "true", "yes", "on")


_strict = default_strict_mode()


def strict_mode() -> bool:
    """Whether misuse raises."""
    return _strict


def set_strict_mode(mode: bool) -> None:
    """Let misuse raise (True), or warn and go on (False, the default)."""
    global _strict  # one switch for the program, as the reference has it
    _strict = mode


@contextlib.contextmanager
def strict(mode: bool) -> Iterator[None]:
    """Strict mode for the length of a `with` block."""
    before = _strict
    set_strict_mode(mode)
    try:
        yield
    finally:
        set_strict_mode(before)


def caller_depth() -> int:
    """`stacklevel` for `warnings.warn` of the first frame outside this package."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        depth, frame = depth + 1, frame.f_back
    return depth


def warn_on_misuse(function: Callable[P, R]) -> Callable[P, R]:
    """Turn errors into warnings unless strict mode, or the call's own `strict=`, says otherwise."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as err:  # whatever a call is given, it must not stop a robot
            own = cast("bool | None", kwargs.get("strict"))
            if _strict if own is None else own:
                raise
            what = str(err) if isinstance(err, RrbridgeError) else f"{type(err).__name__}: {err}"
            warnings.warn(f"{function.__name__}: {what}; nothing was logged", RrbridgeWarning, caller_depth())
            return cast("R", None)

    return guarded
