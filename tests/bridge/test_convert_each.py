"""`rrbridge convert` of many recordings, one output each: in processes, again, interrupted, with failures among them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from rrbridge import importers
from rrbridge.rrd import RrdReader
from rrbridge_bridge import batch_pool
from rrbridge_bridge.cli import main

STORE = get_typestore(Stores.ROS2_HUMBLE)
NUMBER = STORE.types["std_msgs/msg/Float64"]


def write_mcap(path: Path, first: int = 0, count: int = 10, payload: bytes | None = None) -> Path:
    """Numbers, one each second."""
    folder = path.with_name(f".{path.name}.folder")
    with Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/number", NUMBER.__msgtype__, typestore=STORE)
        for i in range(first, first + count):
            message = payload or STORE.serialize_cdr(NUMBER(data=float(i)), NUMBER.__msgtype__)
            writer.write(connection, (100 + i) * 10**9, message)
    next(folder.glob("*.mcap")).rename(path)
    (folder / "metadata.yaml").unlink()
    folder.rmdir()
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two days; a run in three parts, files of one name, a damaged one, a text that is no recording."""
    folder = tmp_path / "runs"
    for day in ("day1", "day2"):
        (folder / day).mkdir(parents=True)
        write_mcap(folder / day / "run.mcap")
    for n in range(3):
        write_mcap(folder / f"split_{n}.mcap", first=10 * n).rename(folder / "day1" / f"split_{n}.mcap")
    for n in range(3):
        (folder / "day1" / f"split_{n}.mcap").rename(folder / "day2" / f"day2_{n}.mcap")
    (folder / "day2" / "broken.bag").write_text("no bag")
    (folder / "day2" / "README.md").write_text("hello")
    return folder


