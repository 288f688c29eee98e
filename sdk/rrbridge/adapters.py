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

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
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


class Adapters:
    """Adapters by message type (`sensor_msgs/msg/Imu`), and stages."""

    def __init__(
        self, by_type: Mapping[str, Adapter] | None = None, *, modules: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`modules` fill the registry when they are imported, which is done when a type of their package is asked for.

        They are named by package, `{"sensor_msgs": ["my_robot.images", "my_robot.imu"]}`; a stage's by each that it takes.
        """
        self._adapters = dict(by_type or {})
        self._stages: dict[str, Stage] = {}
        self._modules = dict(modules or {})
        self._layers: tuple[Adapters, ...] = ()

    @property
    def by_type(self) -> Mapping[str, Adapter]:
        """Every adapter; imports all modules."""
        self._load(*self._modules)
        return {k: v for layer in self._layers for k, v in layer.by_type.items()} | self._adapters

    @property
    def stages(self) -> Mapping[str, Stage]:
        """Every stage by its name, `module.function`; imports all modules."""
        self._load(*self._modules)
        return {k: v for layer in self._layers for k, v in layer.stages.items()} | self._stages

    def find(self, msgtype: str) -> Adapter | None:
        """The adapter of a type."""
        self._load(_package(msgtype))
        found = (layer.find(msgtype) for layer in reversed(self._layers))
        return self._adapters.get(msgtype) or next(filter(None, found), None)

    def stages_of(self, msgtype: str) -> list[Stage]:
        """The stages that take messages of a type, on whatever topics."""
        self._load(_package(msgtype))
        found = [stage for layer in self._layers for stage in layer.stages_of(msgtype)]
        return found + [s for s in self._stages.values() if any(takes.msgtype == msgtype for takes in s.takes)]

    def _load(self, *packages: str) -> None:
        for package in packages:
            for module in self._modules.pop(package, ()):
                import_module(module)

    def __call__(
        self, *msgtypes: str, carries: Sequence[str] = (), reference: bool = False, replace: bool = False
    ) -> Callable[[F], F]:
        """Register the decorated function for these message types. Claiming a type twice needs `replace=True`."""

        def register(function: F) -> F:
            for msgtype in msgtypes:
                if msgtype in self._adapters and not replace:
                    raise PluginConflictError(
                        f"{msgtype} is adapted by {self._adapters[msgtype].name} already; pass replace=True to replace it"
                    )
                origin = str(getattr(function, "__module__", None) or "")
                self._adapters[msgtype] = Adapter(function, frozenset(carries), reference, origin)
            return function

        return register

    def stage(
        self,
        *takes: str | Takes,
        start: Any = None,
        group: Callable[[str], str] = own_topic,
        settle: SettleFunction | None = None,
        reference: bool = False,
    ) -> Callable[[S], S]:
        """Register the decorated function as a stage for these messages (`rrbridge.stages.Stage`)."""

        def register(function: S) -> S:
            origin = str(getattr(function, "__module__", None) or "")
            wanted = tuple(t if isinstance(t, Takes) else Takes(t) for t in takes)
            stage = Stage(function, wanted, start, group, settle, origin, reference)
            if stage.name in self._stages:
                raise PluginConflictError(f"there is a stage {stage.name} already")
            self._stages[stage.name] = stage
            return function

        return register

    @classmethod
    def discover(cls) -> Adapters:
        """Every installed adapter and stage: rrbridge's first, then plug-ins', whose adapters may replace ours."""
        found = cls()
        found._layers = tuple(plugin.value for plugin in plugins.load("rrbridge.adapters", cls))
        return found


def _package(msgtype: str) -> str:
    """`sensor_msgs` of `sensor_msgs/msg/Imu`, `foxglove` of `foxglove.Grid`."""
    return re.split("[/.]", msgtype, maxsplit=1)[0]


def _name_of(function: object) -> str:
    """A function's name, or the class of an object that can be called."""
    return str(getattr(function, "__name__", type(function).__name__))
