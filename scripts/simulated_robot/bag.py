"""The field log: everything the simulated robot publishes, as a rosbag2 recording with MCAP storage."""

from __future__ import annotations

from pathlib import Path

from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionFormat
from rosbags.typesys import Stores, get_typestore

from simulated_robot.drive import DURATION_SECS, drive
from simulated_robot.topics import TOPICS, Run, Topic, nanos

__all__ = ["simulate"]

FOREVER = QosTime(2147483647, 4294967295)


def simulate(folder: Path, *, seed: int = 1, duration_secs: float = DURATION_SECS) -> Path:
    """Write the field log into a new folder, as `ros2 bag record -s mcap` lays it out, and return the MCAP file.

    The same seed gives the same messages. Raises `rosbags.rosbag2.WriterError` where the folder exists.
    """
    run = Run(drive(), seed, duration_secs)
    store = get_typestore(Stores.ROS2_HUMBLE)
    delays = run.rng(99)
    writer = Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        queue = []
        for topic in TOPICS:
            connection = writer.add_connection(
                topic.name, topic.msgtype, typestore=store, offered_qos_profiles=[quality(topic)]
            )
            for secs, message in topic.publish(run):
                late = delays.gamma(4.0, topic.delay_millis / 4000)
                queue.append((nanos(secs + late), connection, bytes(store.serialize_cdr(message, topic.msgtype))))
        queue.sort(key=lambda entry: entry[0])
        for log_nanos, connection, data in queue:
            writer.write(connection, log_nanos, data)
    return folder / f"{folder.name}.mcap"


def quality(topic: Topic) -> Qos:
    """What the publisher offers."""
    return Qos(
        QosHistory.KEEP_LAST,
        1 if topic.latched else 10,
        QosReliability.BEST_EFFORT if topic.best_effort else QosReliability.RELIABLE,
        QosDurability.TRANSIENT_LOCAL if topic.latched else QosDurability.VOLATILE,
        FOREVER,
        FOREVER,
        QosLiveliness.AUTOMATIC,
        FOREVER,
        False,
    )
