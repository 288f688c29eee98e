"""The command line of `rrbridge record`, its settings file, and what stands in `launch/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rich_click as click

from rrbridge_bridge.commands.record import record
from rrbridge_bridge.record.settings import RecordSettings

LAUNCH = Path(__file__).resolve().parents[2] / "launch"


def parsed(*arguments: str) -> dict[str, Any]:
    return record.make_context("record", list(arguments)).params


def test_settings_come_from_a_file_and_the_command_line_comes_first(tmp_path: Path) -> None:
    config = tmp_path / "record.yaml"
    config.write_text("output: a.rrd\ntopics: [/tf, /scan]\nbacklog: 7MB\nraw: false\nall: true\n")
    options = parsed("--config", str(config), "-o", "b.rrd")
    assert options["output"] == (Path("b.rrd"),)
    assert options["topics"] == ("/tf", "/scan")
    assert (options["backlog"], options["raw"], options["every"]) == (7_000_000, False, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "not a list"),
        ("colour: red\n", "unknown: colour"),
        ("a: [", "expected"),
        ("split: 5\n", "split: not a list of `option: value`; known are size, duration"),
    ],
)
def test_a_settings_file_that_says_nonsense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "record.yaml"
    config.write_text(text)
    with pytest.raises(click.BadParameter, match=said):
        parsed("--config", str(config))


def test_the_sample_settings_are_good() -> None:
    selection = RecordSettings(**parsed("--config", str(LAUNCH / "record.yaml"))).selection()
    assert selection.wants("/scan")
    assert not selection.wants("/rosout")


def test_the_systemd_unit_is_one(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    unit = tmp_path / "rrbridge-record.service"
    unit.write_text((LAUNCH / "rrbridge-record.service").read_text())
    found = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")


def test_without_topics_it_says_what_to_give() -> None:
    found = subprocess.run([Path(sys.executable).parent / "rrbridge", "record"], capture_output=True, text=True)
    assert found.returncode == 2
    assert "-a for all" in found.stderr


@pytest.mark.parametrize("wrong", [["-e", "("], ["-a", "-x", "["]])
def test_a_pattern_that_is_none_is_wrong_usage(wrong: list[str]) -> None:
    found = subprocess.run([Path(sys.executable).parent / "rrbridge", "record", *wrong], capture_output=True, text=True)
    assert found.returncode == 2
    assert "not a regular expression" in found.stderr
