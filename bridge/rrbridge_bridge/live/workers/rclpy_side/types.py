"""Message classes by the names that the graph tells, those of services' events and actions' feedback among them."""

from __future__ import annotations

import importlib
import re
from typing import Any

DEEP = 10_000
"""Half a second of 20 000 messages a second: so long this process may have to wait for its turn on a busy machine."""
SHALLOW = 1_000
_LARGE = re.compile(r"sequence<(u?int8|octet|byte|boolean|char)\b")
"""Pictures, clouds and grids are bytes. Lists of numbers are shorter, and come as often as anything."""


def find_class(msgtype: str) -> Any:
    """The class of `package/msg/Name`; `package/srv/Name_Event` and `package/action/Name_FeedbackMessage` are found too.

    Raises ImportError or AttributeError where the package or the type is not there.
    """
    module_name, name = msgtype.rsplit("/", 1)
    module = importlib.import_module(module_name.replace("/", "."))
    found = getattr(module, name, None)
    if found is not None:
        return found
    base, _, part = name.rpartition("_")
    if module_name.endswith("/action") and part == "FeedbackMessage":
        return getattr(module, base).Impl.FeedbackMessage
    if module_name.endswith("/srv") and part == "Event":
        return getattr(module, base).Event
    raise AttributeError(f"module {module.__name__!r} has no {name!r}")


def depth_for(cls: Any) -> int:
    """How many messages may wait for this process: fewer where each may be as large as an image, for they wait in memory."""
    try:
        fields = cls.get_fields_and_field_types().values()
    except AttributeError:
        return SHALLOW
    return SHALLOW if any(_LARGE.match(field) for field in fields) else DEEP
