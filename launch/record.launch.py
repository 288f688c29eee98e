"""Starts `rrbridge record` with a robot's own launch file.

    ros2 launch /path/to/record.launch.py config:=/path/to/record.yaml output:=run.rrd

`rrbridge` has to be on PATH (a link to the one in its virtual environment is enough) or named by `rrbridge:=`.
"""

import sys

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir


def generate_launch_description() -> LaunchDescription:
    """One process; launch ends it with SIGINT, and it is given time to finish its file."""
    sample = PathJoinSubstitution([ThisLaunchFileDir(), "record.yaml"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("rrbridge", default_value="rrbridge", description="The rrbridge program"),
            DeclareLaunchArgument("config", default_value=sample, description="What to record: options as YAML"),
            DeclareLaunchArgument("output", description="The file to write; an existing one is not overwritten"),
            DeclareLaunchArgument("ros_python", default_value=sys.executable, description="The Python that has rclpy"),
            ExecuteProcess(
                cmd=[
                    LaunchConfiguration("rrbridge"),
                    "record",
                    "--config",
                    LaunchConfiguration("config"),
                    "--output",
                    LaunchConfiguration("output"),
                    "--ros-python",
                    LaunchConfiguration("ros_python"),
                ],
                name="rrbridge_record",
                output="screen",
                sigterm_timeout="30",
                sigkill_timeout="30",
            ),
        ]
    )
