"""A small robot drives through a hall: a field log for demonstrations, benchmarks and tests.

In the order of making: `hall` (what stands there and what a ray meets), `drive` (how the robot moves), `sensors` (what it
measures), `messages`, `robot` and `topics` (how that is said in ROS 2), `bag` (the recording).
"""

from simulated_robot.bag import simulate

__all__ = ["simulate"]
