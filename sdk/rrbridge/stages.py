"""Stages: what messages become when earlier messages matter.

An adapter sees the messages in hand and nothing else. A stage has a memory: a value that it gets with each call, and gives
back changed for the next one::

    @adapters.stage("nav_msgs/msg/Odometry", start=0.0)
    def travelled(metres: float, msgs: Messages) -> tuple[float, Iterable[Emit]]:
        steps = ...
        so_far = metres + np.cumsum(steps)
        return float(so_far[-1]), [Emit(rr.Scalars.columns(scalars=so_far), at="travelled")]

It is called with the messages of its topics in order of log time, many at once, of one topic and type per call. A state must
not be changed but replaced: where a call fails, the one before it still holds. And a state must be bounded: it lives as long
as the recording, and may be asked to remember a year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge.columns import Columns, Emit
from rrbridge.importers import Note

if TYPE_CHECKING:
    from rrbridge.adapters import Skipped

__all__ = ["Emitted", "Messages", "Note", "SettleFunction", "Stage", "StageFunction", "Takes"]

Emitted: TypeAlias = "Iterable[Emit | Skipped | Note] | Iterable[Emit]"
"""What a stage gives out: rows, messages that it could not take, and what a person should know."""
StageFunction: TypeAlias = "Callable[[Any, Messages], tuple[Any, Emitted]]"
SettleFunction: TypeAlias = "Callable[[Any, int, bool], tuple[Any, Iterable[Emit]]]"


@dataclass(frozen=True, slots=True)
class Takes:
    """Messages that a stage wants."""

    msgtype: str
    """Such as `sensor_msgs/msg/JointState`, ROS 1 too."""
    topic: str = ""
    """A regular expression that the topic must match somewhere; empty: every topic."""
    first: bool = False
    """Give these before all others that are read together with them, whatever their times: for what is to be known, not
    to be followed (which frames `/tf` speaks of). Then they do not cut the others into small pieces."""
    needed: bool = False
    """Without messages like these the stage has nothing to do, so the others are not even collected."""
    wholly: bool = False
    """The stage is how this type is drawn, in the place of an adapter; so an adapter for the type turns the stage off for it."""

    def wants(self, topic: str, msgtype: str) -> bool:
        """Whether messages of that topic and type are wanted."""
        return msgtype == self.msgtype and (not self.topic or re.search(self.topic, topic) is not None)


@dataclass(frozen=True, eq=False, slots=True)
class Messages:
    """N messages of one topic and type, in order of log time."""

    topic: str
    columns: Columns
    """Their fields, as an adapter gets them."""
    log_time_nanos: npt.NDArray[np.int64]
    """Shape (N,), rising."""
    publish_time_nanos: npt.NDArray[np.int64]
    """Shape (N,)."""
    encoding: str = "cdr"
    """`cdr` for ROS 2, `ros1` …"""
    definitions: tuple[Path, ...] = ()
    """Folders that the user named for what recordings refer to: message definitions, `package://` files."""

    def __len__(self) -> int:
        return len(self.log_time_nanos)

    @property
    def msgtype(self) -> str:
        """Such as `sensor_msgs/msg/JointState`."""
        return self.columns._msgtype


def own_topic(topic: str) -> str:
    """Groups for a stage that looks at each topic by itself."""
    return topic


@dataclass(frozen=True, slots=True)
class Stage:
    """One registered stage."""

    function: StageFunction
    takes: tuple[Takes, ...]
    start: Any
    """The state before the first message."""
    group: Callable[[str], str] = own_topic
    """Topics for which this gives the same answer share a state; by default each has its own."""
    settle: SettleFunction | None = None
    """`settle(state, until_nanos, is_end)` is asked now and then, and at the end, for what is due up to then without a message
    having come: no message to come was logged before that time. Its emits bring their times with them; their paths
    are below the topic of the last message."""
    origin: str = field(default="")
    reference: bool = False
    """Whether it does what the reference importer does and nothing more: `--mapping reference` runs these, in place of others."""

    @property
    def name(self) -> str:
        """`module.function`."""
        own = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{self.origin}.{own}".lstrip(".")
