"""Types that the reference importer maps, with random and edge values: every column it writes is ours too, with equal values.

`rosbags` writes them to an MCAP, a topic per case; `rerun mcap convert` and we read it. Where we differ on purpose, the reason
stands in `DEVIATIONS`; a deviation that is no longer one fails too.
"""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from rrbridge_bridge.cli import main

pytestmark = pytest.mark.real_data  # the comparing script lies beside the recordings

STORE = get_typestore(Stores.ROS2_HUMBLE)
Case = tuple[str, str, list[Any]]
RandomMessages = Callable[[str, int, int], list[Any]]
MAPPED = (
    *("sensor_msgs/msg/NavSatFix", "tf2_msgs/msg/TFMessage", "geometry_msgs/msg/PoseStamped", "sensor_msgs/msg/Imu"),
    *(
        "sensor_msgs/msg/JointState",
        "sensor_msgs/msg/MagneticField",
        "sensor_msgs/msg/Temperature",
        "sensor_msgs/msg/Joy",
    ),
    *("sensor_msgs/msg/FluidPressure", "sensor_msgs/msg/RelativeHumidity", "sensor_msgs/msg/Illuminance"),
    *("sensor_msgs/msg/Range", "sensor_msgs/msg/BatteryState", "std_msgs/msg/String", "rcl_interfaces/msg/Log"),
    *("std_msgs/msg/Float64", "std_msgs/msg/Float64MultiArray"),
)
PIXEL_BYTES = {
    "rgb8": 3,
    "rgba8": 4,
    "bgr8": 3,
    "bgra8": 4,
    "rgb16": 6,
    "rgba16": 8,
    "bgr16": 6,
    "bgra16": 8,
    "mono8": 1,
    "mono16": 2,
    **{f"bayer_{pattern}8": 1 for pattern in ("rggb", "bggr", "gbrg", "grbg")},
    "yuyv": 2,
    "yuv422_yuy2": 2,
    "yuv422": 2,
    "uyvy": 2,
    "nv12": 1,
    "nv21": 1,
    "nv24": 1,
    "bayer_rggb16": 2,
    "weird": 1,
    "8UC1": 1,
    "8UC2": 2,
    "8UC3": 3,
    "8UC4": 4,
    "8SC1": 1,
    "16UC1": 2,
    "16SC1": 2,
    "32SC1": 4,
    "32FC1": 4,
    "64FC1": 8,
}
PLANES = {"nv12": 1.5, "nv21": 1.5, "nv24": 3}
DEVIATIONS = {
    r"values differ /image/.*/big_endian (Depth)?Image:buffer": "pixels are swapped to native order; there they stay wrong",
    r"values differ /image/nv12/padded Image:buffer": "padding of NV12 is removed; there it shifts every row",
    r"values differ /image/8UC2/\w+ CoordinateFrame:frame": "two channels are a tensor, which lies in no image plane",
    r"missing  /image/weird/\w+ CoordinateFrame:frame": "an image in an unknown encoding has no place either",
    r"missing  /compressed/\d+_\w*compressedDepth\w* EncodedImage:blob": "depth as PNG is depth, without its header",
    r"missing  /compressed/\d+_(h265|hevc|av1|vp8|vp9) EncodedImage:blob": "every codec is video here, not H.264 alone",
    r"(missing|times differ) +/camera/uncalibrated Pinhole:\w+": "a camera without calibration is no pinhole",
    r"values differ /camera/no_frame Pinhole:(child|parent)_frame": "an empty frame id is no frame's name",
    r"values differ /camera/slash Pinhole:(child|parent)_frame": "one leading slash is stripped",
    r"values differ /maps/\w+ CoordinateFrame:frame": "an empty frame id is the entity's own frame",
    r"(missing|times differ) +/maps/wrong_size (GridMap:\w+|CoordinateFrame:frame)": "a map without its cells is none",
    r"values differ /(random|extreme|joints)/\w+ CoordinateFrame:frame": "an empty frame id is the entity's own frame",
    r"(values|times) differ /(random|extreme)/TFMessage Transform3D:\w+": "an empty frame id is no frame's name",
    r"values differ /cloud/\w+/\w+ CoordinateFrame:frame": "an empty frame id is the entity's own frame",
    r"missing  /cloud/\w+/\w+ sensor_msgs\.msg\.PointCloud2:": "the cloud's other fields are in its message column",
    r"missing  /cloud/no_xyz/\w+ CoordinateFrame:frame": "what has no points has no place",
    r"values differ .* McapSchema:id": "schemas of equal text are one schema here",
}


