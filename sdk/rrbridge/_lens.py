"""Lenses: what to make of one component of a chunk. Descriptions only; `_lens_apply` carries them out."""

from __future__ import annotations

from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from rrbridge import _entity_path
from rrbridge._arrow import fixed_size_lists
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._lens_cast import cast_values
from rrbridge._selector import Selector
from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidValueError

__all__ = ["CastTo", "DeriveLens", "Lens", "MutateLens", "OutputMode"]

CastTo: TypeAlias = pa.DataType | Literal["auto"] | None
"""The type of the values to make: `auto` for that of the component, None to leave them as they are."""

OutputMode: TypeAlias = Literal["drop_unmatched", "forward_unmatched", "forward_all"]
"""Which columns go on besides those that lenses make: none, those that no lens reads, or all."""

TIME_KINDS = {
    "sequence": TimeKind.SEQUENCE,
    "duration": TimeKind.DURATION,
    "duration_ns": TimeKind.DURATION,
    "timestamp": TimeKind.TIMESTAMP,
    "timestamp_ns": TimeKind.TIMESTAMP,
}
"""By the names that they have in calls."""


class MutateLens:
    """Replaces a component by what a selector makes of it; its descriptor stays.

    The rows get new ids, unless `keep_row_ids`. Where the selector gives no result, the component is left out.
    """

    __slots__ = ("input_component", "keep_row_ids", "selector")

    def __init__(self, input_component: str, selector: Selector | str, *, keep_row_ids: bool = False) -> None:
        """Raises SelectorSyntaxError, InvalidValueError."""
        self.input_component = _component_name(input_component)
        self.selector = Selector.of(selector)
        self.keep_row_ids = keep_row_ids

    def __repr__(self) -> str:
        return f"MutateLens({self.input_component!r}, {self.selector!r})"


