"""Where a group of pictures begins in a video stream: from there a decoder can start."""

from __future__ import annotations

import re

__all__ = ["begins_group"]

H264, H265 = 0x61766331, 0x68657631
"""Codecs, as `VideoStream:codec` has them."""
_NAL = re.compile(rb"\x00\x00\x01(.)", re.DOTALL)
HEAD_BYTES = 4096


def begins_group(sample: bytes, codec: int | None) -> bool:
    """Whether a sample holds a key frame or its parameter sets (H.264 table 7-1, H.265 table 7-1).

    Its first `HEAD_BYTES` are enough. False for other codecs, of which this does not know.
    """
    headers = (match[1][0] for match in _NAL.finditer(sample[:HEAD_BYTES]))
    if codec == H264:
        return any(header & 0x1F in (5, 7) for header in headers)
    if codec == H265:
        return any(16 <= (header >> 1) & 0x3F <= 21 or (header >> 1) & 0x3F in (32, 33) for header in headers)
    return False
