"""What type checkers make of user code: `typed_user_code.py` has no line that is wrong without saying so, nor the reverse.

Strict mypy sees it with all other files in `scripts/test`; this is pyright, as editors run it.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rrbridge as rr

HERE = Path(__file__).resolve().parent
USER_CODE = HERE / "typed_user_code.py"
PYRIGHT = Path(sys.executable).parent / "basedpyright"


def check(code: Path, folder: Path) -> list[str]:
    """What pyright complains about, its own strictest way apart from names of other packages without types."""
    folder.mkdir(exist_ok=True)
    settings = {
        "include": [str(code)],
        "extraPaths": [str(HERE.parents[1] / "sdk")],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,  # those are mypy's
        "reportUnnecessaryTypeIgnoreComment": True,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return [f"{d['range']['start']['line'] + 1}: {d['message']}" for d in found["generalDiagnostics"]]


@pytest.fixture(autouse=True)
def _pyright_is_installed() -> None:
    if not PYRIGHT.is_file():
        pytest.skip("basedpyright is not installed: pip install --group lint")


def test_user_code_is_as_right_and_as_wrong_as_it_says(tmp_path: Path) -> None:
    assert check(USER_CODE, tmp_path / "config") == []


def test_every_deliberate_mistake_is_found(tmp_path: Path) -> None:
    """Without their ignores, exactly the marked lines are complained about."""
    text = USER_CODE.read_text()
    marked = {n for n, line in enumerate(text.splitlines(), 1) if "# pyright: ignore" in line}
    assert len(marked) > 15
    bare = tmp_path / "bare.py"
    bare.write_text(re.sub(r"  # (type|pyright): ignore.*", "", text))
    assert {int(found.split(":")[0]) for found in check(bare, tmp_path / "config")} == marked


def test_every_name_of_the_package_is_known_to_pyright(tmp_path: Path) -> None:
    """Names that load when first used must be declared to checkers too."""
    names = [name for name in dir(rr) if not name.startswith("_") and not inspect.ismodule(getattr(rr, name))]
    assert len(names) > 150
    code = tmp_path / "names.py"
    code.write_text(
        "import rrbridge as rr\nall_of_them: list[object] = [\n" + "".join(f"rr.{n},\n" for n in names) + "]\n"
    )
    assert [found for found in check(code, tmp_path / "config") if "is not a known attribute" in found] == []