class DeriveLens:
    """Makes new components, and times if asked, out of one component. Immutable: each `to_…` gives another lens.

    What is made stands beside the other components of its entity. With `output_entity` or times of its own, or with
    `scatter`, it stands in a chunk of its own.
    """

    __slots__ = ("components", "input_component", "output_entity", "scatter", "times")

    components: tuple[tuple[ComponentDescriptor, Selector, CastTo], ...]
    """What to make."""
    times: tuple[tuple[str, TimeKind, Selector], ...]
    """Timelines to make; a later one of the same name wins."""

    def __init__(self, input_component: str, *, output_entity: str | None = None, scatter: bool = False) -> None:
        """Read `input_component` (`Imu:accel`).

        With `scatter`, each instance that a selector gives becomes a row; a row without any stays one row.
        """
        self.input_component = _component_name(input_component)
        self.output_entity = None if output_entity is None else _entity_path.normalize(output_entity)
        self.scatter = scatter
        self.components = ()
        self.times = ()

    def to_component(
        self, component: ComponentDescriptor | str, selector: Selector | str, *, cast_to: CastTo = None
    ) -> DeriveLens:
        """Make a component. Raises SelectorSyntaxError, InvalidValueError."""
        if not (cast_to is None or isinstance(cast_to, pa.DataType) or cast_to == "auto"):
            raise InvalidValueError("cast_to", "None, 'auto' or a pyarrow.DataType", repr(cast_to)[:80])
        descriptor = ComponentDescriptor(_component_name(component)) if isinstance(component, str) else component
        return self._with(components=(*self.components, (descriptor, Selector.of(selector), cast_to)))

    def to_timeline(
        self,
        timeline_name: str,
        timeline_type: Literal["sequence", "duration", "timestamp", "duration_ns", "timestamp_ns"],
        selector: Selector | str,
    ) -> DeriveLens:
        """Make a timeline of int64 values: sequence numbers or nanoseconds, one for each row. Raises InvalidValueError."""
        if timeline_type not in TIME_KINDS:
            raise InvalidValueError("timeline_type", " | ".join(TIME_KINDS), repr(timeline_type))
        return self._with(times=(*self.times, (timeline_name, TIME_KINDS[timeline_type], Selector.of(selector))))

    def to_packed_component(
        self, component: ComponentDescriptor | str, *fields: str, cast_to: CastTo = "auto"
    ) -> DeriveLens:
        """Make a component of several fields of a struct, side by side in a fixed-size list."""
        return self.to_component(component, _packed(fields), cast_to=cast_to)

    def to_translation(self, x: str, y: str, z: str) -> DeriveLens:
        """Make `Transform3D:translation` of three fields."""
        from rrbridge.archetypes import Transform3D

        return self.to_packed_component(Transform3D.fields["translation"].descriptor, x, y, z)

    def to_quaternion(self, x: str, y: str, z: str, w: str) -> DeriveLens:
        """Make `Transform3D:quaternion` of four fields."""
        from rrbridge.archetypes import Transform3D

        return self.to_packed_component(Transform3D.fields["quaternion"].descriptor, x, y, z, w)

    def to_scale(self, x: str, y: str, z: str) -> DeriveLens:
        """Make `Transform3D:scale` of three fields."""
        from rrbridge.archetypes import Transform3D

        return self.to_packed_component(Transform3D.fields["scale"].descriptor, x, y, z)

    def to_rotation_axis_angle(self, axis_x: str, axis_y: str, axis_z: str, angle: str) -> DeriveLens:
        """Make `Transform3D:rotation_axis_angle` of three fields for the axis and one for the angle, in radians."""
        from rrbridge.archetypes import Transform3D

        axis, turn = _packed((axis_x, axis_y, axis_z)), _packed((angle,))
        selector = Selector(".").pipe(lambda values: _axis_angles(values, axis, turn))
        return self.to_component(Transform3D.fields["rotation_axis_angle"].descriptor, selector, cast_to="auto")

    def to_scalars(self, *fields: str) -> DeriveLens:
        """Make `Scalars:scalars` of fields, each of which becomes one series of the entity."""
        from rrbridge.archetypes import Scalars

        selector = f".{fields[0]}" if len(fields) == 1 else f"{_packed(fields)} | .[]"
        return self.to_component(Scalars.fields["scalars"].descriptor, selector)

    def _with(
        self,
        *,
        components: tuple[tuple[ComponentDescriptor, Selector, CastTo], ...] | None = None,
        times: tuple[tuple[str, TimeKind, Selector], ...] | None = None,
    ) -> DeriveLens:
        made = DeriveLens(self.input_component, output_entity=self.output_entity, scatter=self.scatter)
        made.components = self.components if components is None else components
        made.times = self.times if times is None else times
        return made

    def __repr__(self) -> str:
        outputs = ", ".join([d.component for d, *_ in self.components] + [name for name, *_ in self.times])
        return f"DeriveLens({self.input_component!r} → {outputs or 'nothing'})"


Lens: TypeAlias = DeriveLens | MutateLens
"""Any lens."""


def _component_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidValueError("component", "a name such as Points3D:positions", repr(name)[:80])
    return name


def _packed(fields: tuple[str, ...]) -> str:
    if not fields:
        raise InvalidValueError("fields", "at least one field", "none")
    return f"pack({', '.join(f'.{field}!' for field in fields)})"


def _axis_angles(values: pa.Array, axis_query: str, angle_query: str) -> pa.Array:
    """Structs of axis and angle, as `rrbridge.components.RotationAxisAngle` has them; null where a field is."""
    axis, turn = Selector(axis_query).execute(values), Selector(angle_query).execute(values)
    assert axis is not None
    assert turn is not None  # pack fails where a field is missing
    single = fixed_size_lists([pa.array([], pa.float32())], is_nullable=False).type
    angle = cast_values(turn, single).values
    vector = pa.list_(pa.field("item", pa.float32(), nullable=False), 3)
    missing = pc.or_(axis.is_null(), turn.is_null())
    fields = [pa.field("axis", vector, nullable=False), pa.field("angle", pa.float32(), nullable=False)]
    return pa.StructArray.from_arrays([cast_values(axis, vector), angle], fields=fields, mask=missing)
