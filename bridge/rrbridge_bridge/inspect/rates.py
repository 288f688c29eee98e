"""How often messages come and how many bytes they take, in the words of `ros2 topic hz` and `bw`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rrbridge_bridge.raw import Int64s

__all__ = ["Bandwidth", "Rate", "bandwidth_of", "rate_of"]


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the intervals between messages that follow each other."""

    hertz: float
    min_secs: float
    max_secs: float
    std_dev_secs: float
    messages: int
    """So many the figures are of, one more than intervals."""

    def __str__(self) -> str:
        return (
            f"average rate: {self.hertz:.3f}\n\tmin: {self.min_secs:.3f}s max: {self.max_secs:.3f}s "
            f"std dev: {self.std_dev_secs:.5f}s window: {self.messages}"
        )


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Of the messages' bytes as they travelled."""

    bytes_per_sec: float
    mean_bytes: float
    min_bytes: int
    max_bytes: int
    messages: int

    def __str__(self) -> str:
        # All in the unit of the first, as the tools of ROS have it.
        digits, unit, scale = (0, "B", 1) if self.bytes_per_sec < 1e3 else (2, "KB", 1e3)
        if self.bytes_per_sec >= 1e6:
            digits, unit, scale = 2, "MB", 1e6
        bw, mean, least, most = (
            f"{n / scale:.{digits}f} {unit}"
            for n in (self.bytes_per_sec, self.mean_bytes, self.min_bytes, self.max_bytes)
        )
        return f"{bw}/s from {self.messages} messages\n\tMessage size mean: {mean} min: {least} max: {most}"


def rate_of(times_nanos: Int64s) -> Rate | None:
    """Of messages in the order in which they came; None for fewer than two, or if all came at once."""
    if len(times_nanos) < 2:
        return None
    steps = np.diff(times_nanos)
    mean = float(steps.mean())
    if mean <= 0:
        return None
    return Rate(1e9 / mean, steps.min() / 1e9, steps.max() / 1e9, float(steps.std()) / 1e9, len(times_nanos))


def bandwidth_of(times_nanos: Int64s, sizes: Int64s) -> Bandwidth | None:
    """From the first message to the last; None for fewer than two, or if all came at once."""
    if len(sizes) < 2:
        return None
    span = int(times_nanos.max() - times_nanos.min())
    if span <= 0:
        return None
    total = int(sizes.sum())
    return Bandwidth(total * 1e9 / span, total / len(sizes), int(sizes.min()), int(sizes.max()), len(sizes))
