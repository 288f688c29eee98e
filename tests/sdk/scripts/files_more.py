"""Sounds and videos with times of their own, clouds of points, splats and pictures of every kind, as files."""

import wave
from pathlib import Path

import av
import numpy as np
import rerun as rr
from PIL import Image

rng = np.random.default_rng(6)
with wave.open("tone.wav", "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(8000)
    sound.writeframes((np.sin(np.arange(2000) / 9) * 9000).astype("<i2").tobytes())
with av.open("clip.mp4", "w") as clip:
    stream = clip.add_stream("libx264", rate=10)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    for i in range(6):
        clip.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * i, np.uint8), format="rgb24")))
    clip.mux(stream.encode())
for suffix in ("bmp", "gif", "tiff", "webp", "tga", "ppm"):
    Image.new("RGB", (6, 5), (10, 200, 30)).save(f"picture.{suffix}")


def ply(
    name: str, properties: dict[str, str], rows: list[tuple[float, ...]], kind: str = "ascii", more: str = ""
) -> None:
    """Write vertices, as text or as numbers."""
    header = [f"ply\nformat {kind} 1.0\nelement vertex {len(rows)}"]
    header += [f"property {'float' if t == 'f4' else 'uchar'} {column}" for column, t in properties.items()]
    head = "\n".join(header) + "\n" + more + "end_header\n"
    body = "\n".join(" ".join(map(str, row)) for row in rows).encode() + b"\n"
    if kind != "ascii":
        order = ">" if "big" in kind else "<"
        body = np.array(rows, [(column, order + t) for column, t in properties.items()]).tobytes()
    Path(name).write_bytes(head.encode() + body + (b"3 0 1 2\n" if more else b""))


xyz = dict.fromkeys("xyz", "f4")
ply("bare.ply", xyz, [(0, 1, 2), (3, 4, 5)])
ply("flat.ply", dict.fromkeys("xy", "f4"), [(0, 1), (3, 4)])
ply("sized.ply", xyz | {"radius": "f4", "nx": "f4"}, [(0, 1, 2, 0.5, 9), (3, 4, 5, 0.25, 9)])
for kind in ("ascii", "binary_little_endian", "binary_big_endian"):
    colored = xyz | dict.fromkeys(("red", "green", "blue", "alpha"), "u1")
    ply(f"colored_{kind}.ply", colored, [(0, 1, 2, 3, 4, 5, 6), (7, 8, 9, 255, 254, 253, 252)], kind)
ply(
    "unit.ply", xyz | dict.fromkeys(("red", "green", "blue"), "f4"), [(0, 1, 2, 0.1, 0.5, 1.0), (3, 4, 5, 1.5, -1, 0.3)]
)
ply("mesh.ply", xyz, [(0, 0, 0), (1, 0, 0), (0, 1, 0)], more="element face 1\nproperty list uchar int vertex_indices\n")
for harmonics in (0, 9, 45):
    names = [*"xyz", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{i}" for i in range(harmonics)), "opacity"]
    names += ["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    numbers = [tuple(row) for row in rng.normal(size=(4, len(names))).tolist()]
    ply(f"splats_{harmonics}.ply", dict.fromkeys(names, "f4"), numbers, "binary_little_endian")

for path in sorted(Path().glob("*.*")):
    if path.suffix != ".rrd":
        rr.log_file_from_path(path)
        rr.log_file_from_path(path, entity_path_prefix="static", static=True)
        rr.log_file_from_contents(path, path.read_bytes(), entity_path_prefix="contents")
