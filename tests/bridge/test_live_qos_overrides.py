"""Quality of service by topic, in the file that `ros2 bag` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rrbridge.errors import FileError
from rrbridge_bridge.live.qos import offered_in_words
from rrbridge_bridge.live.qos_overrides import QosProfile, read_overrides

GOOD = """
/camera/image:
  reliability: best_effort
  history: keep_last
  depth: 5
  deadline: {sec: 1, nsec: 500000000}
  liveliness: AUTOMATIC
  liveliness_lease_duration:
    sec: 9223372036
    nsec: 854775807
tf_static: {durability: transient_local, avoid_ros_namespace_conventions: false}
"""


def read(tmp_path: Path, text: str) -> dict[str, QosProfile]:
    path = tmp_path / "qos.yaml"
    path.write_text(text)
    return read_overrides(path)


def test_profiles_are_read_as_rosbag2_writes_them(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == {
        "/camera/image": QosProfile(
            reliability="best_effort",
            history="keep_last",
            depth=5,
            deadline_nanos=1_500_000_000,
            liveliness="automatic",
            liveliness_lease_nanos=2**63 - 1,
        ),
        "/tf_static": QosProfile(durability="transient_local", avoid_ros_namespace_conventions=False),
    }
    assert read(tmp_path, "") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "topics with their profiles"),
        ("a: [", "is not YAML"),
        ("/a: 3", "/a: `policy: value` is expected"),
        ("/a: {reliabilty: reliable}", "/a: unknown: reliabilty; known are history, reliability"),
        ("/a: {reliability: yes}", "/a: reliability is one of reliable, best_effort"),
        ("/a: {depth: -1}", "depth is a whole number"),
        ("/a: {depth: true}", "depth is a whole number"),
        ("/a: {deadline: 3}", r"deadline is a time, \{sec"),
        ("/a: {deadline: {seconds: 3}}", "deadline is a time"),
        ("/a: {avoid_ros_namespace_conventions: 3}", "true or false"),
        ("3: {depth: 1}", "3 is no topic"),
    ],
)
def test_a_file_that_says_nonsense_is_refused_with_what_is_known(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileError, match=said):
        read(tmp_path, text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_overrides(tmp_path / "qos.yaml")


def test_what_publishers_offer_is_said_in_words() -> None:
    one = {"reliability": "reliable", "durability": "transient_local"}
    other = {"reliability": "best_effort", "durability": "volatile"}
    assert offered_in_words([one, one]) == "reliable, transient local"
    assert offered_in_words([one, other]) == "best effort, volatile / reliable, transient local"
