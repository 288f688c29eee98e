"""Times with fractions of a second, however they are written: what rounding does to them shows in the file."""

import datetime as dt

import numpy as np
import pandas as pd
import rerun as rr

UTC = dt.UTC
rng = np.random.default_rng(11)
seconds = rng.uniform(-3e8, 2e9, 60)
for i, at in enumerate(seconds.tolist()):
    rr.reset_time()
    rr.set_time("moment", timestamp=dt.datetime(2001, 2, 3, tzinfo=UTC) + dt.timedelta(seconds=at))
    rr.set_time(
        "local", timestamp=dt.datetime(1999, 5, 6, 7, 8, 9, i * 7919, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    )
    rr.set_time("naive", timestamp=dt.datetime(2011, 5, 6, 7, 8, 9, i * 7919))
    rr.set_time("plain", timestamp=at)
    rr.set_time("elapsed", duration=dt.timedelta(seconds=at / 1e4))
    rr.set_time("spent", duration=at / 1e6)
    rr.set_time("table", timestamp=pd.Timestamp(int(abs(at) * 1e9) + i))
    rr.set_time("exact", timestamp=np.datetime64(1_700_000_000_123_456_789 + i, "ns"))
    rr.log("moments", rr.Scalars(i))

n = 60
moments = [dt.datetime(2020, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=int(u)) for u in rng.integers(0, 10**12, n)]
for name, column in {
    "array": rr.TimeColumn("t", timestamp=1.7e9 + np.linspace(0, 1, n)),
    "list": rr.TimeColumn("t", timestamp=(1.7e9 + np.linspace(0, 1, n)).tolist()),
    "series": rr.TimeColumn("t", timestamp=pd.Series(1.7e9 + np.linspace(0, 1, n))),
    "moments": rr.TimeColumn("t", timestamp=moments),
    "stamps": rr.TimeColumn("t", timestamp=pd.Series(moments)),
    "integers": rr.TimeColumn("t", timestamp=np.arange(n) + 1_700_000_001),
    "durations": rr.TimeColumn("d", duration=np.linspace(-1, 1, n)),
    "single": rr.TimeColumn("d", duration=np.linspace(-1, 1, n, dtype=np.float32)),
    "deltas": rr.TimeColumn("d", duration=[dt.timedelta(seconds=s / 1e5) for s in seconds]),
    "milliseconds": rr.TimeColumn("d", duration=np.arange(n).astype("timedelta64[ms]")),
}.items():
    rr.send_columns(f"columns/{name}", [column], rr.Scalars.columns(scalars=np.arange(n)))
