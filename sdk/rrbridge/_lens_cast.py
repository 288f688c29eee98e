"""Bringing values to the type of a component."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._arrow import unit_lists

__all__ = ["cast_values", "datatype_of"]

_PREFIXES = ("rerun.blueprint.components.", "rerun.components.")


@cache
def datatype_of(component_type: str | None) -> pa.DataType | None:
    """The Arrow type of a component type by its full name (`rerun.components.Scalar`); None if it is not known."""
    for prefix in _PREFIXES:
        if component_type is not None and component_type.startswith(prefix):
            return _declared(prefix, component_type.removeprefix(prefix))
    return None


def _declared(prefix: str, name: str) -> pa.DataType | None:
    from rrbridge import components
    from rrbridge.blueprint import components as blueprint_components

    module = blueprint_components if "blueprint" in prefix else components
    batch = getattr(module, f"{name}Batch", None)
    return None if batch is None else batch(None).as_arrow_array().type


def cast_values(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Values as another type, inside of lists and structs too; fractions are cut off, a value becomes a list of one.

    What must not be null in the target may be null under a null only. Raises ValueError (of Arrow) if it cannot be.
    """
    source = values.type
    if source == target:
        return values
    if pa.types.is_fixed_size_list(target) and pa.types.is_fixed_size_list(source):
        return _cast_fixed(values, target)
    if pa.types.is_list(target) and pa.types.is_list(source):
        items = _cast_items(values.values, values.flatten(), target.value_field)
        return pa.Array.from_buffers(
            target, len(values), values.buffers()[:2], values.null_count, values.offset, children=[items]
        )
    if pa.types.is_list(target) and not (pa.types.is_nested(source) or pa.types.is_null(source)):
        return cast_values(unit_lists(values), target)
    if pa.types.is_struct(target) and pa.types.is_struct(source):
        return _cast_struct(values, target)
    return pc.cast(values, options=pc.CastOptions(target, allow_float_truncate=True, allow_time_truncate=True))


def _cast_fixed(values: pa.Array, target: pa.DataType) -> pa.Array:
    width = target.list_size
    if values.type.list_size != width:
        raise pa.ArrowInvalid(f"lists of {values.type.list_size} are not lists of {width}")
    flat = values.values.slice(values.offset * width, len(values) * width)
    items = _cast_items(flat, values.flatten(), target.value_field)
    mask = None if not values.null_count else pc.invert(values.is_null()).buffers()[1]
    return pa.Array.from_buffers(target, len(values), [mask], values.null_count, children=[items])


def _cast_struct(values: pa.Array, target: pa.DataType) -> pa.Array:
    fields = [target.field(i) for i in range(target.num_fields)]
    if values.type.num_fields != len(fields):
        raise pa.ArrowInvalid(f"{values.type} has not the fields of {target}")
    visible = values.drop_null()
    children = [_cast_items(values.field(i), visible.field(i), field) for i, field in enumerate(fields)]
    return pa.StructArray.from_arrays(children, fields=fields, mask=values.is_null() if values.null_count else None)


def _cast_items(items: pa.Array, visible: pa.Array, field: pa.Field) -> pa.Array:
    """Children as the target's field has them; `visible` are those that do not lie under a null."""
    made = cast_values(items, field.type)
    if field.nullable or not made.null_count:
        return made
    if visible.null_count:
        raise pa.ArrowInvalid(
            f"{visible.null_count} of the values of {field.name!r} are null, which {field.type} must not be"
        )
    return made.fill_null(pa.scalar(0).cast(field.type)) if pa.types.is_primitive(field.type) else made
