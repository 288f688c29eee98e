"""Recordings, by the names of the reference's `rerun.recording_stream`."""

from __future__ import annotations

from rrbridge._active import get_data_recording as get_data_recording
from rrbridge._active import get_global_data_recording as get_global_data_recording
from rrbridge._active import get_thread_local_data_recording as get_thread_local_data_recording
from rrbridge._active import set_global_data_recording as set_global_data_recording
from rrbridge._active import set_thread_local_data_recording as set_thread_local_data_recording
from rrbridge._batcher import ChunkBatcherConfig as ChunkBatcherConfig
from rrbridge._contexts import recording_stream_generator_ctx as recording_stream_generator_ctx
from rrbridge._contexts import thread_local_stream as thread_local_stream
from rrbridge._dataframe import AUTO_INDEX as AUTO_INDEX
from rrbridge._global import binary_stream as binary_stream
from rrbridge._global import get_application_id as get_application_id
from rrbridge._global import get_recording_id as get_recording_id
from rrbridge._global import is_enabled as is_enabled
from rrbridge._outputs import BinaryStream as BinaryStream
from rrbridge._recording import RecordingStream as RecordingStream

__all__ = [
    "AUTO_INDEX",
    "BinaryStream",
    "ChunkBatcherConfig",
    "RecordingStream",
    "binary_stream",
    "get_application_id",
    "get_data_recording",
    "get_global_data_recording",
    "get_recording_id",
    "get_thread_local_data_recording",
    "is_enabled",
    "recording_stream_generator_ctx",
    "set_global_data_recording",
    "set_thread_local_data_recording",
    "thread_local_stream",
]
