"""In place of ROS 2's package `launch`, which no registry has: enough to read a launch file and to see what it would start.

Names, arguments and defaults are those of `launch`; anything else that a launch file asks for fails.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest


@dataclass
class LaunchContext:
    launch_configurations: dict[str, str] = field(default_factory=dict)


@dataclass
class LaunchConfiguration:
    variable_name: str

    def perform(self, context: LaunchContext) -> str:
        return context.launch_configurations[self.variable_name]


@dataclass
class DeclareLaunchArgument:
    name: str
    default_value: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)


@dataclass(kw_only=True)
class ExecuteProcess:
    cmd: Iterable[str]
    name: str | None = None
    output: str = "log"
    sigterm_timeout: str = "5"
    sigkill_timeout: str = "5"


@dataclass(kw_only=True)
class OpaqueFunction:
    function: Callable[[LaunchContext], list[ExecuteProcess] | None]


@dataclass
class LaunchDescription:
    initial_entities: Iterable[DeclareLaunchArgument | OpaqueFunction]


MODULES: Mapping[str, list[type]] = {
    "launch": [LaunchContext, LaunchDescription],
    "launch.actions": [DeclareLaunchArgument, ExecuteProcess, OpaqueFunction],
    "launch.substitutions": [LaunchConfiguration],
}


def processes(file: Path, given: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> list[ExecuteProcess]:
    """What `ros2 launch FILE name:=value …` starts."""
    for name, classes in MODULES.items():
        module = ModuleType(name)
        for offered in classes:
            setattr(module, offered.__name__, offered)
        monkeypatch.setitem(sys.modules, name, module)
    described: LaunchDescription = runpy.run_path(str(file))["generate_launch_description"]()
    context = LaunchContext()
    started: list[ExecuteProcess] = []
    for entity in described.initial_entities:
        if isinstance(entity, DeclareLaunchArgument):
            value = given.get(entity.name, entity.default_value)
            assert value is not None, f"{entity.name} must be given"
            assert entity.description
            context.launch_configurations[entity.name] = value
        else:
            started += entity.function(context) or []
    assert set(given) <= set(context.launch_configurations), "an argument that the file does not declare"
    return started
