"""The registry of message adapters: which function turns which message type into archetypes.

An adapter is a pure function over columns (`rrbridge.columns`)::

    adapters = Adapters()

    @adapters("my_robot/msg/Battery", carries=["cells"])
    def battery(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.Scalars.columns(scalars=msgs.voltage))

and a package offers it by an entry point `rrbridge.adapters` that names the `Adapters` object.
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
    """Adapters by message type (`sensor_msgs/msg/Imu`)."""

    by_type: dict[str, Adapter] = field(default_factory=dict)

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

    @classmethod
    def discover(cls) -> Adapters:
        """Every installed adapter: rrbridge's first, then plug-ins', which may replace ours."""
        found: dict[str, Adapter] = {}
        for plugin in plugins.load("rrbridge.adapters", cls):
            offered: Mapping[str, Adapter] = plugin.value.by_type
            found |= offered
        return cls(found)


def _name_of(function: object) -> str:
    """A function's name, or the class of an object that can be called."""
    return str(getattr(function, "__name__", type(function).__name__))
