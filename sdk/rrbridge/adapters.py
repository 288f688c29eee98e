"""The registry of message adapters: which function turns which message type into archetypes.

An adapter is a pure function over columns (`rrbridge.columns`)::

    adapters = Adapters()

    @adapters("my_robot/msg/Battery", carries=["cells"])
    def battery(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.Scalars.columns(scalars=msgs.voltage))

and a package offers it by an entry point `rrbridge.adapters` that names the `Adapters` object. What needs to remember earlier
messages is a stage, `adapters.stage` (`rrbridge.stages`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from rrbridge import plugins
from rrbridge.columns import Columns, Emit
from rrbridge.errors import PluginConflictError
from rrbridge.stages import SettleFunction, Stage, StageFunction, Takes, own_topic

__all__ = ["Adapter", "AdapterFunction", "Adapters", "Skipped"]


@dataclass(frozen=True, eq=False, slots=True)
class Skipped:
    """Messages of which an adapter cannot make what it should, wholly or in part. They are counted, and the reason is told.

    Not for messages that rightly become nothing: an empty list of markers, a camera without calibration.
    """

    rows: npt.NDArray[np.integer[Any]]
    """Index of each such message; more than once does no harm."""
    reason: str
    """A phrase, `the encoding weird is not known`; at best one for all messages of a kind, without numbers that vary."""


AdapterFunction: TypeAlias = Callable[[Columns], Iterator[Emit] | Iterator[Emit | Skipped]]
F = TypeVar("F", bound=AdapterFunction)
S = TypeVar("S", bound=StageFunction)


@dataclass(frozen=True, slots=True)
class Adapter:
    """One registered adapter."""

    function: AdapterFunction
    carries: frozenset[str]
    """Top-level fields whose bytes the adapter carries over whole (`data` of an image): left out of the message's fields.
    So each message must become at least one row; one that does not keeps its bytes, and counts as `Skipped`."""
    reference: bool
    """Whether the reference importer maps this type too; `--mapping reference` keeps only these."""
    origin: str = ""

    @property
    def name(self) -> str:
        """`module.function`."""
        return f"{self.origin}.{_name_of(self.function)}".lstrip(".")

    def __call__(self, msgs: Columns) -> Iterator[Emit | Skipped]:
        """Run it."""
        yield from self.function(msgs)


@dataclass
class Adapters:
    """Adapters by message type (`sensor_msgs/msg/Imu`), and stages."""

    by_type: dict[str, Adapter] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    """By name, `module.function`."""

    def __call__(
        self, *msgtypes: str, carries: Sequence[str] = (), reference: bool = False, replace: bool = False
    ) -> Callable[[F], F]:
        """Register the decorated function for these message types. Claiming a type twice needs `replace=True`."""

        def register(function: F) -> F:
            for msgtype in msgtypes:
                if msgtype in self.by_type and not replace:
                    raise PluginConflictError(
                        f"{msgtype} is adapted by {self.by_type[msgtype].name} already; pass replace=True to replace it"
                    )
                origin = str(getattr(function, "__module__", None) or "")
                self.by_type[msgtype] = Adapter(function, frozenset(carries), reference, origin)
            return function

        return register

    def stage(
        self,
        *takes: str | Takes,
        start: Any = None,
        group: Callable[[str], str] = own_topic,
        settle: SettleFunction | None = None,
    ) -> Callable[[S], S]:
        """Register the decorated function as a stage for these messages (`rrbridge.stages.Stage`)."""

        def register(function: S) -> S:
            origin = str(getattr(function, "__module__", None) or "")
            wanted = tuple(t if isinstance(t, Takes) else Takes(t) for t in takes)
            stage = Stage(function, wanted, start, group, settle, origin)
            if stage.name in self.stages:
                raise PluginConflictError(f"there is a stage {stage.name} already")
            self.stages[stage.name] = stage
            return function

        return register

    @classmethod
    def discover(cls) -> Adapters:
        """Every installed adapter and stage: rrbridge's first, then plug-ins', whose adapters may replace ours."""
        found: dict[str, Adapter] = {}
        stages: dict[str, Stage] = {}
        for plugin in plugins.load("rrbridge.adapters", cls):
            offered: Mapping[str, Adapter] = plugin.value.by_type
            found |= offered
            stages |= plugin.value.stages
        return cls(found, stages)


def _name_of(function: object) -> str:
    """A function's name, or the class of an object that can be called."""
    return str(getattr(function, "__name__", type(function).__name__))
