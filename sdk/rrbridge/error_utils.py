"""What happens on misuse, by the names of the reference's `rerun.error_utils`, for code around the SDK that does the same."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from rrbridge._misuse import caller_depth, strict_mode
from rrbridge._misuse import default_strict_mode as default_strict_mode
from rrbridge._misuse import set_strict_mode as set_strict_mode
from rrbridge.errors import MissingExtraError as RerunMissingDependencyError
from rrbridge.errors import RrbridgeWarning as RerunWarning

__all__ = [
    "RerunMissingDependencyError",
    "RerunWarning",
    "catch_and_log_exceptions",
    "default_strict_mode",
    "deprecated_param",
    "set_strict_mode",
    "strict_mode",
]

F = TypeVar("F", bound=Callable[..., Any])


class catch_and_log_exceptions:  # noqa: N801 - the reference's name
    """Turns errors into warnings at the caller's line unless in strict mode: for a `with` block, or as a decorator."""

    def __init__(
        self,
        context: str | None = None,
        *,
        depth_to_user_code: int = 1,  # noqa: ARG002 - the caller is found by its file
        exception_return_value: Any = None,
        strict: bool | None = None,
    ) -> None:
        """`context` names what failed, by default the function; `exception_return_value` is what it then returns."""
        self.context = context
        self.exception_return_value = exception_return_value
        self.strict = strict

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(err, Exception) or (strict_mode() if self.strict is None else self.strict):
            return False
        warnings.warn(f"{self.context or 'rrbridge'}: {type(err).__name__}({err})", RerunWarning, caller_depth())
        return True

    def __call__(self, function: F) -> F:
        """Guard a function; a call's own `strict=` decides over the rest."""

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            own = kwargs.get("strict")
            with catch_and_log_exceptions(
                self.context or function.__qualname__, strict=self.strict if own is None else own
            ):
                return function(*args, **kwargs)
            return self.exception_return_value

        return guarded  # type: ignore[return-value]  # it takes and returns what `function` does


def deprecated_param(name: str, *, use_instead: str | None = None, since: str | None = None) -> Callable[[F], F]:
    """A decorator: calls that give the parameter `name` warn that it is going to be removed."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def warned(*args: Any, **kwargs: Any) -> Any:
            if name in signature.bind_partial(*args, **kwargs).arguments:
                when = "" if since is None else f" since {since}"
                instead = "" if use_instead is None else f"; use `{use_instead}`"
                what = f"{function.__qualname__}: `{name}` is deprecated{when}{instead}"
                warnings.warn(what, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return warned  # type: ignore[return-value]  # it takes and returns what `function` does

    return decorate
