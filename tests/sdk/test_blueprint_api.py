"""Every public name and signature of `rerun.blueprint` is ours too, or stands in `blueprint_differences.toml`."""

from __future__ import annotations

import importlib
import inspect
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TABLE = tomllib.loads((Path(__file__).parent / "blueprint_differences.toml").read_text())
MODULES = (
    "api", "archetypes", "components", "containers", "encodings", "experimental", "table", "views", "visualizers",
)  # fmt: skip
INTERNAL = ("_override", "deferred_patch_class", "to_native")
"""Ends of names that the reference needs for itself."""


def _public(module: ModuleType) -> dict[str, Any]:
    """What a module defines or passes on of the package: types, functions, aliases of types."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and (name.endswith("Like") or (getattr(value, "__module__", None) or "").startswith("rerun"))
    }


def _parameters(value: Any) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(value).parameters.values() if p.name not in ("self", "args", "kwargs", "cls")]


def _takes_as_much(theirs: Any, ours: Any) -> bool:
    """Whether every call that fits theirs fits ours."""
    try:
        want, have = _parameters(theirs), _parameters(ours)
    except (TypeError, ValueError):
        return True  # written in another language, or made by `type`
    kinds = {p.kind for p in inspect.signature(ours).parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return True
    by_position = [p.name for p in want if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    own_by_position = [p.name for p in have if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    needed = {p.name for p in have if p.default is inspect.Parameter.empty} - {
        p.name for p in want if p.default is inspect.Parameter.empty
    }
    return (
        {p.name for p in want} <= {p.name for p in have}
        and own_by_position[: len(by_position)] == by_position
        and not needed
    )


def _differences_of(label: str, theirs: Any, ours: Any) -> set[str]:
    if label.endswith("Like"):
        return set()
    if not inspect.isclass(theirs):
        return set() if not callable(theirs) or _takes_as_much(theirs, ours) else {f"{label}()"}
    found = set() if _takes_as_much(theirs, ours) else {f"{label}()"}
    for name in dir(theirs):
        if name.startswith("_") or name.endswith(INTERNAL) or name in getattr(ours, "fields", ()):
            continue
        member = getattr(theirs, name)
        if not hasattr(ours, name):
            found.add(f"{label}.{name}")
        elif inspect.isroutine(member) and not _takes_as_much(member, getattr(ours, name)):
            found.add(f"{label}.{name}()")
    return found


@pytest.fixture(scope="module")
def differences() -> set[str]:
    pytest.importorskip("rerun")
    found: set[str] = set()
    for module in ("blueprint", *(f"blueprint.{name}" for name in MODULES)):
        theirs = importlib.import_module(f"rerun.{module}")
        try:
            ours = importlib.import_module(f"rrbridge.{module}")
        except ModuleNotFoundError:
            found.add(module)
            continue
        for name, value in _public(theirs).items():
            label = f"{module}.{name}"
            if hasattr(ours, name):
                found |= _differences_of(label, value, getattr(ours, name))
            else:
                found.add(label)
    return found


def test_the_table_says_exactly_what_differs(differences: set[str]) -> None:
    assert differences == {name for group in TABLE.values() for name in group["names"]}


def test_every_difference_has_a_reason() -> None:
    assert all(len(group["reason"]) > 20 for group in TABLE.values())
