"""Every public name and signature of the reference is ours too, or stands in `api_differences.toml` with the reason."""

from __future__ import annotations

import importlib
import inspect
import tomllib
import warnings
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

TABLE = tomllib.loads((Path(__file__).parent / "api_differences.toml").read_text())
MODULES = (
    "", "any_batch_value", "any_value", "archetypes", "auth", "blueprint", "blueprint.archetypes",
    "blueprint.components", "blueprint.views", "catalog", "chunk", "components", "dynamic_archetype", "encodings",
    "error_utils", "experimental", "notebook", "recording_stream", "server", "sinks", "time", "urdf", "utilities", "web",
)  # fmt: skip
INTERNAL = ("_override", "deferred_patch_class")
"""Ends of names that the reference needs for itself."""


def _public(module: Any) -> dict[str, Any]:
    """Names that the module means to offer: its own, those of the package, and constants."""
    found = {}
    for name in getattr(module, "__all__", None) or dir(module):
        value = getattr(module, name)
        if name.startswith("_") or inspect.ismodule(value):
            continue
        home = getattr(value, "__module__", None) or ""
        if home.startswith("rerun") or (name.isupper() and not callable(value)):
            found[name] = value
    return found


def _parameters(value: Any) -> list[inspect.Parameter] | None:
    try:
        return [
            p for p in inspect.signature(value).parameters.values() if p.name not in ("self", "args", "kwargs", "cls")
        ]
    except (TypeError, ValueError):
        return None


def _signature_fits(theirs: Any, ours: Any) -> bool:
    """Whether every call that fits theirs fits ours: the same names, and the same order of those without one."""
    want, have = _parameters(theirs), _parameters(ours)
    if want is None or have is None:
        return True
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in inspect.signature(ours).parameters.values()):
        return True
    if {p.name for p in want} - {p.name for p in have}:
        return False
    positional = [p.name for p in want if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    return [p.name for p in have if p.kind is not inspect.Parameter.KEYWORD_ONLY][: len(positional)] == positional


def differences() -> set[str]:
    """`module.name` that is missing, `module.name()` whose signature differs, and the same of classes' members."""
    found: set[str] = set()
    for name in MODULES:
        theirs = importlib.import_module(f"rerun.{name}".rstrip("."))
        try:
            ours = importlib.import_module(f"rrbridge.{name}".rstrip("."))
        except ModuleNotFoundError:
            found.add(f"{name}.*")
            continue
        for item, value in _public(theirs).items():
            label = f"{name}.{item}".lstrip(".")
            if not hasattr(ours, item):
                found.add(label)
                continue
            own = getattr(ours, item)
            is_type_alias = item.endswith(("Like", "Batch", "Type"))
            if callable(value) and not is_type_alias and not _signature_fits(value, own):
                found.add(f"{label}()")
            if name == "" and inspect.isclass(value):
                members = [m for m in dir(value) if not m.startswith("_") and not m.endswith(INTERNAL)]
                members = [m for m in members if m not in getattr(own, "fields", ())]
                found |= {f"{label}.{m}" for m in members if not hasattr(own, m)}
                found |= {
                    f"{label}.{m}()"
                    for m in members
                    if callable(getattr(value, m))
                    and hasattr(own, m)
                    and not _signature_fits(getattr(value, m), getattr(own, m))
                }
    return found


@pytest.fixture(scope="module")
def found() -> set[str]:
    pytest.importorskip("rerun")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the reference's own modules warn when they are imported
        return differences()


def test_what_differs_stands_in_the_table(found: set[str]) -> None:
    listed = [name for group in TABLE.values() for name in group["names"]]
    assert {name for name in found if not any(fnmatch(name, pattern) for pattern in listed)} == set()


def test_the_table_holds_nothing_that_is_there(found: set[str]) -> None:
    for key, group in TABLE.items():
        assert [p for p in group["names"] if not any(fnmatch(name, p) for name in found)] == [], key


def test_every_group_has_a_reason() -> None:
    assert all(len(group["reason"]) > 20 for group in TABLE.values())
