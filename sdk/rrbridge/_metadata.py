"""Keys of Arrow metadata that say what a column is (FORMAT §5.2)."""

from __future__ import annotations

from typing import Final

__all__ = [
    "RECORDING_PROPERTIES_PATH",
    "RERUN_KIND",
    "RERUN_KIND_CONTROL",
    "RERUN_KIND_INDEX",
    "SORBET_ARCHETYPE_NAME",
    "SORBET_COMPONENT",
    "SORBET_COMPONENT_TYPE",
    "SORBET_ENTITY_PATH",
    "SORBET_INDEX_NAME",
    "SORBET_IS_TABLE_INDEX",
]

RECORDING_PROPERTIES_PATH: Final = "/__properties"
RERUN_KIND: Final = b"rerun:kind"
RERUN_KIND_CONTROL: Final = b"control"
RERUN_KIND_INDEX: Final = b"index"
SORBET_ARCHETYPE_NAME: Final = b"rerun:archetype"
SORBET_COMPONENT: Final = b"rerun:component"
SORBET_COMPONENT_TYPE: Final = b"rerun:component_type"
SORBET_ENTITY_PATH: Final = b"rerun:entity_path"
SORBET_INDEX_NAME: Final = b"rerun:index_name"
SORBET_IS_TABLE_INDEX: Final = b"rerun:is_table_index"