def converted(capsys: Any, *arguments: object, code: int = 0) -> dict[str, dict[str, Any]]:
    """What became of each, by the name of its output, or its input if it has none."""
    capsys.readouterr()
    assert main(["convert", *map(str, arguments), "--json"]) == code
    return {str(Path(one["output"] or one["inputs"][0]).name): one for one in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_folder_keeps_its_shape(jobs: int, runs: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    found = converted(capsys, runs, "-o", f"{out}/", "--jobs", jobs, code=3)
    assert found["broken.bag"]["status"] == "failed"
    assert "does not begin like one" in found["broken.bag"]["error"]
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.rrd")) == [
        "day1/run.rrd",
        "day2/day2.rrd",
        "day2/run.rrd",
    ]
    assert found["day2.rrd"]["messages"] == 30
    assert len(found["day2.rrd"]["inputs"]) == 3
    made = found["day2.rrd"]
    assert made["output_bytes"] == Path(made["output"]).stat().st_size
    assert list(out.rglob("*.partial")) == []


def test_what_is_up_to_date_is_left(runs: Path, tmp_path: Path, capsys: Any) -> None:
    (runs / "day2" / "broken.bag").unlink()
    out = tmp_path / "out"
    arguments = [runs, "-o", f"{out}/"]

    def statuses(*more: str) -> dict[str, str]:
        return {name: one["status"] for name, one in converted(capsys, *arguments, *more).items()}

    names = ("run.rrd", "day2.rrd")
    assert statuses() == dict.fromkeys(names, "converted")
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.rrd")}
    assert statuses() == dict.fromkeys(names, "up to date")
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.rrd")} == times
    assert statuses("--fields", "none") == dict.fromkeys(names, "converted"), "it is asked for something else"
    assert statuses("--fields", "none", "--force") == dict.fromkeys(names, "converted")
    write_mcap(runs / "day2" / "day2_3.mcap", first=30)
    assert statuses("--fields", "none") == {"run.rrd": "up to date", "day2.rrd": "converted"}
    os.utime(runs / "day1" / "run.mcap", ns=(1, 1))
    os.utime(runs / "day2" / "run.mcap", ns=(1, 1))
    assert statuses("--fields", "none") == {"run.rrd": "converted", "day2.rrd": "up to date"}


def test_what_somebody_else_made_is_not_overwritten(runs: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    converted(capsys, runs / "day1", "-o", f"{out}/")
    made = out / "run.rrd"
    made.write_bytes(b"precious")
    (one,) = converted(capsys, runs / "day1", "-o", f"{out}/", code=1).values()
    assert (one["status"], made.read_bytes()) == ("failed", b"precious")
    assert "use --force" in one["error"]
    converted(capsys, runs / "day1", "-o", f"{out}/", "--force")
    assert made.read_bytes() != b"precious"


def test_beside_the_inputs_and_again(runs: Path, capsys: Any) -> None:
    """Outputs are no inputs of the next time."""
    found = converted(capsys, runs, "--each", code=3)
    assert {str(Path(o["output"]).relative_to(runs)) for o in found.values() if o["output"]} >= {"day2/day2.rrd"}
    again = converted(capsys, runs, "--each", code=3)
    assert {name: one["status"] for name, one in again.items()} == {
        "run.rrd": "up to date",
        "day2.rrd": "up to date",
        "broken.bag": "failed",
    }


def test_two_files_of_one_name(tmp_path: Path, capsys: Any) -> None:
    write_mcap(tmp_path / "run.mcap")
    (tmp_path / "run.csv").write_text("t,a\n1,2\n")
    found = converted(capsys, tmp_path / "run.mcap", tmp_path / "run.csv", "--each")
    assert sorted(found) == ["run.csv.rrd", "run.rrd"]
    assert found["run.csv.rrd"]["messages"] == 1


def test_losses_are_remembered(tmp_path: Path, capsys: Any) -> None:
    """An output that is up to date is still one with losses."""
    write_mcap(tmp_path / "bad.mcap", payload=b"\0\1\0\0\1")
    for status in ("converted", "up to date"):
        (one,) = converted(capsys, tmp_path, "--each", code=3).values()
        assert (one["status"], one["lossless"]) == (status, False)
    assert main(["convert", str(tmp_path), "--each"]) == 3
    assert "with losses, up to date" in capsys.readouterr().out


def test_nothing_but_failures_is_an_error(tmp_path: Path, capsys: Any) -> None:
    for name in ("a.bag", "b.mcap"):
        (tmp_path / name).write_bytes(b"nothing" * 9)
    assert main(["convert", str(tmp_path / "a.bag"), "--each"]) == 1
    assert main(["convert", str(tmp_path / "gone"), "--each"]) == 1
    good = write_mcap(tmp_path / "good.mcap")
    good.write_bytes(good.read_bytes()[:9])
    assert main(["convert", str(good), "--each", "-t", "nothing_like_it"]) in (0, 1, 3)


def test_a_worker_that_dies_costs_its_file(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        write_mcap(tmp_path / f"run{n}x.mcap", count=5)
    line_of = batch_pool.unit_line

    def deadly(unit: Any, settings: Any) -> str:
        return "[]" if "run1x" in str(unit.output) else line_of(unit, settings)

    monkeypatch.setattr(batch_pool, "unit_line", deadly)
    found = converted(capsys, tmp_path, "-o", f"{tmp_path / 'out'}/", "--jobs", "2", code=3)
    assert {name: one["status"] for name, one in found.items()} == {
        f"run{n}x.rrd": "failed" if n == 1 else "converted" for n in range(4)
    }
    assert "its process ended with exit code" in found["run1x.rrd"]["error"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_told_to_end_leaves_no_half_output(number: signal.Signals, tmp_path: Path) -> None:
    """Workers too; what was finished stays, and the next time goes on from there."""
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    write_mcap(source / "small.mcap", count=3)
    rows = "".join(f"{i},{i}\n" for i in range(200_000))
    for n in range(4):
        with (source / f"large{n}.csv").open("w") as file:
            file.write("t,a\n")
            for _ in range(25):
                file.write(rows)
    program = "import sys; from rrbridge_bridge.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "convert", str(source), "-o", f"{out}/", "--jobs", "2"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(out.glob(".*.partial")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(out.glob(".*.partial")), "it has begun"
    if number is signal.SIGINT:
        os.killpg(running.pid, number)  # as a terminal does
    else:
        running.send_signal(number)
    _, said = running.communicate(timeout=200)
    assert running.returncode == 128 + number, said
    assert b"Traceback" not in said, said.decode()
    assert list(out.glob(".*.partial")) == []
    for path in out.glob("*.rrd"):
        assert not RrdReader(path).damage


def test_what_killed_programs_left_is_removed(tmp_path: Path) -> None:
    bag = write_mcap(tmp_path / "run.mcap")
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    dead, alive = tmp_path / f".run.rrd.{done.pid}.partial", tmp_path / f".run.rrd.{os.getppid()}.partial"
    other = tmp_path / f".other.rrd.{done.pid}.partial"
    for path in (dead, alive, other):
        path.write_bytes(b"half")
    assert main(["convert", str(bag), "-q"]) == 0
    assert [path.exists() for path in (dead, alive, other)] == [False, True, True]


@pytest.mark.parametrize("more", [[], ["--jobs", "2"]])
def test_a_terminal_shows_rates_and_the_time_left(more: list[str], tmp_path: Path) -> None:
    """And a pipe shows nothing."""
    source = tmp_path / "in"
    source.mkdir()
    for n in range(2):
        with (source / f"large{n}.csv").open("w") as file:
            file.write("t,a\n" + "".join(f"{i},{i}\n" for i in range(800_000)))
    program = "import sys; from rrbridge_bridge.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "convert", str(source), "-o", str(tmp_path / "out.rrd"), *more]
    if more:
        command[command.index("-o") + 1] = f"{tmp_path / 'out'}/"
    leader, follower = pty.openpty()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower, env=os.environ | {"COLUMNS": "150"})
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    running.communicate(timeout=200)
    assert running.returncode == 0
    for word in (b"converting 2", b"MB/s", b"messages/s", b"0:00:"):
        assert word in shown
    again = subprocess.run([*command, "--force"], capture_output=True, timeout=120, check=True)
    assert again.stderr == b""


@pytest.mark.parametrize(("to", "suffix"), [("mcap", ".mcap"), ("db3", ".db3"), ("rosbag2", ""), ("parquet", "")])
def test_to_any_format(to: str, suffix: str, runs: Path, tmp_path: Path, capsys: Any) -> None:
    (runs / "day2" / "broken.bag").unlink()
    out = tmp_path / "out"
    arguments = [runs, "-o", f"{out}/", "--to", to, "--jobs", "2"]
    found = converted(capsys, *arguments)
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(
        (f"run{suffix}", f"day2{suffix}"), "converted"
    )
    assert found[f"day2{suffix}"]["messages"] == 30
    again = converted(capsys, *arguments)
    assert {one["status"] for one in again.values()} == {"up to date"}
    assert {one["status"] for one in converted(capsys, *arguments, "--force").values()} == {"converted"}
    if to != "parquet":
        assert sum(topic.count or 0 for topic in importers.info(out / f"day2/day2{suffix}").topics) == 30
