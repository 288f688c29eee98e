"""Recording ids that come from content: equal for equal files, and for all parts of one split run."""

from __future__ import annotations

import re
from pathlib import Path

import xxhash

__all__ = ["content_id", "first_part", "recording_id"]

SAMPLE_BYTES = 256 << 10
PART = re.compile(r"(?P<stem>.+)_(?P<number>\d+)(?P<suffix>\.(?:bag|db3|mcap)(?:\.(?:zstd|zst|bz2|gz))?)")
SUFFIXES = tuple(
    f".{kind}{packed}" for kind in ("bag", "db3", "mcap") for packed in ("", ".zstd", ".zst", ".bz2", ".gz")
)


def recording_id(path: Path) -> str:
    """That of the content of the first part, at whose end bags have their index."""
    return content_id(first_part(path))


def content_id(part: Path) -> str:
    """32 hex digits, of a file's size, beginning and end."""
    size = part.stat().st_size
    digest = xxhash.xxh3_128(size.to_bytes(8, "little"))
    with part.open("rb") as file:
        digest.update(file.read(SAMPLE_BYTES))
        file.seek(max(size - SAMPLE_BYTES, 0))
        digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def first_part(path: Path) -> Path:
    """The file that a run begins with; the path itself where nothing says that it is a part.

    rosbag2 keeps a run in a folder of its own, as `<folder>_0.db3`, `<folder>_1.db3` … and lists the parts in
    `metadata.yaml`; `rosbag record --split` names them `<prefix>_<date>_0.bag`, `<prefix>_<later date>_1.bag` …
    """
    if path.is_dir():
        listed = [path / name for name in _listed(path / "metadata.yaml")]
        found = [p for p in listed if p.is_file()] or sorted((p for p in path.iterdir() if _is_bag(p)), key=_number)
        return found[0] if found else path / "metadata.yaml"
    match = PART.fullmatch(path.name)
    if not match or int(match["number"]) == 0:
        return path
    if match["suffix"].startswith(".bag"):
        return _first_ros1_part(path, match) or path
    first = path.with_name(f"{match['stem']}_0{match['suffix']}")
    names = _listed(path.parent / "metadata.yaml")
    belongs = match["stem"] == path.resolve().parent.name or {first.name, path.name} <= {
        Path(name).name for name in names
    }
    return first if belongs and first.is_file() else path


def _first_ros1_part(path: Path, match: re.Match[str]) -> Path | None:
    """The latest `…_0.bag` before this part."""
    dated = re.fullmatch(r"(?P<prefix>.*?)(?P<date>\d{4}(?:-\d\d){5})", match["stem"])
    if not dated:
        return None
    firsts = sorted(
        p
        for p in path.parent.glob(f"*_0{match['suffix']}")
        if re.fullmatch(re.escape(dated["prefix"]) + r"\d{4}(?:-\d\d){5}_0" + re.escape(match["suffix"]), p.name)
        and p.name < path.name
    )
    return firsts[-1] if firsts else None


def _listed(metadata: Path) -> list[str]:
    """The files that a rosbag2 `metadata.yaml` names; none if there is no such file, or it cannot be read."""
    from rrbridge_bridge.readers._metadata import MAX_METADATA_BYTES, parse_metadata

    try:
        if metadata.stat().st_size > MAX_METADATA_BYTES:
            return []
        return list(parse_metadata(metadata.read_text("utf-8", "replace")).files)
    except (OSError, ValueError):
        return []


def _is_bag(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and path.is_file()


def _number(path: Path) -> tuple[int, str]:
    match = PART.fullmatch(path.name)
    return (int(match["number"]) if match else 0, path.name)
