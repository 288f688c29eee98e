"""Whole files."""

from pathlib import Path

import rerun as rr

Path("model.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
rr.log("a", rr.Asset3D(path="model.obj"))
rr.log("b", rr.Asset3D(contents=b"glTF", media_type=rr.MediaType.GLB, albedo_factor=0xFF0000FF))
rr.log("c", rr.AssetVideo(contents=b"0123", media_type="video/mp4"))
rr.log("d", rr.AssetAudio(contents=b"RIFF", media_type=rr.MediaType.WAV))
Path("sound.mp3").write_bytes(b"ID3")
rr.log("e", rr.AssetAudio(path=Path("sound.mp3")))
Path("film.mp4").write_bytes(b"ftyp")
rr.log("f", rr.AssetVideo(path="film.mp4"), static=True)
