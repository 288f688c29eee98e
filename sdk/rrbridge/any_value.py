"""Values without a declared type, by the names of the reference's `rerun.any_value`."""

from __future__ import annotations

from rrbridge._any_values import AnyBatchValue as AnyBatchValue
from rrbridge._any_values import AnyValues as AnyValues
from rrbridge._any_values import DynamicArchetype as DynamicArchetype
from rrbridge._archetype import ComponentColumnList as ComponentColumnList
from rrbridge._batches import DescribedComponentBatch as DescribedComponentBatch
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._recording import AsComponents as AsComponents

__all__ = [
    "AnyBatchValue",
    "AnyValues",
    "AsComponents",
    "ComponentColumn",
    "ComponentColumnList",
    "DescribedComponentBatch",
    "DynamicArchetype",
]
