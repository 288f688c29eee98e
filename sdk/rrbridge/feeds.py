"""Recordings that arrive while one looks at them: a running robot, as chunks, with nothing written.

A feed is offered by the entry point group `rrbridge.feeds`, which names an object that follows `FeedSource`. rrbridge's own
one hears whatever `rrbridge record` hears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rrbridge import plugins
from rrbridge._messages import LogMessage
from rrbridge.errors import RrbridgeError
from rrbridge.importers import Note

__all__ = ["Feed", "FeedOptions", "FeedSource", "open_feed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """What to hear, and of whom."""

    topics: tuple[str, ...] = ()
    """Topics to take; with no pattern either, all that are not hidden."""
    regex: str | None = None
    """Take topics that match, too."""
    exclude: str | None = None
    """Leave out topics that match."""
    source: str | None = None
    """Which middleware and where, as `rrbridge record --from` takes it; None: the one that the environment speaks for."""
    ros_python: str | None = None
    """The Python to run a ROS client library under; None: that of the sourced set-up."""
    waiting_bytes: int = 128 << 20
    """How much may wait to be decoded; what does not fit is dropped, and told."""


class Feed(Protocol):
    """A robot that is being heard."""

    description: str
    """What it is connected to, for people: `rclpy (jazzy), rmw_fastrtps_cpp, domain 0`."""

    def messages(self, note: Callable[[Note], None]) -> Iterator[LogMessage]:
        """A recording as it arrives, its `StoreInfo` first; waits for it, and ends with the source or with `close`.

        `note` is called, from any thread, with what a person should know. Raises RrbridgeError when the source fails.
        """

    def close(self) -> None:
        """Hear no more; waits a few seconds at most for the source to let go. From any thread; safe to call twice."""


@runtime_checkable
class FeedSource(Protocol):
    """Opens feeds."""

    name: str

    def open(self, options: FeedOptions) -> Feed:
        """Connect. Raises RrbridgeError with a sentence that says what to do."""


def open_feed(options: FeedOptions) -> Feed:
    """Connect to a running robot. Raises RrbridgeError."""
    for plugin in plugins.load("rrbridge.feeds", FeedSource):
        source: FeedSource = plugin.value
        return source.open(options)
    raise RrbridgeError(
        "nothing that hears robots is installed: no entry point of the group rrbridge.feeds can be loaded"
    )
