"""Images, videos and calibrations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.frames import IMAGE_PLANE
from rrbridge_bridge.messages.compressed_images import videos
from rrbridge_bridge.messages.foxglove._schema import foxglove
from rrbridge_bridge.messages.images import image_columns, pictures


@foxglove("RawImage", carries=["data"], reference=True)
def raw_image(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Images of one size and encoding at a time; depth is an image as well, as in the reference."""
    fields = {name: msgs[name] for name in ("encoding", "width", "height", "step", "data")}
    for encoding, width, height, rows, found in pictures(
        Columns(len(msgs), fields | {"is_bigendian": np.zeros(len(msgs), np.bool_)})
    ):
        if isinstance(found, Skipped):
            yield found
        else:
            yield Emit(image_columns(replace(encoding, depth=False), found, width, height), rows=rows)


@foxglove("CompressedImage", carries=["data"], reference=True)
def compressed_image(msgs: Columns) -> Iterator[Emit]:
    """A JPEG, PNG, WebP or AVIF file."""
    codes, formats = msgs.format.dictionary()
    media = np.array([f"image/{'jpeg' if name == 'jpg' else name}" for name in formats], object)
    yield Emit(rr.EncodedImage.columns(blob=msgs.data, media_type=media[codes]))


@foxglove("CompressedVideo", carries=["data"], reference=True)
def compressed_video(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A frame of a video."""
    for rows, columns in videos(msgs.format.dictionary(), msgs.data):
        yield columns if isinstance(columns, Skipped) else Emit(columns, rows=rows)


@foxglove("CameraCalibration", reference=True)
def camera_calibration(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A calibrated camera; its images lie in the frame `<camera frame>_image_plane`."""
    matrices = msgs.get("K", msgs.get("k"))
    values = matrices.values if hasattr(matrices, "offsets") else matrices.reshape(-1)
    lengths = matrices.lengths if hasattr(matrices, "offsets") else np.full(len(msgs), matrices.shape[1])
    rows = np.flatnonzero(lengths == 9)
    yield Skipped(np.flatnonzero(lengths != 9), "a camera's matrix K has not nine numbers")
    starts = np.concatenate(([0], np.cumsum(lengths)))[:-1][rows]
    codes, names = msgs.frame_id.dictionary()
    planes = np.array([f"{name}{IMAGE_PLANE}" if name else "" for name in names], object)
    yield Emit(
        rr.Pinhole.columns(
            image_from_camera=values[starts[:, None] + np.arange(9)].reshape(-1, 3, 3),
            resolution=np.stack([msgs.width, msgs.height], axis=-1)[rows],
            parent_frame=np.array(names, object)[codes[rows]],
            child_frame=planes[codes[rows]],
        ),
        rows=rows,
    )
