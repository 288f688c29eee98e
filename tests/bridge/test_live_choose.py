"""Which live source is meant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rrbridge.errors import RecorderError
from rrbridge_bridge.cli import main
from rrbridge_bridge.live import choose as choosing
from rrbridge_bridge.live.choose import choose, live_sources
from rrbridge_bridge.live.rclpy import RclpySource
from rrbridge_bridge.live.rclpy_sink import RclpySink
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.live.source import LiveSession, SourceOptions


@dataclass(frozen=True)
class Fake:
    name: str
    priority: int
    variable: str

    def signs(self, environment: Mapping[str, str]) -> str:
        return f"{self.variable} is set" if self.variable in environment else ""

    def start(self, options: SourceOptions) -> LiveSession:
        raise AssertionError(options)


FAKES = {fake.name: fake for fake in (Fake("foxglove", 10, "F"), Fake("ros1", 60, "M"), Fake("rclpy", 50, "R"))}


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "live_sources", lambda: FAKES)


@pytest.mark.parametrize(
    ("named", "name", "address"),
    [
        ("rclpy", "rclpy", ""),
        ("ros1:http://master:11311", "ros1", "http://master:11311"),
        ("http://master:11311", "ros1", "http://master:11311"),
        ("ws://robot:8765", "foxglove", "ws://robot:8765"),
    ],
)
def test_a_name_or_an_address_names_the_source(fakes: None, named: str, name: str, address: str) -> None:
    choice = choose(named, {"R": "1"})
    assert (choice.source.name, choice.address) == (name, address)


@pytest.mark.parametrize("named", ["ros3", "ros3:http://x", "ftp://x", ":x"])
def test_an_unknown_name_is_refused_with_those_that_are_known(fakes: None, named: str) -> None:
    with pytest.raises(RecorderError, match="foxglove, rclpy, ros1"):
        choose(named, {})


def test_without_a_name_the_environment_decides_and_it_is_told_why(fakes: None) -> None:
    choice = choose(None, {"R": "1", "M": "1", "F": "1"})
    assert (choice.source.name, choice.reason) == ("ros1", "M is set")
    assert choose(None, {"R": "1", "F": "1"}).source.name == "rclpy"
    with pytest.raises(RecorderError, match=r"--from NAME.* foxglove, rclpy, ros1"):
        choose(None, {})


def test_every_source_answers_in_any_environment() -> None:
    for environment in ({}, {"PATH": "/nowhere", "PYTHONPATH": "\0:/proc/1/root"}, dict(os.environ)):
        for name, source in live_sources().items():
            assert source.name == name
            assert isinstance(source.signs(environment), str)
            assert isinstance(source.priority, int)


def test_rclpy_is_meant_where_it_lies_in_reach(tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path / "bin"), "PYTHONPATH": ""}
    packages = tmp_path / "lib" / "python3.12" / "site-packages"
    (packages / "rclpy").mkdir(parents=True)
    (packages / "rclpy" / "__init__.py").write_text("")
    source = RclpySource()
    assert source.signs(nothing | {"PYTHONPATH": f"/a:{packages}"}) == f"rclpy is in {packages}"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").write_text("")
    (tmp_path / "bin" / "python3").chmod(0o755)
    assert source.signs(nothing) == f"rclpy is in {packages}"
    assert "/opt/python" in source.signs({"RRBRIDGE_ROS_PYTHON": "/opt/python"})


def test_an_address_that_nobody_needs_is_refused() -> None:
    """Not left alone: who names a robot must not be given another's topics."""
    for open_it in (
        lambda: RclpySource().start(SourceOptions(address="10.0.0.2")),
        lambda: RclpySink().open(SinkOptions(address="10.0.0.2")),
    ):
        with pytest.raises(RecorderError, match=r"rclpy takes no address \('10\.0\.0\.2'\)"):
            open_it()


@pytest.mark.parametrize("command", [["record", "--list"], ["info"], ["hz"], ["bw"], ["tf"], ["echo", "/a"]])
def test_every_command_heeds_the_variable_that_names_the_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("RRBRIDGE_ROS_PYTHON", "/none/python")
    assert main([*command, "--from", "rclpy"]) == 1
    assert "/none/python cannot be started" in capsys.readouterr().err
