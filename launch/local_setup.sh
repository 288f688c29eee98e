# Tells a sourced ROS, 1 or 2, where rrbridge's launch files are; for bash, zsh and, with the folder as an argument, sh:
#   source /opt/rrbridge/share/rrbridge/local_setup.sh
#   . /opt/rrbridge/share/rrbridge/local_setup.sh /opt/rrbridge
# Nothing is put on PATH: python3 stays the robot's.
if [ -n "${BASH_SOURCE:-}" ]; then
  _rrbridge_prefix=$(cd "$(dirname "$BASH_SOURCE")/../.." && pwd)
elif [ -n "${ZSH_VERSION:-}" ]; then
  eval '_rrbridge_prefix=${${(%):-%x}:A:h:h:h}'
else
  _rrbridge_prefix=$1
fi
export AMENT_PREFIX_PATH="$_rrbridge_prefix${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}"
export ROS_PACKAGE_PATH="$_rrbridge_prefix/share${ROS_PACKAGE_PATH:+:$ROS_PACKAGE_PATH}"
unset _rrbridge_prefix
