"""Logs and documents."""

import rerun as rr

rr.log("log", rr.TextLog("hello", level=rr.TextLogLevel.INFO))
rr.log("log", rr.TextLog("oh", level="TRACE", color=[255, 0, 0]))
rr.log("log", rr.TextLog("plain"))
rr.log("doc", rr.TextDocument("# hi", media_type=rr.MediaType.MARKDOWN))
rr.log("doc2", rr.TextDocument("hi"), static=True)
rr.log("own", rr.TextLog("x", level=rr.TextLogLevel("CUSTOM")))
