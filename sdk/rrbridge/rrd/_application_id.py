"""Which application ids are legal, and what becomes of the others (FORMAT §2.2)."""

from __future__ import annotations

import logging
import re
from functools import lru_cache

import xxhash

__all__ = ["legal_application_id"]

log = logging.getLogger(__name__)

_LEGAL = re.compile(r"[A-Za-z0-9_\-\[\]: ]{1,180}")
_ILLEGAL_CHARACTER = re.compile(r"[^A-Za-z0-9_\-\[\]: ]")
KEPT = 176


@lru_cache(maxsize=256)
def legal_application_id(application_id: str) -> str:
    """The id itself if it is legal; else the one that the reference makes of it, with a warning.

    Legal are 1 to 180 ASCII letters, digits, `_ - [ ] :` and spaces. Others lose what is too long, get `-` for every
    illegal character, and four digits of a hash, so that two ids that become alike stay apart.
    """
    if not application_id or _LEGAL.fullmatch(application_id):
        return application_id
    digits = xxhash.xxh64_intdigest(application_id.encode(), 0) & 0xFFFF
    legal = f"{_ILLEGAL_CHARACTER.sub('-', application_id[:KEPT])}{digits:04x}"
    log.warning("application id %r holds characters that viewers do not take; using %r", application_id, legal)
    return legal
