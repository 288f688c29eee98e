"""Modules of single types, `rrbridge.components.color`: the reference has one for every type, and programs import from them.

There are no such files here. A finder, asked after all others, makes the module out of the package: the type, its batch
and what annotations call its values.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["TypeModules"]

_PACKAGES = frozenset(
    f"rrbridge.{name}"
    for name in (
        "archetypes",
        "components",
        "encodings",
        "blueprint.archetypes",
        "blueprint.components",
        "blueprint.encodings",
        "blueprint.views",
    )
)
_SUFFIXES = ("", "Batch", "Like", "ArrayLike")


class _Package(ModuleType):
    """A package whose own code does not see the modules of types: `encodings.bool` would hide Python's `bool` from it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(getattr(value, "__loader__", None), TypeModules):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if (found := sys.modules.get(f"{self.__name__}.{name}")) is not None:
            return found
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


class TypeModules:
    """Finds the module of a type by its name in small letters: `line_strips3d` is that of `LineStrips3D`.

    A finder and a loader by what it can do; the classes of `importlib.abc` would load a lot.
    """

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        package, _, tail = fullname.rpartition(".")
        loader: Any = self
        return ModuleSpec(fullname, loader) if package in _PACKAGES and _type_name(package, tail) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The usual kind, in a package that is not changed by it."""
        package = sys.modules[spec.name.rpartition(".")[0]]
        if type(package) is ModuleType:
            package.__class__ = _Package
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill it with what the package has."""
        package, _, tail = module.__name__.rpartition(".")
        home, name = import_module(package), _type_name(package, tail)
        module.__doc__ = f"`{name}`, as `{package}` has it."
        for suffix in _SUFFIXES:
            if (found := getattr(home, f"{name}{suffix}", None)) is not None:
                setattr(module, f"{name}{suffix}", found)


def _type_name(package: str, tail: str) -> str | None:
    wanted = tail.replace("_", "")
    names = (name.removesuffix("Like") for name in dir(sys.modules[package]) if not name.startswith("_"))
    return next((name for name in names if name.lower() == wanted and not name.islower()), None)
