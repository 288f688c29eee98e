"""Images as pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge import ChannelDatatype
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._image_encodings import Encoding, Octets, encoding_of
from rrbridge_bridge.messages._registry import adapters

__all__ = ["image_columns", "pictures"]

Rows = npt.NDArray[np.int64]


@adapters("sensor_msgs/msg/Image", carries=["data"], reference=True)
def image(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Images of one size and encoding at a time: there are few of these per topic, mostly one."""
    for encoding, width, height, rows, found in pictures(msgs):
        if isinstance(found, Skipped):
            yield found
        else:
            yield Emit(image_columns(encoding, found, width, height), rows=rows)


def pictures(msgs: Columns) -> Iterator[tuple[Encoding, int, int, Rows, Ragged | Skipped]]:
    """Encoding, width, height, rows and tightly packed native pixels of `sensor_msgs/Image` columns, or why there are none."""
    codes, names = msgs.encoding.dictionary()
    layout = np.stack([codes, msgs.width, msgs.height, msgs.step, msgs.is_bigendian], axis=-1).astype(np.int64)
    layouts, group = np.unique(layout, axis=0, return_inverse=True)
    for number, (code, width, height, step, big_endian) in enumerate(layouts.tolist()):
        rows = np.flatnonzero(group.reshape(-1) == number)
        if (encoding := encoding_of(names[code])) is None:
            reason = f"the image encoding {names[code]!r} is not known"
            yield Encoding(), width, height, rows, Skipped(rows, reason)
            continue
        buffers, whole = _packed(msgs.data, rows, encoding, width, height, step, swap_bytes=bool(big_endian))
        yield encoding, width, height, rows[whole], buffers
        reason = "an image has less data than its size and encoding need"
        yield encoding, width, height, rows[~whole], Skipped(rows[~whole], reason)


def _packed(
    data: Ragged, rows: Rows, encoding: Encoding, width: int, height: int, step: int, *, swap_bytes: bool
) -> tuple[Ragged, npt.NDArray[np.bool_]]:
    """Tightly packed pixels of equal images, and which of `rows` hold a whole image."""
    planes = encoding.planes_of(width, height, step)
    given = sum(lines * stride for lines, stride, _ in planes)
    needed = sum(lines * line_bytes for lines, _, line_bytes in planes)
    whole = (data.lengths[rows] >= given) & all(stride >= used or not lines for lines, stride, used in planes)
    kept = rows[whole]
    images = take(data, kept) if len(kept) != len(data) else data
    swap = swap_bytes and encoding.datatype.dtype.itemsize > 1
    if bool(np.all(images.lengths == needed)) and not swap and encoding.reordered is None:
        return images, whole
    packed = _without_padding(_square(images, given), planes)
    if swap:
        packed = packed.view(encoding.datatype.dtype).byteswap().view(np.uint8)
    if encoding.reordered is not None:
        packed = encoding.reordered(packed, planes[0][0] * planes[0][2])
    return Ragged.from_lengths(np.full(len(kept), needed), packed.reshape(-1)), whole


def _square(images: Ragged, size: int) -> Octets:
    """The first `size` bytes of each, shape (n, size)."""
    first, last = int(images.offsets[0]), int(images.offsets[-1])
    values: Octets = images.values[first:last]
    if not np.all(images.lengths == size):  # trailing bytes behind the last line
        starts = (images.offsets[:-1] - first).tolist()
        values = np.concatenate([values[a : a + size] for a in starts] or [values[:0]])
    return values.reshape(len(images), size)


def _without_padding(images: Octets, planes: tuple[tuple[int, int, int], ...]) -> Octets:
    parts, start = [], 0
    for lines, stride, line_bytes in planes:
        plane = images[:, start : start + lines * stride].reshape(len(images), lines, stride)
        parts.append(plane[:, :, :line_bytes].reshape(len(images), lines * line_bytes))
        start += lines * stride
    packed: Octets = np.ascontiguousarray(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1))
    return packed


def image_columns(encoding: Encoding, buffers: Ragged, width: int, height: int) -> rr.ComponentColumnList:
    """Tightly packed pixels of equal images as an image, a depth image or a tensor."""
    count = len(buffers)
    if encoding.pixel_format is None and encoding.color_model is None and encoding.channels > 1:
        return _tensors(encoding, buffers, width, height)
    datatype = None if encoding.pixel_format else encoding.datatype
    kind = [rr.ImageFormat(width, height, encoding.pixel_format, encoding.color_model, datatype)] * count
    if not encoding.depth:
        return rr.Image.columns(buffer=buffers, format=kind)
    # REP 118: 16-bit depth counts millimetres; floating point depth is in metres, which needs no saying.
    is_millimetres = encoding.datatype == ChannelDatatype.U16 and not encoding.color_model
    meter = np.full(count, 1000.0) if is_millimetres else None
    return rr.DepthImage.columns(buffer=buffers, format=kind, meter=meter)


def _tensors(encoding: Encoding, buffers: Ragged, width: int, height: int) -> rr.ComponentColumnList:
    """Channels that are no colours: optical flow, spectra."""
    shape = (len(buffers), height, width, encoding.channels)
    pixels: npt.NDArray[Any] = _square(buffers, width * height * encoding.channels * encoding.datatype.dtype.itemsize)
    pixels = np.ascontiguousarray(pixels).view(encoding.datatype.dtype).reshape(shape)
    names = ("height", "width", "channel")
    return rr.Tensor.columns(data=tuple(rr.TensorData(array=picture, dim_names=names) for picture in pixels))
