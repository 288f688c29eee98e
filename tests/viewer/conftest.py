"""A GL context without a screen, for tests that look at pictures."""

from __future__ import annotations

from collections.abc import Iterator

import moderngl
import pytest


@pytest.fixture(scope="session")
def _gl_context() -> Iterator[moderngl.Context]:
    context = moderngl.create_context(standalone=True, backend="egl", require=330)
    yield context
    context.release()


@pytest.fixture
def gl(_gl_context: moderngl.Context) -> Iterator[moderngl.Context]:
    """Current during the test, whatever contexts other tests have made current."""
    with _gl_context:
        yield _gl_context
