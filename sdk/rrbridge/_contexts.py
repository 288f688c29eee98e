"""Decorators that say which recording a function logs to."""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

from rrbridge import _active
from rrbridge._process import rerun_shutdown
from rrbridge._recording import RecordingStream

__all__ = ["recording_stream_generator_ctx", "shutdown_at_exit", "thread_local_stream"]

F = TypeVar("F", bound=Callable[..., Any])


def thread_local_stream(application_id: str) -> Callable[[F], F]:
    """Give each call of the function a recording of its own. A generator has it while it runs, not while it waits."""

    def decorate(function: F) -> F:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                stream = RecordingStream(application_id, recording_id=uuid.uuid4())
                generator = function(*args, **kwargs)
                sent = None
                try:
                    while True:
                        with stream:
                            try:
                                value = generator.send(sent)
                            except StopIteration as end:
                                return end.value
                        sent = yield value
                finally:
                    generator.close()

            return cast("F", generate)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with RecordingStream(application_id, recording_id=uuid.uuid4()):
                return function(*args, **kwargs)

        return cast("F", call)

    return decorate


def recording_stream_generator_ctx(func: F) -> F:
    """Let a generator hold `with recording:` over a `yield` without its caller logging to that recording meanwhile."""
    if not inspect.isgeneratorfunction(func):
        return func

    @functools.wraps(func)
    def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = func(*args, **kwargs)
        outside = _active.stack()
        inside = outside
        sent = None
        try:
            while True:
                outside = _active.replace_stack(inside)
                try:
                    value = generator.send(sent)
                except StopIteration as end:
                    return end.value
                finally:
                    inside = _active.replace_stack(outside)
                sent = yield value
        finally:
            outside = _active.replace_stack(inside)
            generator.close()
            _active.replace_stack(outside)

    return cast("F", generate)


def shutdown_at_exit(func: F) -> F:
    """Finish all recordings when the function returns: for child processes that end without their exit handlers."""

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        finally:
            rerun_shutdown()

    return cast("F", call)
