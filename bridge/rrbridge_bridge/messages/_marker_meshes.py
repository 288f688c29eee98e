"""Meshes of markers: found on this computer, or embedded in the message; a named point in their place where they are neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._media_type import MEDIA_TYPES
from rrbridge.columns import Columns, Ragged, Text
from rrbridge.errors import FileError
from rrbridge.stages import Note
from rrbridge.urdf._meshes import SUFFIXES, find_mesh, read_mesh
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._marker_shapes import posed, rgba

__all__ = ["Meshes", "Source", "mesh_content", "named_points", "placed_meshes", "stand_ins"]

EMBEDDED = "embedded://"
MAX_MESH_BYTES = 64 << 20
"""One mesh."""
KEPT_BYTES = 64 << 20
"""Embedded meshes that are remembered, as later messages may name them without sending them again."""
STAND_IN_RADIUS = -4.0
"""In pixels of the screen: the size of what is missing is not known."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a mesh comes from."""

    name: str
    """As the message names it."""
    file: Path | None = None
    content: bytes | None = None
    """What was embedded."""
    missing: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class Meshes:
    """The meshes that markers ask for."""

    kinds: Sequence[str]
    """Distinct for each look that a mesh may have."""
    sources: Mapping[str, Source]
    """By kind."""
    embedded: Mapping[str, bytes] = field(default_factory=dict)
    """By name: what was embedded so far."""

    @classmethod
    def of(cls, markers: Columns, known: Mapping[str, bytes], packages: Sequence[Path]) -> Meshes:
        """The meshes of markers that all are meshes. `known`: what earlier messages embedded."""
        codes, names = markers.mesh_resource.dictionary()
        contents, embedded = _embedded(markers, codes, names, known)
        found: dict[str, Source] = {}
        kinds = []
        for row, code in enumerate(codes.tolist()):
            name, digest = names[code], contents.get(row, "")
            kind = f"mesh {name} {digest}"
            if kind not in found:
                found[kind] = _source(name, embedded.get(name) if digest else None, packages)
            kinds.append(kind)
        return cls(kinds, found, _bounded(embedded))

    def note(self) -> Iterator[Note]:
        """What was not found, and where it was looked for, in one sentence."""
        missing = [s for s in self.sources.values() if s.missing]
        if missing:
            more = f", and {len(missing) - 1} other meshes" if len(missing) > 1 else ""
            yield Note(f"a point stands for each marker whose mesh is missing: {missing[0].missing}{more}")


def _embedded(
    markers: Columns, codes: npt.NDArray[np.int64], names: Sequence[str], known: Mapping[str, bytes]
) -> tuple[dict[int, str], dict[str, bytes]]:
    """By row, which content each embedded mesh has; and the contents by name."""
    import xxhash  # few markers embed their mesh

    embedded = dict(known)
    digests = {name: xxhash.xxh64(content).hexdigest() for name, content in embedded.items()}
    found: dict[int, str] = {}
    file = markers.get("mesh_file")
    data = file.get("data") if isinstance(file, Columns) else None
    lengths = data.lengths if isinstance(data, Ragged) else np.zeros(len(markers), np.int64)
    uses = (lengths > 0) | np.array([name.startswith(EMBEDDED) for name in names], np.bool_)[codes]
    for row in np.flatnonzero(uses).tolist():
        name = names[codes[row]]
        if lengths[row]:
            assert isinstance(data, Ragged)
            embedded[name] = data[row].tobytes()
            digests[name] = xxhash.xxh64(embedded[name]).hexdigest()
        if name in digests:
            found[row] = digests[name]
    return found, embedded


def _bounded(embedded: dict[str, bytes]) -> dict[str, bytes]:
    """The latest that fit."""
    kept: dict[str, bytes] = {}
    left = KEPT_BYTES
    for name, content in reversed(embedded.items()):
        left -= len(content)
        if left >= 0:
            kept[name] = content
    return kept


def _source(name: str, content: bytes | None, packages: Sequence[Path]) -> Source:
    if content is not None:
        if PurePosixPath(name).suffix.lower() not in SUFFIXES:
            return Source(name, missing=f"{name}: not a mesh file ({', '.join(sorted(SUFFIXES))})")
        return Source(name, content=content)
    if name.startswith(EMBEDDED):
        return Source(name, missing=f"{name}: no message has embedded it so far")
    try:
        file = find_mesh(None, name, packages)
        is_too_large = file.stat().st_size > MAX_MESH_BYTES
    except (FileError, OSError) as err:
        return Source(name, missing=str(err))
    return (
        Source(name, missing=f"{file}: larger than {MAX_MESH_BYTES} bytes") if is_too_large else Source(name, file=file)
    )


def mesh_content(source: Source) -> tuple[bytes, str | None]:
    """A mesh's bytes and media type. Raises FileError."""
    if source.content is not None:
        return source.content, MEDIA_TYPES.get(PurePosixPath(source.name).suffix.lower())
    return read_mesh(None, str(source.file), max_bytes=MAX_MESH_BYTES)


def placed_meshes(markers: Columns) -> list[rr.ComponentColumnList]:
    """Where meshes are, how large and of what colour, without the meshes themselves."""
    own = markers.get("mesh_use_embedded_materials", np.zeros(len(markers), np.bool_))
    colors = rgba(markers.color)
    colors[own.astype(np.bool_) & (colors == 0)] = 0xFFFFFFFF  # the mesh's own colours, untinted
    return [posed(markers), rr.Asset3D.columns(albedo_factor=colors)]


def stand_ins(markers: Columns) -> rr.ComponentColumnList:
    """A point with the name of the mesh that is missing, for each marker."""
    names: Text = markers.mesh_resource
    return _points(names.to_list(), xyz(markers.pose.position), rgba(markers.color))


def named_points(source: Source, count: int) -> rr.ComponentColumnList:
    """The same for meshes that are not written again; their poses apply to the points."""
    return _points([source.name] * count, np.zeros((count, 3)), np.full(count, 0xFFFFFFFF, np.uint32))


def _points(
    names: list[str], positions: npt.NDArray[np.float64], colors: npt.NDArray[np.uint32]
) -> rr.ComponentColumnList:
    count = len(names)
    return rr.Points3D.columns(
        positions=positions,
        radii=np.full(count, STAND_IN_RADIUS),
        colors=colors,
        labels=[name.rpartition("/")[2] or "mesh" for name in names],
        show_labels=np.ones(count, np.bool_),
    )
