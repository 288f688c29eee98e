"""Blueprint archetypes, components, views and containers against the table of the reference's types."""

from __future__ import annotations

import contextlib
import inspect
import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rrbridge.blueprint as rrb
from rrbridge._archetype import Archetype
from rrbridge._component_values import ComponentMixin
from rrbridge.blueprint import archetypes, components, encodings
from rrbridge.errors import InvalidValueError

TYPES = Path(__file__).resolve().parents[3] / "shared" / "reference" / "types.json"
ARCHETYPES = [c for c in vars(archetypes).values() if isinstance(c, type) and issubclass(c, Archetype)]
Table = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def types() -> Table:
    if not TYPES.is_file():
        pytest.skip(f"no table of types at {TYPES}")
    found: Table = json.loads(TYPES.read_text())
    return found


def _plain(arrow: pa.DataType) -> str:
    """An Arrow type in the words of the table."""

    def child(field: pa.Field) -> str:
        return _plain(field.type) + ("" if field.nullable else " not null")

    if pa.types.is_fixed_size_list(arrow):
        return f"fixed_size_list<item: {child(arrow.value_field)}>[{arrow.list_size}]"
    if pa.types.is_list(arrow):
        return f"list<item: {child(arrow.value_field)}>"
    if pa.types.is_union(arrow):
        return "dense_union<" + ", ".join(f"{f.name}: {child(f)}={i}" for i, f in enumerate(arrow)) + ">"
    if pa.types.is_struct(arrow):
        return "struct{" + ", ".join(f"{f.name}: {child(f)}" for f in arrow) + "}"
    return {"string": "utf8", "float": "float32", "double": "float64"}.get(str(arrow), str(arrow))


def test_every_archetype_is_declared(types: Table) -> None:
    assert {c.archetype_name for c in ARCHETYPES} == types["blueprint_archetypes"].keys()
    assert len(ARCHETYPES) == 44


@pytest.mark.parametrize("cls", ARCHETYPES, ids=lambda c: c.__name__)
def test_archetypes_declare_what_the_reference_declares(cls: type[Archetype], types: Table) -> None:
    ours = {
        name: (f.descriptor.component, f.descriptor.component_type, _plain(f.component.encoding.arrow))
        for name, f in cls.fields.items()
    }
    fields = types["blueprint_archetypes"][cls.archetype_name]["fields"]
    assert ours == {f["name"]: (f["component"], f["component_type"], f["arrow"]) for f in fields}


def test_every_component_is_declared(types: Table) -> None:
    table = types["blueprint_components"]
    assert len(table) == 64
    for full_name, described in table.items():
        name = full_name.rpartition(".")[2]
        declared = getattr(components, f"{name}Like").__metadata__[0]
        assert (declared.type_name, _plain(declared.encoding.arrow)) == (full_name, described["arrow"])
        batch = getattr(components, f"{name}Batch")
        assert batch([]).as_arrow_array().type == batch(None).as_arrow_array().type == declared.encoding.arrow
        assert batch(None).component_type() == full_name
        value = getattr(components, name)
        if "enum" in described:
            assert {member.name: member.value for member in value} == described["enum"]
        else:
            assert issubclass(value, ComponentMixin)
            assert (value.component_type(), value.arrow_type()) == (full_name, declared.encoding.arrow)


def test_every_encoding_is_declared(types: Table) -> None:
    for full_name, described in types["blueprint_encodings"].items():
        value = getattr(encodings, full_name.rpartition(".")[2])
        if "enum" in described:
            assert {member.name: member.value for member in value} == described["enum"]