def header(frame: str = "cam", sec: int = 5) -> Any:
    stamp = STORE.types["builtin_interfaces/msg/Time"](sec=sec, nanosec=7)
    return STORE.types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame)


def images(rng: np.random.Generator) -> Iterator[Case]:
    shapes = {"plain": (4, 6, 0, 0, 0), "odd": (5, 3, 0, 0, 0), "padded": (4, 6, 8, 0, 0), "trailing": (4, 6, 0, 0, 5)}
    for encoding, pixel_bytes in PIXEL_BYTES.items():
        is_wide = "16" in encoding or "32" in encoding or "64" in encoding
        for name, (width, height, padding, big_endian, extra) in (
            shapes | ({"big_endian": (4, 6, 0, 1, 0)} if is_wide and "bayer" not in encoding else {})
        ).items():
            step = width * pixel_bytes + padding
            size = int(np.ceil(step * height * PLANES.get(encoding, 1))) + extra
            messages = [
                STORE.types["sensor_msgs/msg/Image"](
                    header=header(sec=sec), height=height, width=width, encoding=encoding, is_bigendian=big_endian,
                    step=step, data=rng.integers(0, 256, size, np.uint8),
                )
                for sec in (5, 6)
            ]  # fmt: skip
            yield f"/image/{encoding}/{name}", "sensor_msgs/msg/Image", messages


def picture(rng: np.random.Generator, kind: str, datatype: Any = np.uint8) -> bytes:
    shape = (8, 10, 3) if datatype == np.uint8 else (8, 10)
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, shape).astype(datatype)).save(file, kind)
    return file.getvalue()


def compressed(rng: np.random.Generator) -> Iterator[Case]:
    jpeg, png, webp = (picture(rng, kind) for kind in ("JPEG", "PNG", "WEBP"))
    depth = picture(rng, "PNG", np.uint16)
    plain, quantised = struct.pack("<iff", 0, 0, 0), struct.pack("<iff", 0, 100, 3)
    rvl, video = struct.pack("<II", 10, 8) + bytes(range(60)), b"\0\0\0\1\x67abcd"
    given = [
        *(("jpeg", jpeg), ("jpg", jpeg), ("JPEG", jpeg), ("png", png), ("webp", webp), ("tiff", jpeg), ("", jpeg)),
        *(("bgr8; jpeg compressed bgr8", jpeg), ("bgr8; png compressed bgr8", png), ("mono16; png compressed ", depth)),
        *(("16UC1; compressedDepth", plain + depth), ("16UC1; compressedDepth png", plain + depth)),
        *(("16UC1; compressedDepth rvl", plain + rvl), ("32FC1; compressedDepth rvl", quantised + rvl)),
        *(("32FC1; compressedDepth png", quantised + depth), ("h264", video), ("H264", video), ("h265", video)),
        *(("hevc", video), ("av1", video), ("vp8", video), ("vp9", video), ("h264 x", video)),
    ]
    msgtype = "sensor_msgs/msg/CompressedImage"
    for number, (kind, data) in enumerate(given):
        name = re.sub(r"\W+", "_", kind)
        array = np.frombuffer(data, np.uint8)
        messages = [STORE.types[msgtype](header=header(sec=sec), format=kind, data=array) for sec in (5, 6)]
        yield f"/compressed/{number}_{name}", msgtype, messages


def cameras(random_messages: RandomMessages) -> Iterator[Case]:
    msgtype = "sensor_msgs/msg/CameraInfo"
    frames = {"plain": "cam", "no_frame": "", "slash": "/cam", "no_size": "cam", "nan": "cam", "uncalibrated": "cam"}
    for number, (name, frame) in enumerate(frames.items()):
        messages = random_messages(msgtype, 3, number)
        for sec, message in enumerate(messages):
            message.header, message.k = header(frame, sec), np.array([500, 0, 320, 0, 510, 240, 0, 0, 1.0])
            message.distortion_model = ("plumb_bob", "rational_polynomial", "equidistant")[sec]
        messages[0].k[0] = np.nan if name == "nan" else 500
        messages[1].k *= name != "uncalibrated"
        messages[2].width *= name != "no_size"
        yield f"/camera/{name}", msgtype, messages


