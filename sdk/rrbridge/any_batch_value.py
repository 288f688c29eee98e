"""One component without a declared type, by the names of the reference's `rerun.any_batch_value`."""

from __future__ import annotations

from rrbridge._any_values import AnyBatchValue as AnyBatchValue
from rrbridge._any_values import ComponentValueLike as ComponentValueLike
from rrbridge._batches import ComponentBatchLike as ComponentBatchLike
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._descriptor import ComponentDescriptor as ComponentDescriptor
from rrbridge._misuse import strict_mode as strict_mode
from rrbridge.error_utils import catch_and_log_exceptions as catch_and_log_exceptions

__all__ = [
    "AnyBatchValue",
    "ComponentBatchLike",
    "ComponentColumn",
    "ComponentDescriptor",
    "ComponentValueLike",
    "catch_and_log_exceptions",
    "strict_mode",
]
