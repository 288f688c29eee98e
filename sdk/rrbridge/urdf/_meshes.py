"""Mesh files that a URDF, or a message of a robot, names: relative to it, absolute, `file://` or `package://`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from rrbridge._media_type import MEDIA_TYPES
from rrbridge.errors import FileError

__all__ = ["find_mesh", "read_mesh"]

MAX_BYTES = 1 << 30
SUFFIXES = {".dae", ".glb", ".gltf", ".obj", ".ply", ".stl"}
"""Other files are not read: a robot model is no reason to put one's private files into a recording."""


def _package_folders(package: str) -> list[Path]:
    """Where a ROS package of this name may be installed (ROS 2, then ROS 1)."""
    prefixes = [Path(part, "share") for part in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if part]
    roots = [Path(part) for part in os.environ.get("ROS_PACKAGE_PATH", "").split(os.pathsep) if part]
    return [folder / package for folder in (*prefixes, *roots)] + [root for root in roots if root.name == package]


def _below(folders: Sequence[Path], package: str) -> list[Path]:
    """Packages in folders that were named, such as a workspace's `src`: the folder itself, in it, or a level deeper."""
    return [
        found
        for folder in folders
        for found in (
            [folder] if folder.name == package else [folder / package, *sorted(folder.glob(f"*/{escape(package)}"))]
        )
    ]


def _candidates(urdf: Path | None, filename: str, packages: Sequence[Path]) -> list[Path]:
    scheme, separator, rest = filename.partition("://")
    here = Path("/") if urdf is None else urdf.parent
    if not separator:
        return [here / filename]
    if scheme == "file":
        return [here / rest]
    if scheme in ("http", "https"):
        raise FileError(filename, "on the network; it is not fetched")
    if scheme != "package":
        raise FileError(filename, f"unknown scheme {scheme}")
    package, _, below = rest.partition("/")
    parents = [] if urdf is None else urdf.absolute().parents
    enclosing = [folder for folder in parents if folder.name == package]  # the checkout it lies in
    named = _below(packages, package) if package.strip(".") else []
    return [folder / below for folder in (*named, *_package_folders(package), *enclosing)]


def find_mesh(urdf: Path | None, filename: str, packages: Sequence[Path] = ()) -> Path:
    """The file that is meant; `packages` come first. Raises FileError, which names the mesh as it was given, and all places.

    `urdf` is the file that names it; None where it is not in a file.
    """
    if Path(filename).suffix.lower() not in SUFFIXES:
        raise FileError(filename, f"not a mesh file ({', '.join(sorted(SUFFIXES))})")
    candidates = _candidates(urdf, filename, packages)
    try:
        found = next((path for path in candidates if path.is_file()), None)
    except (OSError, ValueError) as err:  # too long a name, a folder that may not be looked into, a NUL
        raise FileError(filename, getattr(err, "strerror", None) or str(err)) from err
    if found is None:
        looked = ", ".join(map(str, candidates)) or "nowhere: set AMENT_PREFIX_PATH or ROS_PACKAGE_PATH"
        raise FileError(filename, f"not found; looked at {looked}")
    return found


def read_mesh(
    urdf: Path | None, filename: str, packages: Sequence[Path] = (), *, max_bytes: int = MAX_BYTES
) -> tuple[bytes, str | None]:
    """Content and media type of a mesh. Raises FileError, which names the mesh as the URDF does."""
    found = find_mesh(urdf, filename, packages)
    try:
        with found.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as err:
        raise FileError(filename, err.strerror or str(err)) from err
    if len(content) > max_bytes:
        raise FileError(filename, f"larger than {max_bytes} bytes")
    return content, MEDIA_TYPES.get(found.suffix.lower())
