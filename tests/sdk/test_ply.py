"""PLY files that are damaged say so; what they hold is compared with the reference in `scripts/files_more.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrbridge import Archetype
from rrbridge._ply import archetype_of_ply
from rrbridge.errors import FileError

HEAD = b"ply\nformat binary_little_endian 1.0\nelement vertex 3\n"
HEAD += b"property float x\nproperty float y\nproperty float z\nend_header\n"
WHOLE = HEAD + np.arange(9, dtype="<f4").tobytes()


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_that_ends_early_is_refused(size: int) -> None:
    with pytest.raises(FileError, match="no PLY that can be read"):
        archetype_of_ply(Path("cut.ply"), WHOLE[:size])


@given(st.integers(0, len(HEAD) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_header_is_refused_or_read(at: int, noise: bytes) -> None:
    damaged = WHOLE[:at] + noise + WHOLE[at + len(noise) :]
    try:
        assert isinstance(archetype_of_ply(Path("damaged.ply"), damaged), Archetype)
    except FileError as err:
        assert "damaged.ply" in str(err)  # noqa: PT017 - either is fine


def test_more_vertices_than_there_can_be_take_no_memory() -> None:
    for count in (b"-1", b"4000000000000000000", b"1" * 30):
        for kind in (b"ascii", b"binary_little_endian"):
            with pytest.raises(FileError):
                archetype_of_ply(
                    Path("x.ply"), WHOLE.replace(b"vertex 3", b"vertex " + count).replace(b"binary_little_endian", kind)
                )
