"""What tests of the bridge share: random ROS messages, columns of them made the slow and plain way, the reference tool."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_world import each_ros_python, each_world, ros_domain, ros_env, ros_python, world
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from rrbridge.columns import Columns, Ragged, Text
from rrbridge_bridge.channel import ROS1_NAMES
from rrbridge_bridge.messages import adapters

__all__ = ["each_ros_python", "each_world", "ros_domain", "ros_env", "ros_python", "world"]  # fixtures

BIN = Path(sys.executable).parent
Rerun = Callable[..., str]
OCTETS = {"bool": "?", "byte": "u1", "octet": "u1", "char": "u1"}
EDGES = (np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e30, -1e30, 1e-30, 1e300, -1e300)


def _with_definitions(store: Typestore, generation: str = "") -> Typestore:
    """A type store with what the files of a generation in `definitions` say; types are separated by empty lines."""
    for path in sorted((Path(__file__).parent / "definitions").glob("*.txt")):
        if path.stem.partition("@")[2] == generation:
            for part in path.read_text().strip().split("\n\n"):
                name, _, text = part.partition("\n")
                if name not in store.fielddefs:
                    store.register(get_types_from_msg(text, name))
    return store


NEWEST = _with_definitions(get_typestore(Stores.ROS2_LYRICAL))
STORES = (
    NEWEST,
    _with_definitions(get_typestore(Stores.ROS1_NOETIC), "ros1"),
    _with_definitions(get_typestore(Stores.ROS2_FOXY), "2"),
    _with_definitions(_with_definitions(get_typestore(Stores.ROS2_HUMBLE), "old")),
)


@dataclass(frozen=True)
class Definition:
    """One of the ways in which a message type has been defined."""

    msgtype: str
    store: Typestore
    generation: int

    def random(self, count: int, seed: int, *, edges: bool = False) -> list[Any]:
        """Messages as `rosbags` has them; with `edges` many numbers are extreme, or none."""
        rng = np.random.default_rng(seed)
        return [random_value(rng, Nodetype.NAME, self.msgtype, self.store, edges=edges) for _ in range(count)]

    def columns(self, messages: list[Any]) -> Columns:
        """Their columns, made the slow and plain way, with the names that ROS 2 gives them."""
        made = columns_of_values(Nodetype.NAME, self.msgtype, messages, self.store)
        assert isinstance(made, Columns)
        names = ROS1_NAMES.get(self.msgtype, {})
        return Columns(len(made), {names.get(name, name): made[name] for name in made}, self.msgtype)


def all_definitions(msgtype: str) -> list[Definition]:
    """Each definition once, the newest first."""
    found: dict[str, Definition] = {}
    for generation, store in enumerate(STORES):
        if msgtype in store.fielddefs:
            text = store.generate_msgdef(msgtype, ros_version=2)[0]
            found.setdefault(text, Definition(msgtype, store, generation))
    return list(found.values())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a `definition` runs for each one of each adapted type."""
    if "definition" in metafunc.fixturenames:
        wanted = [d for msgtype in sorted(adapters.by_type) for d in all_definitions(msgtype)]
        metafunc.parametrize("definition", wanted, ids=[f"{d.msgtype}@{d.generation}" for d in wanted])


def random_value(rng: np.random.Generator, kind: Any, arg: Any, store: Any, *, edges: bool = False) -> Any:
    """A random value of a type of `rosbags`; small numbers, so that they are valid as lengths, types and levels too."""
    if kind == Nodetype.BASE:
        name = arg[0]
        if name in ("string", "wstring"):
            return "".join(rng.choice(list("abcé/ "), rng.integers(0, 6)))
        if name == "bool":
            return bool(rng.integers(0, 2))
        if name.startswith("float"):
            value = rng.choice(EDGES) if edges and rng.random() < 0.5 else np.float32(rng.normal())
            return float(value if name == "float64" or not 1e38 < abs(value) < np.inf else np.copysign(1e38, value))
        if edges and rng.random() < 0.3:
            limits = np.iinfo(OCTETS.get(name, name))
            return int(limits.min if rng.random() < 0.5 else limits.max)
        return int(rng.integers(0, 12))
    if kind == Nodetype.NAME:
        members = store.fielddefs[arg][1]
        values = {name: random_value(rng, k, a, store, edges=edges) for name, (k, a) in members}
        return store.types[arg](**values)
    (k, a), bound = arg
    count = bound if kind == Nodetype.ARRAY else int(rng.integers(0, min(bound or 7, 7) + 1))
    items = [random_value(rng, k, a, store, edges=edges) for _ in range(count)]
    if k == Nodetype.BASE and a[0] not in ("string", "wstring"):
        return np.array(items, OCTETS.get(a[0], a[0]))
    return items


def columns_of_values(kind: Any, arg: Any, values: list[Any], store: Any) -> Any:
    """Values of one field of many messages as a column."""
    if kind == Nodetype.BASE:
        if arg[0] in ("string", "wstring"):
            return Text.from_strings(values)
        return np.array(values, OCTETS.get(arg[0], arg[0]))
    if kind == Nodetype.NAME:
        members = store.fielddefs[arg][1]
        fields = {n: columns_of_values(k, a, [getattr(v, n) for v in values], store) for n, (k, a) in members}
        return Columns(len(values), fields, arg)
    (k, a), bound = arg
    if kind == Nodetype.ARRAY and k == Nodetype.BASE and a[0] not in ("string", "wstring"):
        return np.array([list(v) for v in values], OCTETS.get(a[0], a[0])).reshape(len(values), bound)
    return Ragged.from_lengths([len(v) for v in values], columns_of_values(k, a, [x for v in values for x in v], store))


@pytest.fixture(scope="session")
def random_messages() -> Callable[[str, int, int], list[Any]]:
    """`(msgtype, count, seed)` → messages of the newest definition as `rosbags` has them."""

    def make(msgtype: str, count: int, seed: int) -> list[Any]:
        return all_definitions(msgtype)[0].random(count, seed)

    return make


@pytest.fixture(scope="session")
def definitions_of() -> Callable[[str], list[Definition]]:
    """`msgtype` → its definitions, the newest first."""
    return all_definitions


@pytest.fixture(scope="session")
def columns_of() -> Callable[[str, list[Any]], Columns]:
    """`(msgtype, messages)` → columns."""

    def make(msgtype: str, messages: list[Any]) -> Columns:
        return all_definitions(msgtype)[0].columns(messages)

    return make


@pytest.fixture(scope="session")
def rerun() -> Rerun:
    """Runs the reference's command line tool; fails with what it said."""

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [str(BIN / "rerun"), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"rerun {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def verified(rerun: Rerun) -> Callable[[Sequence[Path] | Path], None]:
    """Asserts that the reference accepts files."""

    def verify(files: Sequence[Path] | Path) -> None:
        rerun("rrd", "verify", *([files] if isinstance(files, Path) else files))

    return verify
