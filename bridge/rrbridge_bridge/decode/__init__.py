"""Decoding: N messages as bytes in, N messages as columns out, one numpy step per field.

`decoder_for(connection)` is all that a driver needs; `plan_for(definitions, msgtype)` is what stands behind it.
"""

from rrbridge_bridge.decode.batches import Decode, Salvaged, decode_what_can, decoder_for
from rrbridge_bridge.decode.definitions import Registry, definition_hash, registry_for
from rrbridge_bridge.decode.plan import BadMessagesError, Plan, Wire, plan_for

__all__ = [
    "BadMessagesError",
    "Decode",
    "Plan",
    "Registry",
    "Salvaged",
    "Wire",
    "decode_what_can",
    "decoder_for",
    "definition_hash",
    "plan_for",
    "registry_for",
]
