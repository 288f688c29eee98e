"""`rrbridge view` as a program of its own: pictures without a screen, and sentences where something is wrong."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from rosbags.rosbag2 import Writer

import rrbridge as rr

RRBRIDGE = Path(sys.executable).with_name("rrbridge")


def run(*arguments: object, stdin: bytes | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The program, on a machine without a screen."""
    known = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}}
    return subprocess.run(
        [RRBRIDGE, "view", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        env=known | environment,
    )


def picture(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image that is red for two seconds, then blue."""
    path = tmp_path_factory.mktemp("command") / "run.rrd"
    with rr.RecordingStream("command") as rec:
        rec.save(path)
        for second in range(5):
            rec.set_time("run_time", duration=second)
            rec.set_time("frame", sequence=second * 10)
            rec.log("/image", rr.Image(np.full((30, 40, 3), (200, 30, 30) if second < 2 else (30, 30, 200), np.uint8)))
        rec.disconnect()
    return path


def shares(path: Path) -> tuple[float, float]:
    """How much of a picture is red, and blue."""
    pixels = picture(path)
    red = (np.abs(pixels.astype(int) - (200, 30, 30)).max(axis=2) < 8).mean()
    blue = (np.abs(pixels.astype(int) - (30, 30, 200)).max(axis=2) < 8).mean()
    return float(red), float(blue)


def test_a_picture_at_a_time(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = run(recording, "--screenshot", out, "--at", "+1s", "--size", "1000x640")
    assert (done.returncode, done.stderr) == (0, b"")
    assert picture(out).shape == (640, 1000, 3)
    red, blue = shares(out)
    assert red > 0.2
    assert blue < 0.01


def test_several_pictures_in_one_go_each_at_its_time(recording: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{n}.png" for n in range(3))
    done = run(
        recording,
        *("--size", "800X600"),
        *("--screenshot", first, "--at", "frame=10"),
        *("--screenshot", second, "--at", "run_time=3.5"),
        *("--screenshot", third, "--at", "start"),
    )
    assert done.returncode == 0, done.stderr
    assert [shares(out)[0] > 0.2 for out in (first, second, third)] == [True, False, True]
    assert [shares(out)[1] > 0.2 for out in (first, second, third)] == [False, True, False]


def test_a_stream_on_standard_input(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = run("-", "--screenshot", out, "--at", "end", "--size", "800x600", stdin=recording.read_bytes())
    assert done.returncode == 0, done.stderr
    assert shares(out)[1] > 0.2


def refused(done: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
    text = " ".join(done.stderr.decode().split())
    assert done.returncode == code, text
    assert "Traceback" not in text
    for word in words:
        assert word in text


def test_without_a_screen_it_says_how_to_get_a_picture(recording: Path) -> None:
    done = run(recording)
    refused(done, 1, "no screen", "--screenshot")
    assert b"FILE" not in done.stderr, "what is shown may be a running robot"


def test_without_opengl_it_says_what_to_install_and_nothing_else(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = run(recording, "--screenshot", out, LIBGL_DRIVERS_PATH="/none", __EGL_VENDOR_LIBRARY_DIRS="/none")
    refused(done, 1, "cannot draw a picture", "OpenGL 3.3", "libegl1")
    assert b"--screenshot" not in done.stderr
    assert b"()" not in done.stderr
    assert b"Warning" not in done.stderr


def test_what_cannot_be_opened(recording: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.txt.bin"
    odd.write_bytes(b"hello")
    out = tmp_path / "out.png"
    refused(run(odd, "--screenshot", out), 1, "not a file that rrbridge can open")
    refused(run(tmp_path / "missing.rrd", "--screenshot", out), 1, "no such file")
    empty = tmp_path / "empty.rrd"
    empty.write_bytes(recording.read_bytes()[:8])
    refused(run(empty, "--screenshot", out), 1)
    assert not out.exists()


def test_what_was_asked_wrongly(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    refused(run(recording, "--screenshot", out, "--at", "soon"), 1, "expected an ISO date")
    refused(run(recording, "--screenshot", out, "--at", "mars=3"), 1, "run_time")
    refused(run(recording, "--screenshot", out, "--size", "big"), 2, "not a size")
    refused(run(recording, "--screenshot", tmp_path / "no" / "folder.png"), 1, "no folder")
    refused(run(recording, "--screenshot", out, "--at", "+1s", "--at", "+2s"), 1, "2 times for 1 pictures")
    refused(run(), 2, "FILE")


def test_part_of_the_data_is_told_by_the_exit_code(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = run(recording, "--screenshot", out, "--memory-limit", "1KB", "--size", "640x480")
    refused(done, 3, "memory limit")
    assert out.exists()


@pytest.mark.parametrize("piped", [False, True])
def test_damage_is_told_by_a_sentence_and_the_exit_code(recording: Path, tmp_path: Path, piped: bool) -> None:
    whole = recording.read_bytes()
    cut = tmp_path / "cut.rrd"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    out = tmp_path / "out.png"
    arguments = ("-" if piped else cut, "--screenshot", out, "--size", "640x480")
    done = run(*arguments, stdin=cut.read_bytes() if piped else None)
    refused(done, 3, f"warning: {'standard input' if piped else 'cut.rrd'}: left out from byte")
    assert done.stderr.count(b"left out") == 1
    assert shares(out)[0] > 0.2


@pytest.mark.real_data
def test_a_damaged_bag_is_told_by_the_exit_code(shared_data: Path, tmp_path: Path) -> None:
    whole = (shared_data / "locusrobotics+fuse" / "turtlebot3.bag").read_bytes()
    cut = tmp_path / "cut.bag"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    out = tmp_path / "out.png"
    done = run(cut, "--screenshot", out, "--size", "640x480")
    refused(done, 3, "warning: cut.bag:")
    assert out.exists()


def test_definitions_come_from_a_folder_if_the_bag_has_none(tmp_path: Path) -> None:
    bag, out, source = tmp_path / "cart", tmp_path / "out.png", tmp_path / "src"
    with Writer(bag, version=8) as writer:
        topic = writer.add_connection("/speed", "cart_msgs/msg/Speed", msgdef="", rihs01="RIHS01_" + 64 * "0")
        for step in range(50):
            writer.write(topic, step * 10**8, b"\0\1\0\0" + struct.pack("<d", step % 7))
    done = run(bag, "--screenshot", out, "--size", "1000x700")
    refused(done, 3, "warning: cart: /speed", "no definition", "--msgs")
    assert plotted(out) == 0

    (source / "cart_msgs" / "msg").mkdir(parents=True)
    (source / "cart_msgs" / "msg" / "Speed.msg").write_text("float64 metres_per_second\n")
    done = run(bag, "--screenshot", out, "--size", "1000x700", "--msgs", source)
    assert (done.returncode, done.stderr) == (0, b"")
    assert plotted(out) > 1000


def plotted(path: Path) -> int:
    """How many pixels have the colour of the first curve in a plot."""
    return int((np.abs(picture(path).astype(int) - (0x4C, 0xC3, 0x8A)).max(axis=2) < 30).sum())


def test_a_missing_extra_is_named(recording: Path) -> None:
    code = (
        "import sys; sys.modules['pyglet'] = None; from rrbridge_bridge.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "view", str(recording), "--screenshot", "x.png"],
        capture_output=True,
        timeout=200,
        check=False,
    )
    refused(done, 1, "rrbridge[viewer]")


def test_importing_the_command_imports_nothing_heavy() -> None:
    code = (
        "import sys, rrbridge_viewer.command; "
        "print([m for m in ('pyglet', 'moderngl', 'imgui_bundle', 'pyarrow', 'numpy', 'PIL') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], timeout=200).split() == [b"[]"]


@pytest.mark.real_data
def test_a_real_ros1_bag(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    bag = shared_data / "locusrobotics+fuse" / "turtlebot3.bag"
    done = run(bag, "--screenshot", out, "--at", "+20s", "--size", "1200x800")
    assert done.returncode == 0, done.stderr
    pixels = picture(out).astype(int)
    for color in ((0x5A, 0xA2, 0xFF), (0xF0, 0x7F, 0x4F), (0x4C, 0xC3, 0x8A)):
        # The plots of commands, odometry and joint states use these colours.
        assert (np.abs(pixels - color).max(axis=2) < 30).sum() > 60
