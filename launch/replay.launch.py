"""Plays a recording to the running graph, or shows it.

    ros2 launch rrbridge replay.launch.py file:=run.rrd
    ros2 launch rrbridge replay.launch.py file:=run.mcap args:='--rate 2 --loop' clock:=false
    ros2 launch rrbridge replay.launch.py file:=run.rrd view:=true

With `clock` (the default), nodes that are set to `use_sim_time` run in the recording's time.
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
    "file": (None, "The recording: .rrd, .mcap, .bag, .db3 or a rosbag2 folder"),
    "view": ("false", "true: show it in the viewer instead of playing it"),
    "clock": ("true", "Publish /clock as it plays"),
    "args": ("", "More options of `rrbridge play` or `rrbridge view`"),
    "ros_python": (sys.executable, "The Python that has rclpy"),
    "rrbridge": ("", "The rrbridge program; by default the one that this file was installed with, or that on PATH"),
}


def program(given: str) -> str:
    """Where rrbridge is."""
    installed = HERE.parents[2] / "bin" / "rrbridge"
    return given or (str(installed) if installed.exists() else "rrbridge")


def is_true(text: str) -> bool:
    """As ROS's own launch files have it."""
    return text.strip().lower() in ("true", "1")


def start(context: LaunchContext) -> list[ExecuteProcess]:
    """One process."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    command = [program(value["rrbridge"])]
    if is_true(value["view"]):
        command += ["view", value["file"]]
    else:
        command += ["play", value["file"], "--ros-python", value["ros_python"], "--disable-keyboard-controls"]
        command += ["--clock"] if is_true(value["clock"]) else []
    command += shlex.split(value["args"])
    return [ExecuteProcess(cmd=command, name="rrbridge_replay", output="screen")]


def generate_launch_description() -> LaunchDescription:
    """What ROS 2 calls."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
