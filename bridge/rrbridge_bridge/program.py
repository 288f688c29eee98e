"""The console script. Sees to it that rrbridge runs on its own packages, whatever ROS is sourced around it.

`source /opt/ros/humble/setup.bash` puts the packages of ROS's Python 3.10 on PYTHONPATH, and Python looks there before it looks
into its own folders. Under another version they cannot even be imported (numpy fails at its compiled parts), and under
the same one they may be older than what rrbridge was installed with. ROS itself runs in a worker process, which is given
the environment as it is.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

__all__ = ["main", "own_packages_first"]

_INSTALLED = re.compile(r"/python(?P<version>3(?:\.\d+)?)/(?:site|dist)-packages/?$")


def own_packages_first(paths: Sequence[str], pythonpath: str, version: str) -> list[str]:
    """`sys.path` without folders of installed packages that PYTHONPATH names for another Python than `version`, such as 3.12.

    Those for this version come last: plug-ins in a sourced workspace are found, and nothing there stands in for ours. Other
    folders that PYTHONPATH names stay where they are.
    """
    named = set(pythonpath.split(os.pathsep))
    found = {path: match["version"] for path in named if (match := _INSTALLED.search(path))}
    last = [path for path in paths if found.get(path) in (version, "3")]
    return [path for path in paths if path not in found] + list(dict.fromkeys(last))


def main() -> int:
    """Run `rrbridge`."""
    _arrange()
    from rrbridge_bridge.cli import main as run

    return run()


def _arrange() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:] = own_packages_first(sys.path, os.environ.get("PYTHONPATH", ""), version)


if __name__ == "__main__":  # as `python -m rrbridge_bridge.program MODULE`: a process of ours, in the same order
    import runpy

    _arrange()
    runpy.run_module(sys.argv[1], run_name="__main__")
