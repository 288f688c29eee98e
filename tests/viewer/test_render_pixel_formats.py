"""Pixel formats against another implementation: FFmpeg's own conversion, and Pillow."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import rrbridge as rr
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.pixel_formats import ImageFormat, pixels_of
from rrbridge_viewer.visualizers._images import decoded

WIDTH, HEIGHT = 64, 48


def smooth_rgb() -> npt.NDArray[np.uint8]:
    """(h, w, 3): slowly changing, so that chroma subsampling loses little."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.dstack([30 + 3 * x, 20 + 4 * y, 220 - 2 * x - y]).astype(np.uint8)


@pytest.mark.parametrize(
    ("ours", "theirs", "full_range"),
    [
        (rr.PixelFormat.NV12, "nv12", False),
        (rr.PixelFormat.YUY2, "yuyv422", False),
        (rr.PixelFormat.Y_U_V12_LimitedRange, "yuv420p", False),
        (rr.PixelFormat.Y_U_V12_FullRange, "yuvj420p", True),
        (rr.PixelFormat.Y_U_V16_LimitedRange, "yuv422p", False),
        (rr.PixelFormat.Y_U_V24_LimitedRange, "yuv444p", False),
        (rr.PixelFormat.Y_U_V24_FullRange, "yuvj444p", True),
    ],
)
def test_yuv_comes_back_as_the_colours_it_was_made_of(ours: Any, theirs: str, full_range: bool) -> None:
    rgb = smooth_rgb()
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format=theirs, dst_colorspace="ITU601", dst_color_range="JPEG" if full_range else "MPEG"
    )
    buffer = np.concatenate([_plane(plane, theirs) for plane in frame.planes])
    found = pixels_of(buffer, ImageFormat(WIDTH, HEIGHT, pixel_format=int(ours.value)))
    assert found.shape == (HEIGHT, WIDTH, 4)
    error = np.abs(found[:, :, :3].astype(int) - rgb)
    assert error.mean() < 2.5
    assert error.max() <= 12


def _plane(plane: Any, pixel_format: str) -> npt.NDArray[np.uint8]:
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    width = {"nv12": WIDTH, "yuyv422": 2 * WIDTH}.get(pixel_format, plane.width)
    return rows[:, :width].reshape(-1)


@pytest.mark.parametrize(
    ("number", "red", "blue"),
    [(128, (0, 0), (1, 1)), (129, (1, 1), (0, 0)), (130, (1, 0), (0, 1)), (131, (0, 1), (1, 0))],
)
def test_a_bayer_image_of_one_colour_is_that_colour(number: int, red: tuple[int, int], blue: tuple[int, int]) -> None:
    mosaic = np.full((HEIGHT, WIDTH), 90, np.uint8)
    mosaic[red[0] :: 2, red[1] :: 2] = 200
    mosaic[blue[0] :: 2, blue[1] :: 2] = 30
    found = pixels_of(mosaic.reshape(-1), ImageFormat(WIDTH, HEIGHT, pixel_format=number))
    assert (found == (200, 90, 30, 255)).all()


@pytest.mark.parametrize("model", list(rr.ColorModel))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.int16])
def test_colour_models_of_every_datatype_are_the_same_picture(model: rr.ColorModel, dtype: type) -> None:
    rgb = smooth_rgb()
    channels = {"L": rgb[:, :, 0], "RGB": rgb, "RGBA": np.dstack([rgb, np.full((HEIGHT, WIDTH), 255)])}
    channels |= {"BGR": rgb[:, :, ::-1], "BGRA": channels["RGBA"][:, :, [2, 1, 0, 3]]}
    scale = {"uint8": 1, "uint16": 257, "int16": 128, "float32": 1 / 255, "float64": 1 / 255}[np.dtype(dtype).name]
    image: npt.NDArray[Any] = (channels[model.name].astype(np.float64) * scale).astype(dtype)
    datatype = {"uint8": 6, "uint16": 8, "int16": 9, "float32": 34, "float64": 35}[np.dtype(dtype).name]
    image_format = ImageFormat(WIDTH, HEIGHT, color_model=int(model.value), channel_datatype=datatype)
    found = pixels_of(np.frombuffer(image.tobytes(), np.uint8), image_format)
    if model.name == "L":
        assert found.shape == (HEIGHT, WIDTH)
        assert np.allclose(found, image)
    else:
        assert np.abs(found[:, :, :3].astype(int) - rgb).max() <= 1
        assert (found[:, :, 3] >= 254).all()


def test_a_format_that_promises_more_than_the_buffer_holds_is_refused() -> None:
    buffer = np.zeros(100, np.uint8)
    for pixel_format in (None, 20, 26, 27, 30, 128):
        with pytest.raises(InvalidValueError, match="bytes"):
            pixels_of(buffer, ImageFormat(1000, 1000, pixel_format=pixel_format, color_model=2))
    with pytest.raises(InvalidValueError, match="sides"):
        ImageFormat.of({"width": 1 << 31, "height": 1})
    with pytest.raises(InvalidValueError, match="colour model"):
        pixels_of(buffer, ImageFormat(2, 2, color_model=77))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "I;16"])
def test_image_files_are_decoded_as_pillow_shows_them(mode: str) -> None:
    file = io.BytesIO()
    if mode == "I;16":
        depths = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 20
        Image.fromarray(depths).save(file, "PNG")
        found = decoded(np.frombuffer(file.getvalue(), np.uint8))
        assert found.dtype == np.uint16
        assert np.array_equal(found, depths)
        return
    image = Image.fromarray(smooth_rgb()).convert(mode)
    image.save(file, "PNG")
    found = decoded(np.frombuffer(file.getvalue(), np.uint8))
    expected = np.array(image.convert("L" if mode in ("L", "1") else "RGBA"))
    assert np.array_equal(found, expected)


def test_a_damaged_image_file_is_refused_with_a_sentence() -> None:
    file = io.BytesIO()
    Image.fromarray(smooth_rgb()).save(file, "PNG")
    torn = np.frombuffer(file.getvalue(), np.uint8)[: len(file.getvalue()) // 2]
    for blob in (torn, np.zeros(10, np.uint8)):
        with pytest.raises(InvalidValueError, match="image file"):
            decoded(blob)


@pytest.mark.parametrize("model", [rr.ColorModel.L, rr.ColorModel.RGB])
def test_numbers_beyond_what_textures_hold_become_infinite_without_a_word(model: rr.ColorModel) -> None:
    values = np.array([1e300, -1e300, 0.5] * 2)
    width = len(values) // model.num_channels()
    found = pixels_of(
        values.view(np.uint8),
        ImageFormat(width, 1, color_model=int(model.value), channel_datatype=int(rr.ChannelDatatype.F64.value)),
    )
    if model is rr.ColorModel.L:
        np.testing.assert_array_equal(found, np.array([[np.inf, -np.inf, 0.5] * 2], np.float32))
    else:
        assert found.shape == (1, 2, 4)
