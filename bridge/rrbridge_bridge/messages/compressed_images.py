"""Images as files, depth in the forms of compressed_depth_image_transport, and video."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._pictures import grey_16
from rrbridge._rvl import MEDIA_TYPE, message_of
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge.errors import InvalidValueError, MissingExtraError
from rrbridge_bridge.messages._registry import adapters

__all__ = ["videos"]

Rows = npt.NDArray[np.int64]
_CODECS = {"264": "H264", "avc": "H264", "265": "H265", "hevc": "H265", "av1": "AV1", "vp8": "VP8", "vp9": "VP9"}
"""Part of an encoder's or format's name (`libx264`, `hevc_nvenc`) to codec."""
_MEDIA_TYPES = (("jpeg", "image/jpeg"), ("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"))
_VIDEO_FORMATS = ("h264", "h265", "hevc", "av1", "vp8", "vp9")
_PNG_MAGIC = 0x89
"""A PNG's first byte."""
_DEPTH_HEADER_BYTES = 12
"""compressed_depth_image_transport puts its format and two quantisation parameters before the PNG or RVL."""


@adapters("sensor_msgs/msg/CompressedImage", carries=["data"], reference=True)
def compressed_image(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A JPEG, PNG or WebP file, depths as PNG or RVL, or a piece of a video, by what `format` says."""
    codes, formats = msgs.format.dictionary()
    for code, name in enumerate(formats):
        rows = np.flatnonzero(codes == code)
        words = name.lower()
        data = take(msgs.data, rows) if len(rows) != len(msgs.data) else msgs.data
        if words in _VIDEO_FORMATS:
            yield Emit(_video(words, data), rows=rows)
        elif "compresseddepth" in words:
            yield from _depths(words, data, rows)
        else:
            media_type = next((media for word, media in _MEDIA_TYPES if word in words), None)
            media = None if media_type is None else [media_type] * len(rows)
            yield Emit(rr.EncodedImage.columns(blob=data, media_type=media), rows=rows)


def _depths(words: str, data: Ragged, rows: Rows) -> Iterator[Emit | Skipped]:
    whole = data.lengths > _DEPTH_HEADER_BYTES
    yield Skipped(rows[~whole], "a compressed depth image is shorter than its header")
    blobs, rows = take(data, whole), rows[whole]
    if "rvl" in words:  # readers of this media type want the header: it says what the numbers mean
        columns = rr.EncodedDepthImage.columns(blob=blobs, media_type=[MEDIA_TYPE] * len(rows))
        yield Emit(columns, rows=rows)
        return
    if "32fc1" in words:
        yield from _quantised(blobs, rows)
        return
    columns = rr.EncodedDepthImage.columns(
        blob=_png(blobs), media_type=["image/png"] * len(rows), meter=np.full(len(rows), 1000.0)
    )
    yield Emit(columns, rows=rows)


def _quantised(blobs: Ragged, rows: Rows) -> Iterator[Emit | Skipped]:
    """As RVL, which says how the numbers were quantised, and which viewers undo; a PNG cannot say that. Nothing is lost.

    A loop per image: they are few and large.
    """
    found: list[bytes] = []
    reasons = [""] * len(rows)
    for place in range(len(blobs)):
        head, file = np.split(blobs[place], [_DEPTH_HEADER_BYTES])
        try:
            found.append(message_of(head.tobytes(), grey_16(file.tobytes())))
        except InvalidValueError:
            reasons[place] = "a compressed depth image is no PNG of 16-bit numbers"
        except MissingExtraError as err:
            reasons[place] = str(err)
    why = np.array(reasons, np.str_)
    for reason in set(reasons) - {""}:
        yield Skipped(rows[why == reason], reason)
    kept = rows[why == ""]
    data = Ragged.from_lengths([len(file) for file in found], np.frombuffer(b"".join(found), np.uint8))
    yield Emit(rr.EncodedDepthImage.columns(blob=data, media_type=[MEDIA_TYPE] * len(kept)), rows=kept)


def _png(blobs: Ragged) -> Ragged:
    """The files alone; some drivers leave the header out."""
    starts = blobs.offsets[:-1]
    heads = np.where(blobs.values[starts] == _PNG_MAGIC, 0, _DEPTH_HEADER_BYTES)
    index = np.arange(blobs.offsets[-1] - blobs.offsets[0]) + blobs.offsets[0]
    kept = index >= np.repeat(starts + heads, blobs.lengths)
    return Ragged.from_lengths(blobs.lengths - heads, blobs.values[index[kept]])


@adapters("ffmpeg_image_transport_msgs/msg/FFMPEGPacket", carries=["data"])
def ffmpeg_packet(msgs: Columns) -> Iterator[Emit | Skipped]:
    """What an encoder made of an image; `encoding` begins with the name of the codec or the encoder."""
    for rows, columns in videos(msgs.encoding.dictionary(), msgs.data):
        yield columns if isinstance(columns, Skipped) else Emit(columns, rows=rows)


def videos(formats: tuple[Rows, list[str]], data: Ragged) -> Iterator[tuple[Rows, rr.ComponentColumnList | Skipped]]:
    """Pieces of videos, by the names of their formats or encoders."""
    codes, names = formats
    for code, name in enumerate(names):
        rows = np.flatnonzero(codes == code)
        codec = name.lower().split(";")[0]
        if not any(part in codec for part in _CODECS):
            yield rows, Skipped(rows, f"the video format {name!r} is not known")
            continue
        yield rows, _video(codec, take(data, rows) if len(rows) != len(data) else data)


def _video(name: str, data: Ragged) -> rr.ComponentColumnList:
    codec = next(codec for part, codec in _CODECS.items() if part in name)
    return rr.VideoStream.columns(codec=np.full(len(data), rr.VideoCodec[codec].value), sample=data)
