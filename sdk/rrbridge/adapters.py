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
from typing import TypeAlias, TypeVar

from rrbridge import plugins
from rrbridge.columns import Columns, Emit
from rrbridge.errors import PluginConflictError

__all__ = ["Adapter", "AdapterFunction", "Adapters"]

AdapterFunction: TypeAlias = Callable[[Columns], Iterator[Emit]]
F = TypeVar("F", bound=AdapterFunction)


@dataclass(frozen=True, slots=True)
class Adapter:
    """One registered adapter."""

    function: AdapterFunction
    carries: frozenset[str]
    """Top-level fields whose bytes the adapter carries over whole (`data` of an image): left out of the message's fields."""
    reference: bool
    """Whether the reference importer maps this type too; `--mapping reference` keeps only these."""
    origin: str = ""

    def __call__(self, msgs: Columns) -> Iterator[Emit]:
        """Run it."""
        return self.function(msgs)


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
                    other = self.by_type[msgtype].function.__qualname__
                    raise PluginConflictError(
                        f"{msgtype} is adapted by {other} already; pass replace=True to replace it"
                    )
                self.by_type[msgtype] = Adapter(function, frozenset(carries), reference, function.__module__)
            return function

        return register

    @classmethod
    def discover(cls) -> Adapters:
        """Every installed adapter: rrbridge's first, then plug-ins', which may replace ours."""
        found: dict[str, Adapter] = {}
        for plugin in plugins.load("rrbridge.adapters"):
            offered: Mapping[str, Adapter] = plugin.value.by_type
            found |= offered
        return cls(found)
