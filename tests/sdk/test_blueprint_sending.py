"""Blueprints on their way: to a file of their own, within a recording, and as the default of a sink."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rrbridge as rr
import rrbridge.blueprint as rrb
from rrbridge._messages import ActivateBlueprint, StoredChunk, StoreInfo, StoreKind
from rrbridge.errors import InvalidValueError
from rrbridge.rrd import RrdReader

BIN = Path(sys.executable).parent


def _order(path: Path) -> list[str]:
    """What a file holds, in order: announcements and activations, and the paths of chunks; repetitions once.

    Without the recording's properties, which the reference writes apart from other rows.
    """
    found: list[str] = []
    for message in RrdReader(path).messages():
        if isinstance(message, StoreInfo):
            said = f"announce {message.store_id.kind.name.lower()} of {message.store_id.application_id}"
        elif isinstance(message, ActivateBlueprint):
            said = f"activate: now {message.make_active}, by default {message.make_default}"
        elif message.store_id.kind == StoreKind.BLUEPRINT:
            said = "blueprint"
        else:
            said = message.chunk.entity_path
        if said not in ("/__properties", *found[-1:]):
            found.append(said)
    return found


def _end(package: Any, recording: Any) -> None:
    recording.flush()  # the reference writes rows and blueprints from threads of their own
    recording.log("late", package.Scalars(1))
    recording.disconnect()


def _by_save(package: Any, path: Path) -> None:
    package.init("robot")
    package.log("early", package.Scalars(0))
    package.save(path, default_blueprint=package.blueprint.TextLogView(name="log"))
    _end(package, package.get_global_data_recording())


def _by_set_sinks(package: Any, path: Path) -> None:
    package.init("robot")
    package.set_sinks(package.FileSink(str(path)), default_blueprint=package.blueprint.Grid(contents=[]))
    _end(package, package.get_global_data_recording())


def _by_sending(package: Any, path: Path) -> None:
    package.init("robot")
    package.save(path)
    package.send_blueprint(package.blueprint.Blueprint(package.blueprint.TopPanel(state="hidden")), make_default=False)
    _end(package, package.get_global_data_recording())


def _by_sending_before_there_is_a_file(package: Any, path: Path) -> None:
    recording = package.RecordingStream("robot")
    recording.send_blueprint(package.blueprint.Tabs(package.blueprint.MapView()), make_active=False)
    recording.save(path)
    _end(package, recording)


def _by_init_alone(package: Any, path: Path) -> None:
    package.init("robot", default_blueprint=package.blueprint.MapView())
    package.save(path)
    _end(package, package.get_global_data_recording())


@pytest.mark.parametrize(
    "log", [_by_save, _by_set_sinks, _by_sending, _by_sending_before_there_is_a_file, _by_init_alone]
)
def test_comes_where_the_reference_puts_it(log: Callable[[Any, Path], None], tmp_path: Path) -> None:
    reference = pytest.importorskip("rerun")
    log(rr, tmp_path / "ours.rrd")
    log(reference, tmp_path / "theirs.rrd")
    assert _order(tmp_path / "ours.rrd") == _order(tmp_path / "theirs.rrd")


def test_saved_blueprints_verify_and_read_back(tmp_path: Path) -> None:
    blueprint = rrb.Blueprint(
        rrb.Horizontal(
            rrb.Spatial3DView(
                overrides={"/a": [rr.Points3D.from_fields(radii=1), rrb.EntityBehavior(visible=False)]},
                time_ranges=rrb.VisibleTimeRange(
                    "t", start=rrb.TimeRangeBoundary.cursor_relative(seq=-1), end=rrb.TimeRangeBoundary.infinite()
                ),
            ),
            rrb.TensorView(slice_selection=rrb.TensorSliceSelection(width=1, slider=[2])),
        ),
        rrb.TimePanel(state="collapsed", play_state="following"),
    )
    path = tmp_path / "layout.rbl"
    blueprint.save("robot", path)
    subprocess.run([BIN / "rerun", "rrd", "verify", path], check=True, capture_output=True)
    reader = RrdReader(path)
    read = {m.chunk.entity_path: m.chunk.is_static for m in reader.messages() if isinstance(m, StoredChunk)}
    assert reader.truncated_at is None
    assert reader.footer() is not None
    assert read.keys() == {row.entity_path for row in blueprint.blueprint_rows() if row.batches}
    assert [path for path, is_static in read.items() if is_static] == ["/time_panel"]


def test_is_named_after_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rrb.Blueprint().save("robot")
    assert _order(tmp_path / "robot.rbl") == [
        "announce blueprint of robot",
        "blueprint",
        "activate: now True, by default True",
    ]


def test_nothing_is_sent_to_a_recording_that_is_off(tmp_path: Path) -> None:
    recording = rr.RecordingStream("robot", default_enabled=False)
    recording.send_blueprint(rrb.MapView())
    recording.save(tmp_path / "off.rrd")
    recording.disconnect()
    assert not (tmp_path / "off.rrd").exists()


@pytest.mark.parametrize("nonsense", [5, rrb.TimePanel(), rrb.EntityBehavior()])
def test_only_blueprints_are_sent(nonsense: Any, tmp_path: Path) -> None:
    recording = rr.RecordingStream("robot")
    with pytest.raises(InvalidValueError, match="a Blueprint, a view or a container"):
        recording.send_blueprint(nonsense)
    with pytest.raises(InvalidValueError):
        recording.save(tmp_path / "none.rrd", default_blueprint=nonsense)
    assert not (tmp_path / "none.rrd").exists()


def test_loads_when_it_is_used() -> None:
    program = (
        "import sys, rrbridge as rr; "
        "assert not any(name.startswith('rrbridge.blueprint') for name in sys.modules); "
        "assert rr.blueprint.Grid().kind.name == 'Grid'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
