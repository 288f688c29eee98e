"""Every public name, signature and member of the reference is ours too, or stands in `api_differences.toml` with the reason."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import pydoc
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rrbridge as rr

TABLE = tomllib.loads((Path(__file__).parent / "api_differences.toml").read_text())
INTERNAL = ("_override", "deferred_patch_class")
"""Ends of names that the reference needs for itself."""
FOR_ITSELF = ("T", "TYPE_CHECKING", "UTC")
"""What modules import, or make, only to be written with."""
NO_ALIASES = ("Like", "Type")
Parameter = inspect.Parameter


def _modules() -> Iterator[str]:
    """The public modules of the reference, without its name; those of one type each as well."""
    reference = importlib.import_module("rerun")
    yield ""
    for found in pkgutil.walk_packages(reference.__path__, "rerun.", onerror=lambda _: None):
        name = found.name.removeprefix("rerun.")
        if not any(part.startswith("_") for part in name.split(".")) and not name.endswith("_ext"):
            yield name


def _public(module: ModuleType) -> dict[str, Any]:
    """Names that a module means to offer: its own, those of the package, constants, and types for annotations."""
    found = {}
    for name in getattr(module, "__all__", None) or dir(module):
        try:
            value = getattr(module, name, None)
        except ImportError:
            continue  # it needs what is not installed
        if name.startswith("_") or name in FOR_ITSELF or inspect.ismodule(value):
            continue
        home = getattr(value, "__module__", None) or ""
        if home.startswith("rerun") or name.endswith("Like") or (name.isupper() and not callable(value)):
            found[name] = value
    return found


def _parameters(value: Any, fields: Any = None) -> list[Parameter] | None:
    """What a call may give. `fields` stand for the `**kwargs` of an archetype's generic methods."""
    try:
        given = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return None  # written in another language, or made by `type`
    found = [p for p in given if p.name not in ("self", "cls")]
    if fields and any(p.kind is Parameter.VAR_KEYWORD for p in found):
        named = [p for p in found if p.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)]
        return named + [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in fields]
    return found


def _same_default(theirs: Any, ours: Any) -> bool:
    if theirs is Parameter.empty or ours is Parameter.empty:
        return theirs is Parameter.empty
    alike = type(theirs).__name__.strip("_") == type(ours).__name__.strip("_")
    return bool(theirs == ours) or (alike and " object at " in repr(theirs)) or (theirs == [] and ours == ())


