"""The page on recording names every option and key, and its settings file is a good one."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import rich_click as click

from rrbridge_bridge.commands.record import record
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.recorder import Snapshot
from rrbridge_bridge.record.settings import RecordSettings
from rrbridge_bridge.record.status import Rate, Status, status_facts

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "record.md").read_text()
ELSEWHERE = {"--application-id", "--recording-id", "--robot", "--prefix", "--compression", "--json"}
"""As for other commands: their help is enough."""


def test_every_option_is_in_the_page() -> None:
    options = [
        [*p.opts, *p.secondary_opts]
        for p in record.params
        if isinstance(p, click.Option) and not ELSEWHERE & set(p.opts)
    ]
    missing = [names for names in options if not any(re.search(rf"{re.escape(n)}\b", PAGE) for n in names)]
    assert missing == []


def test_every_key_of_json_lines_is_in_the_page() -> None:
    snapshot = Snapshot(**{field.name: () for field in fields(Snapshot)})  # type: ignore[arg-type]
    keys = {*status_facts(Status(snapshot)), *(f.name for f in (*fields(TopicState), *fields(Rate)))}
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE] == []


def test_settings_that_the_sample_has_as_comments_are_good_too(tmp_path: Path) -> None:
    lines = re.findall(r"^# ([a-z_-]+: .+)$", (ROOT / "launch" / "record.yaml").read_text(), re.MULTILINE)
    assert len(lines) >= 15
    for number, line in enumerate(lines):
        path = tmp_path / f"{number}.yaml"
        path.write_text(f"all: true\n{line}\n")
        settings = RecordSettings(**record.make_context("record", ["--config", str(path)]).params)
        assert settings.selection().every
        if not line.startswith("keep:"):  # which needs one of the others
            assert settings.recorder_options().backlog_bytes == 256_000_000


def test_settings_in_the_page_and_the_sample_are_good(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "record.yaml"
    path.write_text(block)
    for file in (path, ROOT / "launch" / "record.yaml"):
        settings = RecordSettings(**record.make_context("record", ["--config", str(file)]).params)
        assert settings.selection().wants("/tf", "tf2_msgs/msg/TFMessage")
        assert settings.recorder_options().backlog_bytes == 256_000_000
