"""`rrbridge convert`, `info` and `adapters` as a person runs them: exit codes, what is printed, what is left on disk."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from benchmark_bags import BagKind, many_small_messages
from rrbridge import importers
from rrbridge._messages import StoredChunk
from rrbridge.chunk import Chunk
from rrbridge.errors import FileError, InvalidValueError
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main
from rrbridge_bridge.output_files import complete_or_absent
from rrbridge_bridge.run_id import recording_id
from rrbridge_bridge.times import parse_time
from simulated_robot import simulate

BIN = Path(sys.executable).parent
STORE = get_typestore(Stores.ROS2_HUMBLE)


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Ten numbers a second apart, a map that is latched at the start, a type that nobody knows."""
    return write_bag(tmp_path / "run")


def write_bag(folder: Path) -> Path:
    number, text = STORE.types["std_msgs/msg/Float64"], STORE.types["std_msgs/msg/String"]
    with Writer(folder, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        numbers = writer.add_connection("/number", number.__msgtype__, typestore=STORE)
        latched = writer.add_connection("/map_name", text.__msgtype__, typestore=STORE)
        unknown = writer.add_connection(
            "/odd", "odd_msgs/msg/Odd", msgdef="", rihs01="RIHS01_" + 64 * "0", serialization_format="cdr"
        )
        for name in ("old", "new"):
            writer.write(latched, 100 * 10**9, STORE.serialize_cdr(text(data=name), text.__msgtype__))
        for i in range(10):
            at = (100 + i) * 10**9
            writer.write(numbers, at, STORE.serialize_cdr(number(data=float(i)), number.__msgtype__))
        writer.write(unknown, 105 * 10**9, b"\0\1\0\0\7")
    return folder / f"{folder.name}.db3"


def chunks_of(path: Path) -> list[Chunk]:
    return [m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]


def values(path: Path, entity: str, component: str) -> list[Any]:
    found = [c for c in chunks_of(path) if c.entity_path == entity and component in c.components]
    return [cell for c in found for cell in c.components[component].cells.to_pylist()]


def test_standard_input_is_no_file(capsys: Any) -> None:
    assert main(["convert", "-", "-o", "x.rrd"]) == 2
    assert "recordings are read from files, not from standard input" in " ".join(capsys.readouterr().err.split())


def test_convert_prints_a_table(bag: Path, tmp_path: Path, capsys: Any, verified: Callable[[Path], None]) -> None:
    output = tmp_path / "out.rrd"
    assert main(["convert", str(bag), "-o", str(output)]) == 3, (
        "the bytes of a type that nobody knows are all that is kept"
    )
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "/number" in printed.out
    assert "bytes only" in printed.out
    assert "1 not decoded" in printed.out
    assert "/odd: no definition of odd_msgs/msg/Odd" in printed.out
    assert "odd_msgs/msg/Odd" in printed.out
    assert "9.0 s of 13 messages" in printed.out
    verified(output)
    assert values(output, "/__properties", "RecordingInfo:start_time") == [[100 * 10**9]]
    assert values(output, "/__properties", "RecordingInfo:name") == [["run.db3"]]
    assert list(tmp_path.glob(".*partial")) == []


def test_convert_tells_programs(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["convert", str(bag), "-o", str(tmp_path / "out.rrd"), "--json", "--robot", "R2"]) == 3
    told = json.loads(capsys.readouterr().out)
    topics = {topic["topic"]: topic for topic in told["topics"]}
    assert topics["/number"]["messages"] == 10
    assert topics["/number"]["mapped_by"] == "rrbridge_bridge.messages.std_msgs.number"
    assert topics["/odd"]["bytes_only"]
    assert topics["/odd"]["undecodable"] == 1
    assert told["recording_id"] == recording_id(bag)
    assert not told["lossless"]
    assert told["losses"] == []
    assert values(tmp_path / "out.rrd", "/__properties/robot", "name") == [["R2"]]
    assert main(["convert", str(bag), "-o", str(tmp_path / "known.rrd"), "--json", "-x", "odd"]) == 0
    assert json.loads(capsys.readouterr().out)["lossless"]


def test_output_is_beside_the_input_and_not_overwritten(bag: Path, capsys: Any) -> None:
    assert main(["convert", str(bag), "--json", "-x", "odd"]) == 0
    output = bag.with_suffix(".rrd")
    first = output.read_bytes()
    assert main(["convert", str(bag)]) == 1
    assert "exists already; use --force" in capsys.readouterr().err.replace("\n", " ")
    assert output.read_bytes() == first
    assert main(["convert", str(bag), "--force", "-t", "/number"]) == 0
    assert output.read_bytes() != first


def test_topics_and_times(bag: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.rrd"
    arguments = ["convert", str(bag), "-o", str(output), "-x", "odd", "--start", "+2.5s", "--end", "106"]
    assert main(arguments) == 0
    entities = {c.entity_path for c in chunks_of(output)}
    assert "/odd" not in entities
    assert values(output, "/number", "Scalars:scalars") == [[3.0], [4.0], [5.0], [6.0]]


def test_a_cut_carries_what_was_latched(tmp_path: Path) -> None:
    text = STORE.types["std_msgs/msg/String"]
    folder = tmp_path / "latched"
    with Writer(folder, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

        never = QosTime(0, 0)
        latched = Qos(
            QosHistory.KEEP_LAST,
            1,
            QosReliability.RELIABLE,
            QosDurability.TRANSIENT_LOCAL,
            never,
            never,
            QosLiveliness.AUTOMATIC,
            never,
            False,
        )
        names = writer.add_connection("/map_name", text.__msgtype__, typestore=STORE, offered_qos_profiles=[latched])
        other = writer.add_connection("/other", text.__msgtype__, typestore=STORE)
        for second, name in ((100, "old"), (101, "new"), (104, "newest")):
            writer.write(names, second * 10**9, STORE.serialize_cdr(text(data=name), text.__msgtype__))
            writer.write(other, second * 10**9, STORE.serialize_cdr(text(data=name), text.__msgtype__))
    output = tmp_path / "out.rrd"
    assert main(["convert", str(folder), "-o", str(output), "--start", "+2s"]) == 0
    assert values(output, "/other", "TextDocument:text") == [["newest"]]
    assert sorted(values(output, "/map_name", "TextDocument:text")) == [["new"], ["newest"]]
    (repeated,) = [c for c in chunks_of(output) if "repeated" in c.components]
    assert repeated.times["message_log_time"].values.tolist() == [102 * 10**9]
    assert repeated.times["message_publish_time"].values.tolist() == [101 * 10**9]


def test_several_inputs_become_one_recording(tmp_path: Path, capsys: Any, verified: Callable[[Path], None]) -> None:
    first, second = write_bag(tmp_path / "a"), write_bag(tmp_path / "b")
    output = tmp_path / "both.rrd"
    assert main(["convert", str(first), str(second), "-o", str(output), "--json", "-x", "odd"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {topic["topic"]: topic["messages"] for topic in told["topics"]}["/number"] == 20
    verified(output)
    ids = [row.tobytes() for c in chunks_of(output) if not c.is_static for row in c.row_ids]
    assert len(ids) == len(set(ids))
    assert len({m.store_id for m in RrdReader(output).messages() if isinstance(m, StoredChunk)}) == 1


def test_damaged_messages_are_an_exit_code_of_their_own(tmp_path: Path, capsys: Any) -> None:
    number = STORE.types["std_msgs/msg/Float64"]
    with Writer(tmp_path / "bad", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        numbers = writer.add_connection("/number", number.__msgtype__, typestore=STORE)
        writer.write(numbers, 1, STORE.serialize_cdr(number(data=1.0), number.__msgtype__))
        writer.write(numbers, 2, b"\0\1\0\0\1")
    output = tmp_path / "out.rrd"
    assert main(["convert", str(tmp_path / "bad"), "-o", str(output)]) == 3
    assert "1 not decoded" in capsys.readouterr().out
    assert values(output, "/number", "McapMessage:data") == [[[0, 1, 0, 0, 1]]]
    assert values(output, "/number", "Scalars:scalars") == [[1.0]]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["convert", "nowhere.mcap"], 1, "no such file"),
        (["convert", "text.xyz"], 1, "not a file that rrbridge can open"),
        (["convert", "run.db3", "--start", "yesterday"], 1, "time: expected"),
        (["convert", "run.db3", "-t", "("], 2, "expected a regular expression or a glob"),
        (["convert", "run.db3", "-o", "-"], 2, "not to standard output"),
        (["convert", "run.db3", "-o", "no.rrd", "--start", "+10s", "--end", "+5s"], 1, "a time after --start (+10s)"),
        (["convert", "run.db3", "-o", "no.rrd", "--start", "+100s"], 1, "messages are from 100.000 s to 109.000 s"),
        (
            ["convert", "run.db3", "-o", "no.rrd", "-t", "typo"],
            1,
            "no topic is chosen; there are /map_name, /number, /odd",
        ),
        (["convert"], 2, "Missing argument"),
        (["convert", "run.db3", "-o", "missing/folder/out.rrd"], 1, "cannot be written"),
        (["convert", "done.rrd"], 1, "is what is to be read"),
        (["convert", "run.db3", "--timeline", "a"], 2, "two timelines that are one"),
        (["convert", "run.db3", "--offset", "soon"], 2, "a duration such as 1.5s"),
        (["convert", "empty.bag"], 1, "empty.bag: is empty"),
        (["convert", "empty.bag", "nowhere.bag"], 1, "no such file"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_errors_are_one_sentence(
    arguments: list[str], code: int, said: str, bag: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bag.parent)
    Path("text.xyz").write_text("hello")
    Path("empty.bag").touch()
    main(["convert", str(bag), "-o", "done.rrd"])
    capsys.readouterr()
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert said in " ".join(error.split())
    assert "Traceback" not in error
    assert list(bag.parent.glob(".*partial")) == []
    assert not Path("no.rrd").exists()


def test_a_pattern_that_chooses_nothing_is_told(bag: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["convert", str(bag), "-o", str(tmp_path / "out.rrd"), "-t", "^/number$", "-t", "typo"]) == 0
    assert "note: no topic matches typo" in capsys.readouterr().out


def test_a_recording_without_messages_is_no_error(tmp_path: Path) -> None:
    with Writer(tmp_path / "empty", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/number", "std_msgs/msg/Float64", typestore=STORE)
    folder, output = tmp_path / "empty", tmp_path / "out.rrd"
    assert main(["convert", str(folder), "-o", str(output), "--start", "+1s"]) == 0


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_is_read_is_never_overwritten(bag: Path, tmp_path: Path, capsys: Any, force: list[str]) -> None:
    before = bag.read_bytes()
    link, hard_link, folder_link = tmp_path / "link", tmp_path / "hard", tmp_path / "folder"
    link.symlink_to(bag)
    hard_link.hardlink_to(bag)
    folder_link.symlink_to(bag.parent)
    other = write_bag(tmp_path / "other")
    for inputs, output in (
        ([bag], bag),
        ([other, bag], bag),
        ([link], bag),
        ([bag], link),
        ([bag], hard_link),
        ([bag.parent], bag),
        ([bag.parent], bag.parent / "metadata.yaml"),
        ([folder_link], bag.parent / "new.rrd"),
        ([bag.parent], folder_link / "new.rrd"),
    ):
        assert main(["convert", *map(str, inputs), "-o", str(output), *force]) == 1
        assert "to be read" in " ".join(capsys.readouterr().err.split())
        assert bag.read_bytes() == before
        assert sorted(p.name for p in bag.parent.iterdir()) == ["metadata.yaml", "run.db3"]
        assert link.is_symlink()


def test_only_files_are_overwritten(bag: Path, tmp_path: Path, capsys: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to_pipe").symlink_to("pipe")
    (tmp_path / "circle").symlink_to("circle")
    for name, said in (("pipe", "is no file"), ("to_pipe", "is no file"), ("circle", "leads nowhere")):
        assert main(["convert", str(bag), "-o", str(tmp_path / name), "--force"]) == 1
        assert said in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "circle").is_symlink()


def test_a_link_is_written_through(bag: Path, tmp_path: Path, verified: Callable[[Path], None]) -> None:
    """Recordings are kept on another disk by linking to it."""
    (tmp_path / "disk").mkdir()
    link, target = tmp_path / "out.rrd", tmp_path / "disk" / "real.rrd"
    link.symlink_to(target)
    assert main(["convert", str(bag), "-o", str(link), "-x", "odd"]) == 0
    first = target.read_bytes()
    assert main(["convert", str(bag), "-o", str(link), "-x", "odd"]) == 1, "the target is there already"
    assert main(["convert", str(bag), "-o", str(link), "-t", "number", "--force"]) == 0
    assert link.is_symlink()
    assert target.read_bytes() != first
    verified(target)


@pytest.mark.parametrize("name", ["x" * 251, "é" * 125])
def test_long_names(bag: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / f"{name}.rrd"
    assert main(["convert", str(bag), "-o", str(output), "-x", "odd"]) == 0
    assert output.is_file()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_being_told_to_end_leaves_nothing_behind(
    bag: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr("rrbridge_bridge.driver.Driver.convert", lambda *_, **__: os.kill(os.getpid(), number))
    folder = tmp_path / "out"
    folder.mkdir()
    assert main(["convert", str(bag), "-o", str(folder / "out.rrd")]) == code
    assert list(folder.iterdir()) == []
    assert signal.getsignal(number) is before
    assert "Traceback" not in capsys.readouterr().err


def test_a_closed_pipe_is_no_failure(bag: Path, tmp_path: Path) -> None:
    """`rrbridge convert … | head -1`: the file is written."""
    for arguments in ([], ["--json"]):
        output = tmp_path / f"out{len(arguments)}.rrd"
        command = [str(BIN / "rrbridge"), "convert", str(bag), "-o", str(output), "-x", "odd", *arguments]
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")
        assert output.is_file()
    reader, writer = os.pipe()
    os.close(reader)
    for command in (["info", str(bag)], ["info", str(bag), "--json"], ["adapters"], ["adapters", "--json"]):
        assert subprocess.run([BIN / "rrbridge", *command], stdout=writer, timeout=60, check=False).returncode == 0
    os.close(writer)


def test_closed_streams_are_no_failure(bag: Path, tmp_path: Path) -> None:
    """`rrbridge convert … >&- 2>&-`, as services start programs."""
    command = f"'{BIN / 'rrbridge'}' convert '{bag}' -o '{tmp_path / 'out.rrd'}' -x odd >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], timeout=60, check=False).returncode == 0
    assert importers.info(tmp_path / "out.rrd").topics


def test_an_ending_that_says_another_format_is_wrong_usage(bag: Path, tmp_path: Path, capsys: Any) -> None:
    for name in ("out.db3.zst", "out.json", "out.mcpa"):
        assert main(["convert", str(bag), "-o", str(tmp_path / name)]) == 2
        assert "no format is known by the ending" in capsys.readouterr().err
        assert not (tmp_path / name).exists()
    for name, *how in (("out.json", "--to", "rrd"), ("out_2024.05.17",), ("out",), ("each.d", "--each")):
        assert main(["convert", str(bag), "-x", "odd", "-o", str(tmp_path / name), *how]) == 0


def test_a_file_system_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a one refuses to remove even what is not there."""

    def refused(path: Path, **_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    with (
        pytest.raises(FileError, match=r"out\.rrd: cannot be written: Read-only"),
        complete_or_absent(tmp_path / "out.rrd") as partial,
    ):
        refused(partial)


def test_an_old_terminal_shows_what_it_can(bag: Path, tmp_path: Path) -> None:
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    named = tmp_path / "garçon.db3"
    named.write_bytes(bag.read_bytes())
    command = [str(BIN / "rrbridge"), "convert", str(named), "-x", "odd"]
    done = subprocess.run(command, env=os.environ | plain, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout
    assert values(tmp_path / "garçon.rrd", "/__properties", "RecordingInfo:name") == [["garçon.db3"]]


def test_names_that_are_no_text(bag: Path, tmp_path: Path, capsys: Any) -> None:
    named = tmp_path / os.fsdecode(b"\xff.db3")
    named.write_bytes(bag.read_bytes())
    output = tmp_path / "out.rrd"
    assert main(["convert", str(named), "-o", str(output), "-x", "odd", "--json"]) == 0
    assert values(output, "/__properties", "RecordingInfo:name") == [["\ufffd.db3"]]


def test_a_failure_leaves_nothing_behind(
    bag: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("rrbridge_bridge.driver.Driver.convert", broken)
    folder = tmp_path / "out"
    folder.mkdir()
    assert main(["convert", str(bag), "-o", str(folder / "out.rrd")]) == 1
    assert "unexpected RuntimeError: out of luck" in " ".join(capsys.readouterr().err.split())
    assert list(folder.iterdir()) == []


def test_info(bag: Path, capsys: Any) -> None:
    assert main(["info", str(bag)]) == 0
    printed = capsys.readouterr().out
    assert "rosbag2" in printed
    assert "9.0 s" in printed
    assert "1 Hz" in printed
    assert main(["info", str(bag), str(bag), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [summary["messages"] for summary in told] == [13, 13]
    assert {t["topic"]: t["messages"] for t in told[0]["topics"]} == {"/number": 10, "/map_name": 2, "/odd": 1}


def test_adapters(capsys: Any) -> None:
    assert main(["adapters"]) == 0
    assert "sensor_msgs/msg/Imu" in capsys.readouterr().out
    assert main(["adapters", "--json"]) == 0
    told = {adapter["type"]: adapter for adapter in json.loads(capsys.readouterr().out)}
    assert told["sensor_msgs/msg/Image"]["carries"] == ["data"]
    assert told["sensor_msgs/msg/Imu"]["reference"]


def test_help_lists_commands_even_broken_ones(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("stranger", "no_such_module:command", "rrbridge.commands")

    def with_stranger(**wanted: str) -> list[Any]:
        found: Any = entry_points(**wanted)
        return [*found, broken] if wanted.get("name", "stranger") == "stranger" else [*found]

    monkeypatch.setattr("rrbridge_bridge.cli.entry_points", with_stranger)
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert "convert" in printed
    assert "not available" in printed
    assert main(["stranger", "--some", "thing"]) == 1
    assert "no_such_module" in " ".join(capsys.readouterr().err.split())
    assert main(["info", "nowhere"]) == 1, "other commands still work"


def test_help_is_quick() -> None:
    began = time.monotonic()
    subprocess.run([BIN / "rrbridge", "--version"], check=True, capture_output=True)
    assert time.monotonic() - began < 1.0
    code = "import sys, rrbridge_bridge.cli; sys.exit('pyarrow' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "nanos", "from_start"),
    [
        ("+10s", 10 * 10**9, True),
        ("+500ms", 5 * 10**8, True),
        ("+2m", 120 * 10**9, True),
        ("+1.5", 15 * 10**8, True),
        ("1700000000.123456789", 1_700_000_000_123_456_789, False),
        ("2023-11-14T22:13:20Z", 1_700_000_000 * 10**9, False),
        ("2023-11-14T22:13:20.123456789", 1_700_000_000_123_456_789, False),
        ("2023-11-14 23:13:20+01:00", 1_700_000_000 * 10**9, False),
    ],
)
def test_times_as_a_person_types_them(text: str, nanos: int, from_start: bool) -> None:
    point = parse_time(text)
    assert (point.nanos, point.from_start) == (nanos, from_start)


@pytest.mark.parametrize("text", ["", "soon", "+10x", "2023-13-01", "+"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(InvalidValueError, match="time: expected"):
        parse_time(text)


def test_recording_ids_come_from_content(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "run")
    copy = tmp_path / "copy.db3"
    copy.write_bytes(bag.read_bytes())
    assert recording_id(copy) == recording_id(bag)
    assert recording_id(bag.parent) == recording_id(bag)
    copy.write_bytes(bag.read_bytes() + b"x")
    assert recording_id(copy) != recording_id(bag)


def test_parts_of_one_run_share_an_id(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for n in range(3):
        (run / f"run_{n}.mcap").write_bytes(bytes([n]) * 100)
    parts = [recording_id(run / f"run_{n}.mcap") for n in range(3)]
    assert parts == [recording_id(run)] * 3
    (run / "other_1.mcap").write_bytes(b"other")
    (run / "other_0.mcap").write_bytes(b"first")
    assert recording_id(run / "other_1.mcap") != recording_id(run / "other_0.mcap")
    for n, date in enumerate(["2024-01-01-10-00-00", "2024-01-01-10-05-00"]):
        (tmp_path / f"arm_{date}_{n}.bag").write_bytes(bytes([n]) * 50)
    assert recording_id(tmp_path / "arm_2024-01-01-10-05-00_1.bag") == recording_id(
        tmp_path / "arm_2024-01-01-10-00-00_0.bag"
    )


def test_anything_that_opens_recordings_opens_bags(bag: Path) -> None:
    messages = list(importers.read(bag))
    stored = [m for m in messages if isinstance(m, StoredChunk)]
    assert {m.store_id.application_id for m in stored} == {"rrbridge"}
    assert {m.store_id.recording_id for m in stored} == {recording_id(bag)}
    assert "/number" in {m.chunk.entity_path for m in stored}
    assert importers.find(bag).name == importers.find(bag.parent).name == "rosbag2 sqlite3"
    assert np.sum([m.chunk.num_rows for m in stored if m.chunk.entity_path == "/number"]) > 10


def imported_by(arguments: Sequence[str | Path]) -> set[str]:
    """The modules that a command has imported when it is done."""
    program = (
        "import sys\nfrom rrbridge_bridge.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_converting_does_not_import_pandas(tmp_path: Path) -> None:
    """It takes 0.2 s of a second; pandas is installed here, which is when pyarrow would import it."""
    pytest.importorskip("pandas")
    bag = simulate(tmp_path / "bag", duration_secs=2.0)
    assert "pandas" not in imported_by(["convert", bag, "-o", tmp_path / "run.rrd"])


@pytest.mark.parametrize("kind", ["mcap", "bag"])
def test_converting_imports_what_a_file_needs(tmp_path: Path, kind: BagKind) -> None:
    """A start is 0.3 s, and most of it is imports."""
    file = many_small_messages(tmp_path / "run", kind, scale=0.001)
    imported = imported_by(["convert", "--quiet", file, "-o", tmp_path / "run.rrd"])
    others = {"mcap": "rrbridge_bridge.readers.bag", "bag": "mcap.records"}
    unneeded = {
        "bz2", "hashlib", "importlib.metadata", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "rosbags", "sqlite3",
        "tempfile", "yaml", "zstandard", "rrbridge._dataframe", "rrbridge._mcap_info", "rrbridge.rrd._reader",
        "rrbridge.rrd.tools", "rrbridge_bridge.decode._idl", "rrbridge_bridge.decode.protobuf",
        "rrbridge_bridge.messages.vision_msgs", "rrbridge_bridge.messages.visualization_msgs",
        "rrbridge_bridge.readers._compression", "rrbridge_bridge.readers._folder", "rrbridge_bridge.readers._indexed",
        "rrbridge_bridge.readers._unpack", others[kind],
    }  # fmt: skip
    assert imported & unneeded == set()
