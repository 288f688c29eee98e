"""The recorder: live messages in, a recording on disk out, and an account of everything in between.

::

    session.events()  ── receiver thread ──►  Backlog (bounded in bytes)  ── writer thread ──►  RecordingFile
                                                                                  └── every second: flush, fdatasync

`Recorder` ties them together; `report` shows what happens.
"""
