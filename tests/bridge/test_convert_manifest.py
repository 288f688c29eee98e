"""Every file of the shared data, without exception: a recording converts, with the counts that the manifest has for each topic;
of anything else it is said what it is."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mcap.exceptions import McapError
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from rrbridge import importers
from rrbridge_bridge.cli import main

pytestmark = pytest.mark.real_data

DATA = Path(os.environ.get("RRBRIDGE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
RECORDINGS = re.compile(r".*\.(bag|db3|mcap)(\.active|\.zstd|\.bz2)?")
REASONS = (
    r"no definition of \S+; name the folder that has it",
    r"messages in '\S*' are kept as bytes",
    r"no record at byte \d+ \(.*\); nothing that can be read comes after it",
    r"the bag is cut off or damaged: its index would begin \d+ bytes behind its end",
)
"""All that may be said of a recording of which not everything could be decoded or read."""
OPENED = {".rrd", ".rbl", ".urdf", ".stl", ".dae", ".obj", ".glb", ".gltf", ".ply", ".png", ".jpg", ".pgm", ".mp4"}
"""What is no recording of messages, but can be logged or opened all the same."""
REFUSED = {".json": 78, ".yaml": 29, ".mtl": 1, ".xacro": 1}
"""What is no recording, and how often it is there."""
NOT_OPENED = {
    "ROBOTIS-GIT+turtlebot3/turtlebot3_description/urdf/common_properties.urdf": "run xacro on the file first",
    "microvault+rnl/output_map.rrd": r"written by Rerun 0\.22\.1, before the format was settled",
}
"""Of those, what does not open after all, and why."""


def manifest() -> dict[str, dict[str, str]]:
    """Rows by path; one row that says so where the data is not here."""
    if not (DATA / "MANIFEST.tsv").is_file():
        return {"": {}}
    csv.field_size_limit(1 << 20)
    with (DATA / "MANIFEST.tsv").open(newline="") as lines:
        return {row["file"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}


MANIFEST = manifest()


def expected_counts(row: dict[str, str]) -> Counter[str]:
    """By topic; empty where the manifest does not list them all."""
    counts: Counter[str] = Counter()
    for entry in row["topics"].split(";"):
        if found := re.fullmatch(r"(.*)\((\d+)\)", entry):
            counts[found[1]] += int(found[2])
    return counts if sum(counts.values()) == int(row["msgs"] or -1) else Counter()


def counts_by_others(path: Path) -> Counter[str] | None:
    """By topic, as the mcap package or rosbags reads them; None where they cannot open the file."""
    if path.suffix == ".mcap":
        try:
            with path.open("rb") as file:
                return Counter(channel.topic for _, channel, _ in make_reader(file).iter_messages())
        except (McapError, KeyError):
            return None
    if path.suffix not in (".bag", ".db3"):
        return None
    counts: Counter[str] = Counter()
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as bag:
            for connection in bag.connections:
                counts[connection.topic] += connection.msgcount
    except (AnyReaderError, OSError, ValueError):
        return None
    return counts


@pytest.mark.parametrize("name", [name for name in MANIFEST if RECORDINGS.fullmatch(name) or not name])
def test_recordings_convert(name: str, shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    code = main(["convert", str(shared_data / name), "-o", str(tmp_path / "out.rrd"), "--json"])
    told = json.loads(capsys.readouterr().out)
    reasons = [reason for topic in told["topics"] for reason in topic["reasons"] if topic["messages"]] + told["losses"]
    assert [reason for reason in reasons if not any(re.search(known, reason) for known in REASONS)] == []
    assert code == (3 if reasons else 0)
    counts = Counter({t: n for t, n in count_topics(told).items() if n})
    assert counts.total() == sum(topic["messages"] for topic in told["topics"])
    row = MANIFEST[name]
    compared = 0
    for wanted in (expected_counts(row), counts_by_others(shared_data / name)):
        if wanted is not None and (wanted or not counts):
            assert counts == +wanted
            compared += 1
    assert compared or not row["topics"]
    assert counts or row["msgs"] in ("", "0")


def count_topics(told: dict[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for topic in told["topics"]:
        counts[topic["topic"]] += topic["messages"]
    return counts


def test_all_else_is_told_apart(shared_data: Path, tmp_path: Path, capsys: Any) -> None:
    """What becomes a recording too, and what does not open at all."""
    refused: Counter[str] = Counter()
    odd: dict[str, str] = {}
    for name in MANIFEST:
        path = shared_data / name
        if RECORDINGS.fullmatch(name) or not name:
            continue
        code = main(["convert", str(path), "-o", str(tmp_path / "out.rrd"), "--force"])
        said = capsys.readouterr().err.removeprefix(f"error: {path}: ").strip()
        if path.suffix.lower() in OPENED:
            if code == 1:
                odd[name] = said
            else:
                assert code in (0, 3), name
                assert sum(1 for _ in importers.read(tmp_path / "out.rrd")) > 1, name
            continue
        assert code == 1, name
        assert said.startswith("not a file that rrbridge can open; it opens "), f"{name}: {said}"
        refused[path.suffix] += 1
    assert refused == REFUSED
    assert odd.keys() == NOT_OPENED.keys()
    assert [name for name, why in NOT_OPENED.items() if not re.search(why, odd[name])] == []


@pytest.mark.usefixtures("shared_data")
def test_the_manifest_is_whole() -> None:
    assert len(MANIFEST) == 376
    assert sum(bool(RECORDINGS.fullmatch(name)) for name in MANIFEST) >= 196
