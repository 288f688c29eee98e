"""Starts `rrbridge record` with a robot's own launch file.

    ros2 launch rrbridge record.launch.py
    ros2 launch rrbridge record.launch.py config:=/path/to/record.yaml output:=run.rrd args:='--duration 10m'

For the first part of the name, source `share/rrbridge/local_setup.sh` of the place where rrbridge is installed. This file can
also be named by its path.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration

HERE = Path(__file__).resolve().parent
ARGUMENTS = {
    "config": (str(HERE / "record.yaml"), "What to record: the options of `rrbridge record` as YAML"),
    "output": ("", "The file to write, which must not exist; by default named by the time"),
    "args": ("", "More options, which come before those in the file: -x '^/camera' --duration 10m"),
    "ros_python": (sys.executable, "The Python that has rclpy"),
    "rrbridge": ("", "The rrbridge program; by default the one that this file was installed with, or that on PATH"),
}


def program(given: str) -> str:
    """Where rrbridge is."""
    installed = HERE.parents[2] / "bin" / "rrbridge"
    return given or (str(installed) if installed.exists() else "rrbridge")


def start(context: LaunchContext) -> list[ExecuteProcess]:
    """One process. launch ends it with SIGINT, and it is given time to finish its file."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    command = [program(value["rrbridge"]), "record", "--config", value["config"], "--ros-python", value["ros_python"]]
    if value["output"]:
        command += ["--output", value["output"]]
    command += shlex.split(value["args"])
    return [
        ExecuteProcess(cmd=command, name="rrbridge_record", output="screen", sigterm_timeout="30", sigkill_timeout="30")
    ]


def generate_launch_description() -> LaunchDescription:
    """What ROS 2 calls."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
