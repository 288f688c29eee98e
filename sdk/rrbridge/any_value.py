"""Values without a declared type, by the names of the reference's `rerun.any_value`."""

from __future__ import annotations

from rrbridge._any_values import AnyBatchValue as AnyBatchValue
from rrbridge._any_values import AnyValues as AnyValues
from rrbridge._any_values import ComponentValueLike as ComponentValueLike
from rrbridge._any_values import DynamicArchetype as DynamicArchetype
from rrbridge._archetype import ComponentColumnList as ComponentColumnList
from rrbridge._batches import DescribedComponentBatch as DescribedComponentBatch
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._recording import AsComponents as AsComponents
from rrbridge.error_utils import catch_and_log_exceptions as catch_and_log_exceptions

__all__ = [
    "AnyBatchValue",
    "AnyValues",
    "AsComponents",
    "ComponentColumn",
    "ComponentColumnList",
    "ComponentValueLike",
    "DescribedComponentBatch",
    "DynamicArchetype",
    "catch_and_log_exceptions",
]
