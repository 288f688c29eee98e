"""What the scripts beside share. They run under the robot's own ROS Python: standard library and rclpy only, Python 3.8."""
