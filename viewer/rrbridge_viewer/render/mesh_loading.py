"""Mesh files into `Mesh` primitives. trimesh reads the formats and is imported when the first mesh appears."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xxhash

from rrbridge.errors import InvalidValueError, MissingExtraError
from rrbridge_viewer.render.geometry import vertex_normals
from rrbridge_viewer.render.primitives import Colors, Mesh

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["load_meshes"]

MAX_BYTES = 1 << 30
MAX_VERTICES = 50_000_000
MAX_TEXTURE_PIXELS = 1 << 26
KEPT_BYTES = 512 << 20
"""Of meshes loaded before, so that showing one again does not read its file again."""
FILE_TYPES = {
    "model/gltf-binary": "glb",
    "model/gltf+json": "gltf",
    "model/obj": "obj",
    "model/stl": "stl",
    "model/ply": "ply",
    "model/vnd.collada+xml": "dae",
}
PLAIN: Colors = np.array([[200, 204, 210, 255]], np.uint8)
"""Of a mesh that says nothing about its colour."""

_loaded: OrderedDict[tuple[str, str], tuple[Mesh, ...]] = OrderedDict()


def load_meshes(blob: npt.NDArray[np.uint8], media_type: str | None = None) -> tuple[Mesh, ...]:
    """All meshes of a file, each at its places in the file's scene; the same objects for the same bytes.

    Raises InvalidValueError where the file cannot be read or is larger than memory allows, MissingExtraError without trimesh.
    """
    if len(blob) > MAX_BYTES:
        raise InvalidValueError("blob", f"at most {MAX_BYTES} bytes", str(len(blob)))
    file_type = FILE_TYPES.get((media_type or "").partition(";")[0].strip().lower()) or _guessed(blob)
    key = file_type, xxhash.xxh3_128_hexdigest(np.ascontiguousarray(blob).data)
    if key in _loaded:
        _loaded.move_to_end(key)
        return _loaded[key]
    meshes = tuple(_read(blob.tobytes(), file_type))
    _loaded[key] = meshes
    while len(_loaded) > 1 and sum(map(_nbytes, _loaded.values())) > KEPT_BYTES:
        _loaded.popitem(last=False)
    return meshes


def _nbytes(meshes: tuple[Mesh, ...]) -> int:
    arrays = ((m.vertices, m.triangles, m.normals, m.colors, m.texcoords, m.texture) for m in meshes)
    return sum(array.nbytes for found in arrays for array in found if array is not None)


def _guessed(blob: npt.NDArray[np.uint8]) -> str:
    head = blob[:256].tobytes()
    if head.startswith(b"glTF"):
        return "glb"
    if head.startswith(b"ply"):
        return "ply"
    stripped = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if stripped.startswith(b"<"):
        return "dae"
    if stripped.startswith(b"{"):
        return "gltf"
    triangles = int.from_bytes(blob[80:84].tobytes(), "little")
    if len(blob) == 84 + 50 * triangles or stripped.startswith(b"solid"):
        return "stl"
    return "obj"


def _read(content: bytes, file_type: str) -> list[Mesh]:
    try:
        import trimesh
    except ImportError as err:
        raise MissingExtraError("showing mesh files", "viewer") from err
    try:
        scene = trimesh.load_scene(io.BytesIO(content), file_type=file_type, process=False)
    except Exception as err:
        raise InvalidValueError("blob", f"a {file_type} file", f"{type(err).__name__}: {err}") from err
    places: dict[str, list[npt.NDArray[np.float64]]] = {}
    for node in scene.graph.nodes_geometry:
        world_from_node, name = scene.graph[node]
        places.setdefault(name, []).append(np.asarray(world_from_node, np.float64)[:3])
    meshes: list[Mesh] = []
    for name, poses in places.items():
        geometry = scene.geometry[name]
        if isinstance(geometry, trimesh.Trimesh) and len(geometry.faces):
            meshes.append(_mesh(geometry, np.array(poses, np.float32)))
    if not meshes:
        raise InvalidValueError("blob", f"a {file_type} file with triangles", "one without")
    return meshes


def _mesh(geometry: Any, poses: npt.NDArray[np.float32]) -> Mesh:
    vertices = np.asarray(geometry.vertices, np.float32)
    triangles = np.asarray(geometry.faces, np.uint32)
    if len(vertices) > MAX_VERTICES or len(triangles) > MAX_VERTICES:
        raise InvalidValueError("blob", f"at most {MAX_VERTICES} vertices", str(max(len(vertices), len(triangles))))
    if int(triangles.max()) >= len(vertices):
        raise InvalidValueError("blob", f"indices below {len(vertices)}", str(int(triangles.max())))
    visual = geometry.visual
    colors, texcoords, texture = PLAIN, None, None
    if visual.kind == "face":
        vertices, colors = (
            vertices[triangles.reshape(-1)],
            np.repeat(np.asarray(visual.face_colors, np.uint8), 3, axis=0),
        )
        triangles = np.arange(len(vertices), dtype=np.uint32).reshape(-1, 3)
    elif visual.kind == "vertex":
        colors = np.asarray(visual.vertex_colors, np.uint8)
    elif visual.kind == "texture":
        colors = _material_color(visual.material)
        image = getattr(visual.material, "baseColorTexture", None) or getattr(visual.material, "image", None)
        if image is not None and visual.uv is not None and len(visual.uv) == len(vertices):
            texture = _texture(image)
            texcoords = (np.asarray(visual.uv, np.float32) * (1, -1) + (0, 1)).astype(np.float32)
    return Mesh(
        vertices=vertices,
        triangles=triangles,
        normals=_normals(geometry, vertices, triangles),
        colors=colors,
        texcoords=texcoords,
        texture=texture,
        poses=None if len(poses) == 1 and np.array_equal(poses[0], np.eye(4)[:3]) else poses,
    )


def _normals(
    geometry: Any, vertices: npt.NDArray[np.float32], triangles: npt.NDArray[np.uint32]
) -> npt.NDArray[np.float32]:
    """The file's own where it has them; asking trimesh for others would need scipy."""
    cached = geometry._cache.cache.get("vertex_normals")
    if cached is not None and len(cached) == len(vertices):
        return np.asarray(cached, np.float32)
    return vertex_normals(vertices, triangles)


def _material_color(material: Any) -> Colors:
    found = getattr(material, "baseColorFactor", None)
    if found is None and getattr(material, "image", None) is None:
        found = getattr(material, "diffuse", None)
    if found is None:
        return np.full((1, 4), 255, np.uint8)
    values = np.asarray(found)
    scaled = values * 255 if values.dtype.kind == "f" and values.max() <= 1 else values
    rgba = np.full(4, 255.0)
    rgba[: min(4, len(scaled))] = scaled[:4]
    return rgba.clip(0, 255).astype(np.uint8)[None]


def _texture(image: Image) -> Colors:
    if image.width * image.height > MAX_TEXTURE_PIXELS:
        raise InvalidValueError("texture", f"at most {MAX_TEXTURE_PIXELS} pixels", f"{image.width} x {image.height}")
    return np.array(image.convert("RGBA"))
