"""Runs every script of `scripts/` with one SDK, in one process: `scripts_runner.py rerun|rrbridge OUT [NAME…]`.

With `rrbridge`, the name `rerun` means rrbridge: that is all that a program changes. Each script has a folder of its own
and a recording in it; what it writes itself lies beside. Prints the names of the scripts that failed.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import runpy
import sys
import traceback
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"


class _Renamed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `rerun` and what is in it as rrbridge."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name.split(".")[0] == "rerun" else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> object:  # type: ignore[override]
        return importlib.import_module("rrbridge" + spec.name.removeprefix("rerun"))

    def exec_module(self, module: object) -> None:
        """It ran when it was imported."""


def main(sdk: str, out: Path, names: list[str]) -> int:
    if sdk == "rrbridge":
        sys.meta_path.insert(0, _Renamed())
    import rerun as rr

    failed = []
    for script in sorted(SCRIPTS.glob("*.py")):
        if names and script.stem not in names:
            continue
        folder = out / script.stem
        folder.mkdir(parents=True)
        os.chdir(folder)
        rr.init("scripts", recording_id=script.stem, strict=True, send_properties=False)
        rr.save("main.rrd")
        main_recording = rr.get_global_data_recording()
        try:
            runpy.run_path(str(script))
        except Exception:  # noqa: BLE001 - whatever a script raises is its failure
            traceback.print_exc()
            failed.append(script.stem)
        main_recording.flush()
        main_recording.disconnect()
        rr.reset_time(main_recording)
    print("\n".join(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3:]))