def test_views_and_containers_take_what_the_references_take(types: Table) -> None:
    for name, described in types["views"].items():
        cls = getattr(rrb, name)
        assert list(inspect.signature(cls).parameters) == described["constructor_parameters"]
        assert cls.identifier == described["class_identifier"]
        ours = {property_name: kind.archetype_name for property_name, kind in cls.property_archetypes.items()}
        assert ours == {p["property"]: p["archetype"] for p in described["properties"]}
    for name, described in types["containers"].items():
        assert list(inspect.signature(getattr(rrb, name)).parameters) == described["constructor_parameters"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: rrb.Blueprint(5),  # type: ignore[arg-type]
        lambda: rrb.Blueprint(rrb.TimePanel(), rrb.TimePanel()),
        lambda: rrb.TimePanel(expanded=True, state="hidden"),
        lambda: rrb.TimePanel(state="wobbly"),
        lambda: rrb.TimePanel(fps="many"),  # type: ignore[arg-type]
        lambda: rrb.Grid(rrb.TextLogView(), contents=[rrb.TextLogView()]),
        lambda: rrb.Grid("view"),  # type: ignore[arg-type]
        lambda: rrb.Tabs(rrb.TextLogView(name="a"), active_tab="b"),
        lambda: rrb.Horizontal(rrb.TextLogView(), column_shares=["wide"]),  # type: ignore[list-item]
        lambda: rrb.Spatial3DView(line_grid="thick"),  # type: ignore[arg-type]
        lambda: rrb.Spatial3DView(eye_controls=3),  # type: ignore[arg-type]
        lambda: rrb.Spatial2DView(background="purple"),
        lambda: rrb.Spatial2DView(time_ranges=5),  # type: ignore[arg-type]
        lambda: rrb.Spatial2DView(contents=object()),  # type: ignore[arg-type]
        lambda: rrb.Spatial2DView(overrides={"a": 5}),  # type: ignore[dict-item]
        lambda: rrb.Spatial2DView(overrides={"a": ["Points2D"]}),  # type: ignore[list-item]
        lambda: rrb.Spatial2DView(defaults=[5]),  # type: ignore[list-item]
        lambda: rrb.VisualBounds2D(x_range=[0, 1]),
        lambda: rrb.VisibleTimeRanges(),
        lambda: rrb.VisibleTimeRanges(timeline="t"),
        lambda: rrb.VisibleTimeRange("t", start=rrb.TimeRangeBoundary.infinite()),
        lambda: rrb.TimeRangeBoundary.absolute(),
        lambda: rrb.Background([1, 2, 3], color=3),
        lambda: archetypes.DataframeQuery(filter_is_not_null="no colon"),
        lambda: archetypes.ViewportBlueprint(root_container=b"short"),
        lambda: archetypes.TextLogColumns(text_log_columns="nothing"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_is_given(make: Any) -> None:
    with pytest.raises(InvalidValueError):
        make()


JUNK: list[Any] = [
    None, 5, -1, 2**70, 1.5, float("nan"), "x", "", b"abc", bytes(16), [], [1, 2], [[1, 2]], ["a"], [None], (1, 2), set(),
    {"a": 1}, {"a": [5]}, {5: rrb.EntityBehavior()}, object(), np.zeros(3), np.zeros((2, 4)), np.array(["a"]), True, range(3),
    uuid.UUID(int=7), rrb.MapView(), rrb.TimePanel(), rrb.EntityBehavior(), rrb.TimeRangeBoundary.infinite(),
    components.PanelState.Hidden,
]  # fmt: skip
MADE: list[Any] = [
    *ARCHETYPES, *(getattr(rrb, name) for name in vars(rrb) if name.endswith("View")), rrb.Container, rrb.Grid,
    rrb.Horizontal, rrb.Vertical, rrb.Tabs, rrb.Blueprint, rrb.TimePanel, rrb.TopPanel, rrb.Visualizer,
    rrb.VisibleTimeRange, rrb.TimeRange,
    *(getattr(encodings, n) for n in encodings.__all__ if not n.endswith(("Kind", "Direction"))),
]  # fmt: skip


@pytest.mark.parametrize("cls", MADE, ids=lambda c: c.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_value_raises_anything_but_our_own_error(cls: Any, data: st.DataObject) -> None:
    anything = st.sampled_from(JUNK)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional = data.draw(st.lists(anything, max_size=2))
        elif parameter.default is inspect.Parameter.empty or data.draw(st.booleans()):
            named[parameter.name] = data.draw(anything)
    with contextlib.suppress(InvalidValueError):
        made = cls(*positional, **named)
        if hasattr(made, "blueprint_rows"):
            assert all(row.chunk(0).num_rows == 1 for row in made.blueprint_rows() if row.batches)
        elif hasattr(made, "as_component_batches"):
            assert all(batch.as_arrow_array() is not None for batch in made.as_component_batches())
