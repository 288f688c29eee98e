"""What tests of the bridge share: random ROS messages, columns of them made the slow and plain way, the reference tool."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

from rrbridge.columns import Columns, Ragged, Text

BIN = Path(sys.executable).parent
Rerun = Callable[..., str]
STORE = get_typestore(Stores.ROS2_HUMBLE)
ROS1 = get_typestore(Stores.ROS1_NOETIC)
OCTETS = {"bool": "?", "byte": "u1", "octet": "u1", "char": "u1"}


def random_value(rng: np.random.Generator, kind: Any, arg: Any, store: Any) -> Any:
    """A random value of a type of `rosbags`; small numbers, so that they are valid as lengths, types and levels too."""
    if kind == Nodetype.BASE:
        name = arg[0]
        if name in ("string", "wstring"):
            return "".join(rng.choice(list("abcé/ "), rng.integers(0, 6)))
        if name == "bool":
            return bool(rng.integers(0, 2))
        return float(np.float32(rng.normal())) if name.startswith("float") else int(rng.integers(0, 12))
    if kind == Nodetype.NAME:
        members = store.fielddefs[arg][1]
        return store.types[arg](**{name: random_value(rng, k, a, store) for name, (k, a) in members})
    (k, a), bound = arg
    count = bound if kind == Nodetype.ARRAY else int(rng.integers(0, min(bound or 7, 7) + 1))
    items = [random_value(rng, k, a, store) for _ in range(count)]
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
    """`(msgtype, count, seed)` → messages as `rosbags` has them."""

    def make(msgtype: str, count: int, seed: int) -> list[Any]:
        rng = np.random.default_rng(seed)
        store = STORE if msgtype in STORE.fielddefs else ROS1
        return [random_value(rng, Nodetype.NAME, msgtype, store) for _ in range(count)]

    return make


@pytest.fixture(scope="session")
def columns_of() -> Callable[[str, list[Any]], Columns]:
    """`(msgtype, messages)` → columns."""

    def make(msgtype: str, messages: list[Any]) -> Columns:
        store = STORE if msgtype in STORE.fielddefs else ROS1
        made = columns_of_values(Nodetype.NAME, msgtype, messages, store)
        assert isinstance(made, Columns)
        return made

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