def maps(rng: np.random.Generator, random_messages: RandomMessages) -> Iterator[Case]:
    turns = {
        "plain": (0, 0, 0, 1),
        "turned": (0, 0, 0.7, 0.7),
        "no_turn": (0, 0, 0, 0),
        "empty": (0, 0, 0, 1),
        "wrong_size": (0, 0, 0, 1),
    }
    for number, (name, turn) in enumerate(turns.items()):
        messages = random_messages("nav_msgs/msg/OccupancyGrid", 3, number)
        for message in messages:
            message.header, info = header("map"), message.info
            info.width, info.height = (0, 0) if name == "empty" else (4, 3)
            info.origin.orientation = STORE.types["geometry_msgs/msg/Quaternion"](*map(float, turn))
            message.data = rng.integers(-128, 128, info.width * info.height + (name == "wrong_size")).astype(np.int8)
        yield f"/maps/{name}", "nav_msgs/msg/OccupancyGrid", messages


def filled(message: Any, number: float) -> Any:
    """With this number in place of every float."""
    for name in message.__dataclass_fields__:
        value = getattr(message, name)
        if isinstance(value, float):
            setattr(message, name, number)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
            setattr(message, name, np.full_like(value, number))
        elif not isinstance(value, str):
            for item in value if isinstance(value, list) else [value]:
                if hasattr(item, "__dataclass_fields__") and name != "__msgtype__":
                    filled(item, number)
    return message


def others(rng: np.random.Generator, random_messages: RandomMessages) -> Iterator[Case]:
    for number, msgtype in enumerate(MAPPED):
        name = msgtype.rpartition("/")[2]
        yield f"/random/{name}", msgtype, random_messages(msgtype, 6, number)
        extremes = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30)
        messages = zip(random_messages(msgtype, 6, number + 50), extremes, strict=True)
        yield f"/extreme/{name}", msgtype, [filled(message, value) for message, value in messages]

    def joints(*counts: int) -> Any:
        names = [f"joint{i}" for i in range(counts[0])]
        return STORE.types["sensor_msgs/msg/JointState"](header(""), names, *(rng.normal(size=n) for n in counts))

    yield "/joints/positions_only", "sensor_msgs/msg/JointState", [joints(3, 3, 0, 0), joints(3, 3, 0, 0)]
    changing = [joints(3, 3, 3, 3), joints(2, 2, 2, 2), joints(3, 3, 0, 3), joints(0, 0, 0, 0), joints(4, 2, 3, 1)]
    yield "/joints/changing", "sensor_msgs/msg/JointState", changing


CLOUDS: dict[str, list[tuple[str, int, int]]] = {
    "xyz": [],
    "no_fields": [
        ("a", 1, 1),
        ("b", 2, 1),
        ("c", 3, 1),
        ("d", 4, 1),
        ("e", 5, 1),
        ("f", 6, 1),
        ("g", 7, 1),
        ("h", 8, 1),
    ],
    "rgb_float": [("rgb", 7, 1)],
    "rgb_uint": [("rgb", 6, 1)],
    "rgba_float": [("rgba", 7, 1)],
    "rgba_uint": [("rgba", 6, 1)],
    "both": [("rgb", 7, 1), ("rgba", 6, 1)],
    "separate": [("r", 2, 1), ("g", 2, 1), ("b", 2, 1)],
    "several": [("normal", 7, 3), ("none", 7, 0)],
    "twice": [("i", 7, 1), ("i", 4, 1)],
}
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}