def signature_differs(theirs: Any, ours: Any, fields: Any = None, *, bound: bool = False) -> bool:
    """Whether some call that fits theirs does not fit ours, or means something else there."""
    want, have = _parameters(theirs), _parameters(ours, fields)
    if want is None or have is None:
        return False
    if bound and want and want[0].name == "recording":
        want = want[1:]  # the reference binds functions of a recording to its class: this is then the object
    named = {p.name: p for p in have}
    takes_any = any(p.kind is Parameter.VAR_POSITIONAL for p in have)
    by_position = [p.name for p in want if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    own_by_position = [p.name for p in have if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    if own_by_position[: len(by_position)] != by_position and not takes_any:
        return True
    for parameter in want:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            if parameter.name != "args" and not takes_any:
                return True
        elif parameter.kind is not Parameter.VAR_KEYWORD:
            mine = named.get(parameter.name)
            if mine is None or not _same_default(parameter.default, mine.default):
                return True
    return any(
        p.default is Parameter.empty and p.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
        for p in have
        if p.name not in {q.name for q in want}
    )


def _has(cls: type, member: str) -> bool:
    """Whether objects of a class have it: by the class, or as an annotated or slotted attribute."""
    annotated = (getattr(base, "__annotations__", {}) for base in cls.__mro__)
    return hasattr(cls, member) or any(member in names for names in annotated)


def _class_differences(label: str, theirs: type, ours: type) -> Iterator[str]:
    fields = getattr(ours, "fields", ())
    attributes = {a.name for a in getattr(theirs, "__attrs_attrs__", ())}
    for member in sorted(set(dir(theirs)) | attributes):
        if member.startswith("_") or member.endswith(INTERNAL) or member in fields:
            continue
        if not _has(ours, member):
            yield f"{label}.{member}"
            continue
        method = getattr(theirs, member, None)
        if not callable(method) or inspect.isclass(method):
            continue
        if signature_differs(method, getattr(ours, member), fields, bound=True):
            yield f"{label}.{member}()"


def differences() -> set[str]:
    """`module.name` that is missing, `module.name()` whose signature differs, and the same of classes' members."""
    found: set[str] = set()
    seen = set()
    for name in _modules():
        try:
            theirs = importlib.import_module(f"rerun.{name}".rstrip("."))
        except ImportError:
            continue  # it needs what is not installed
        if any(fnmatch(f"{name}.", pattern) for pattern in _left_out()):
            found.add(f"{name}.*")
            continue
        try:
            ours = importlib.import_module(f"rrbridge.{name}".rstrip("."))
        except ModuleNotFoundError:
            found.update(f"{name}.{item}" for item in _public(theirs))
            continue
        for item, value in _public(theirs).items():
            label = f"{name}.{item}".lstrip(".")
            if not hasattr(ours, item):
                found.add(label)
                continue
            own = getattr(ours, item)
            if item.endswith(NO_ALIASES) or (id(value), id(own)) in seen:
                continue
            seen.add((id(value), id(own)))
            if callable(value) and signature_differs(value, own):
                found.add(f"{label}()")
            if inspect.isclass(value):
                found.update(_class_differences(label, value, own))
    return found


def _left_out() -> list[str]:
    """Modules of which nothing is ours."""
    return [name.removesuffix("*") for group in TABLE.values() for name in group["names"] if name.endswith(".*")]


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


def test_the_export_list_is_what_the_package_has() -> None:
    """A name that leaks into the package, or is missing from the list, fails here."""
    assert len(rr.__all__) == len(set(rr.__all__))
    public = [name for name in dir(rr) if not name.startswith("_")]
    modules = {name for name in public if inspect.ismodule(getattr(rr, name))}
    assert set(public) - modules - {"open"} == set(rr.__all__) - modules
    assert set(rr.__all__) & modules == {name for name in rr._MODULES if name not in ("datatypes", "time")} | {
        "encodings"
    }


def test_a_star_import_brings_all_of_it() -> None:
    code = "from rrbridge import *; import rrbridge; assert Points3D is rrbridge.Points3D; print(len(dir()))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > len(rr.__all__)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("rrbridge.components.view_coordinates", ["ViewCoordinates", "ViewCoordinatesBatch"]),
        ("rrbridge.archetypes.line_strips3d", ["LineStrips3D"]),
        ("rrbridge.encodings.rgba32", ["Rgba32", "Rgba32ArrayLike"]),
        ("rrbridge.blueprint.views.spatial3d_view", ["Spatial3DView"]),
    ],
)
def test_types_can_be_imported_from_modules_of_their_own(module: str, names: list[str]) -> None:
    found = importlib.import_module(module)
    home = importlib.import_module(module.rpartition(".")[0])
    assert [getattr(found, name) for name in names] == [getattr(home, name) for name in names]


def test_a_module_of_a_type_takes_no_name_from_its_package() -> None:
    before = rr.encodings.blob
    module = importlib.import_module("rrbridge.encodings.blob")
    assert module.Blob is rr.encodings.Blob
    assert importlib.import_module("rrbridge.encodings.bool").Bool is rr.encodings.Bool
    assert "bool" not in vars(rr.encodings)
    assert rr.encodings.blob is before
    assert importlib.import_module("rrbridge.components.opacity") is rr.components.opacity


def test_no_module_is_made_up() -> None:
    for name in ("rrbridge.components.nonsense", "rrbridge.nonsense", "rrbridge.archetypes.color"):
        with pytest.raises(ModuleNotFoundError, match=name):
            importlib.import_module(name)


@pytest.mark.parametrize("cls", [rr.Points3D, rr.Image, rr.Transform3D], ids=lambda cls: cls.__name__)
def test_help_says_what_an_archetype_takes(cls: type) -> None:
    text = pydoc.plain(pydoc.render_doc(cls))
    assert "lambda" not in text
    assert "Initialize self" not in text
    assert all(f"{name}:" in text for name in inspect.signature(cls).parameters)


def test_old_names_of_modules_say_so_at_the_caller() -> None:
    code = "import warnings\nwarnings.simplefilter('always')\nfrom rrbridge.datatypes import Quaternion\nQuaternion.identity()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "<string>:3: DeprecationWarning: `rrbridge.datatypes` is now `rrbridge.encodings`" in done.stderr
