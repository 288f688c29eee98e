"""The recorder: live messages in, a recording on disk out, and an account of everything in between.

::

    session.events()
      │  receiver thread: count, pause, throttle
    Backlog, bounded in bytes: what to drop
      │  writer thread: gather for a second, decode, write
    Parts: run_0000, run_0001 …, each with a file per output (.rrd, .mcap)
      ├──►  a thread that syncs every second
      └──►  a thread that closes what was split off, and deletes what is beyond the ring

`Recorder` ties them together; `show` shows what happens.
"""