def cloud(rng: np.random.Generator, fields: list[tuple[str, int, int]], shape: tuple[int, int], **other: int) -> Any:
    """`other`: `big_endian`, `padding` (bytes behind each point), `holes` (NaN instead of some x)."""
    order = ">" if other.get("big_endian") else "<"
    offset, described, formats = 0, [], []
    for name, datatype, count in fields:
        described.append(STORE.types["sensor_msgs/msg/PointField"](name, offset, datatype, count))
        formats.append((np.dtype(order + NUMBERS[datatype]), offset, max(count, 1)))
        offset += formats[-1][0].itemsize * max(count, 1)
    step, (height, width) = offset + other.get("padding", 0), shape
    points = np.zeros((height, width, step), np.uint8)
    for (name, *_), (kind, start, count) in zip(fields, formats, strict=True):
        values = rng.normal(size=(height, width, count)) * 30 + 60
        if other.get("holes") and name == "x":
            values[:, ::2] = np.nan
        if name.startswith("rgb"):
            packed = rng.integers(0, 2**32 - 2**24, (height, width, count)).astype(order + "u4").view(np.uint8)
        else:
            packed = values.astype(kind).view(np.uint8)
        points[:, :, start : start + kind.itemsize * count] = packed.reshape(height, width, -1) if packed.size else 0
    return STORE.types["sensor_msgs/msg/PointCloud2"](
        header=header("lidar"), height=height, width=width, fields=described, is_bigendian=bool(other.get("big_endian")),
        point_step=step, row_step=width * step, data=points.reshape(-1), is_dense=not other.get("holes"),
    )  # fmt: skip


def clouds(rng: np.random.Generator) -> Iterator[Case]:
    axes = [("x", 7, 1), ("y", 7, 1), ("z", 7, 1)]
    wanted = {name: axes + extra for name, extra in CLOUDS.items()}
    wanted |= {f"positions{number}": [(axis, number, 1) for axis in "xyz"] for number in (1, 2, 3, 5, 8)}
    wanted |= {
        "flat": axes[:2],
        "mixed": [("x", 8, 1), *axes[1:]],
        "no_xyz": [("range", 7, 1)],
        "first_of_two": [("x", 7, 2), *axes[1:]],
    }
    for name, fields in wanted.items():
        is_float = fields[0][1] > 6
        several = (
            [cloud(rng, fields, (1, n)) for n in (0, 3, 0, 5)] if name != "no_xyz" else [cloud(rng, fields, (1, 2))]
        )
        yield f"/cloud/{name}/changing", "sensor_msgs/msg/PointCloud2", several
        for kind, shape, other in (
            *(
                ("organised", (3, 4), {}),
                ("padding", (1, 5), {"padding": 3}),
                ("big_endian", (1, 5), {"big_endian": 1}),
            ),
            *((("holes", (2, 5), {"holes": 1}),) if is_float else ()),
        ):
            yield f"/cloud/{name}/{kind}", "sensor_msgs/msg/PointCloud2", [cloud(rng, fields, shape, **other)]


@pytest.mark.parametrize("part", ["images", "compressed", "cameras", "maps", "others", "clouds"])
def test_what_the_reference_maps_is_here(
    part: str, tmp_path: Path, shared_data: Path, rerun: Callable[..., str], random_messages: RandomMessages
) -> None:
    rng = np.random.default_rng(3)
    cases = {
        "images": images(rng), "compressed": compressed(rng), "cameras": cameras(random_messages),
        "maps": maps(rng, random_messages), "others": others(rng, random_messages), "clouds": clouds(rng),
    }[part]  # fmt: skip
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for number, (topic, msgtype, messages) in enumerate(cases):
            connection = writer.add_connection(topic, msgtype, typestore=STORE)
            for second, message in enumerate(messages):
                writer.write(connection, 10**9 * (number + 1) + second, STORE.serialize_cdr(message, msgtype))
    ours, theirs = tmp_path / "ours.rrd", tmp_path / "theirs.rrd"
    rerun("mcap", "convert", tmp_path / "bag/bag.mcap", "-o", theirs)
    main(["convert", str(tmp_path / "bag/bag.mcap"), "-o", str(ours), "--mapping", "reference", "--json"])
    oracle = shared_data.parent / "oracles" / "superset.py"
    said = subprocess.run(
        [sys.executable, oracle, theirs, ours], capture_output=True, text=True, timeout=120, check=False
    )
    *differences, count = said.stdout.splitlines()
    print(count)
    assert [line for line in differences if not any(re.match(pattern, line) for pattern in DEVIATIONS)] == []
    agreeing, total = map(int, re.findall(r"\d+", count))
    assert agreeing == total - len(differences) > 2 * (number + 1)
    if part in ("images", "compressed"):
        own = [pattern for pattern in DEVIATIONS if f"/{part.removesuffix('s')}/" in pattern]
        assert [p for p in own if not any(re.match(p, line) for line in differences)] == []
