"""A session that hears what another hears, and looks at it, or changes it, on the way to the recorder."""

from __future__ import annotations

from collections.abc import Iterator

from rrbridge_bridge.live.source import Event, LiveSession

__all__ = ["WrappedSession"]


class WrappedSession:
    """Passes everything on; what is built on it overrides what it changes."""

    def __init__(self, inner: LiveSession) -> None:
        self._inner = inner
        self.description = inner.description

    @property
    def silent_secs(self) -> float:
        """As the inner session says."""
        return self._inner.silent_secs

    def events(self) -> Iterator[Event]:
        """What the inner session says."""
        yield from self._inner.events()

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Ask for a topic."""
        self._inner.subscribe(topic, msgtype)

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._inner.stop()

    def close(self) -> None:
        """End now."""
        self._inner.close()
