"""Python's own logging."""

import logging

import rerun as rr

logger = logging.getLogger("scripts")
logger.propagate = False
logger.setLevel(logging.DEBUG)
logger.addHandler(rr.LoggingHandler("logs/handler"))
logger.info("info %d", 1)
logger.warning("warning")
logger.error("error")
logger.log(25, "between")
logger.handlers.clear()
