"""The right panel: what is selected, and what is known about it at the cursor."""

from __future__ import annotations

from collections.abc import Iterator

from imgui_bundle import imgui

from rrbridge._descriptor import ComponentDescriptor
from rrbridge._store_index import Latest
from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import EntityItem, Item, RecordingItem, ViewItem
from rrbridge_viewer.commands import Command, Select, ShowFrames
from rrbridge_viewer.message_fields import field_tree, is_raw
from rrbridge_viewer.panels import message
from rrbridge_viewer.panels._base import PanelContext
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.theme import ICONS, color
from rrbridge_viewer.times import format_duration, format_time
from rrbridge_viewer.values import datatype_name, short_value
from rrbridge_viewer.widgets import heading, mono, property_row, property_table

__all__ = ["draw"]

MAX_ITEMS = 8
BOOK_KEEPING = ("CoordinateFrame", "Mcap")
"""Archetypes that say how data is kept rather than what it is; they come last."""
COLOR_TYPES = frozenset(["rerun.components.Color"])


def draw(context: PanelContext) -> Iterator[Command]:
    """The panel. With nothing selected it tells about the recording."""
    heading(context.fonts, "Selection")
    items = context.state.selection
    if not items and context.state.active is not None:
        items = (RecordingItem(context.state.active),)
    for item in items[:MAX_ITEMS]:
        imgui.push_id(str(item))
        yield from _item(context, item)
        imgui.pop_id()
        imgui.dummy(imgui.ImVec2(0, 6))
    if len(items) > MAX_ITEMS:
        imgui.text_disabled(f"and {len(items) - MAX_ITEMS} more")


def _pill(icon: str, text: str) -> None:
    imgui.push_style_color(imgui.Col_.button, color(theme.ACCENT))
    imgui.push_style_color(imgui.Col_.button_hovered, color(theme.ACCENT))
    imgui.push_style_color(imgui.Col_.text, color(theme.WHITE))
    imgui.push_style_var(imgui.StyleVar_.button_text_align, imgui.ImVec2(0, 0.5))
    imgui.button(f"{icon}  {text}", imgui.ImVec2(-1, 0))
    imgui.pop_style_var()
    imgui.pop_style_color(3)


def _item(context: PanelContext, item: Item) -> Iterator[Command]:
    match item:
        case EntityItem(path, instance):
            _pill(ICONS.entity, path if instance is None else f"{path}[{instance}]")
            if instance is not None and imgui.small_button("whole entity"):
                yield Select((EntityItem(path),))
            yield from _entity(context, path, instance)
        case ViewItem(view_id):
            pane = context.recording_state.blueprint.panes.get(view_id)
            if pane is None:
                return
            view = context.views.by_name.get(pane.view)
            _pill(view.icon if view else ICONS.view, pane.title)
            with property_table("view") as shown:
                if shown:
                    property_row(context.fonts, "class", pane.view)
                    property_row(context.fonts, "origin", pane.origin)
                    if pane.frame:
                        property_row(context.fonts, "frame", pane.frame)
                    property_row(context.fonts, "entities", f"{len(pane.contents)}, {len(pane.hidden)} switched off")
            if pane.frame:
                changed, frames = imgui.checkbox("Draw named frames", pane.frames)
                if changed:
                    yield ShowFrames(view_id, frames)
        case RecordingItem(store_id):
            recording = context.library.recordings.get(store_id)
            if recording is not None:
                _pill(ICONS.recording, recording.title)
                _recording(context, recording)


def _entity(context: PanelContext, path: str, instance: int | None) -> Iterator[Command]:
    query = context.query
    if query is None:
        return
    store = query.recording.store
    latest = query.all_latest(path)
    descriptors = store.components(path)
    raw = [name for name, found in latest.items() if is_raw(descriptors[name].archetype, found.values.type)]
    for name in raw:
        yield from _message(context, path, descriptors[name], latest[name])
    by_archetype: dict[str, list[str]] = {}
    for name in sorted(descriptors.keys() - set(raw)):
        by_archetype.setdefault((descriptors[name].archetype or "").rpartition(".")[2] or "other", []).append(name)
    for archetype, names in sorted(by_archetype.items(), key=lambda group: group[0].startswith(BOOK_KEEPING)):
        heading(context.fonts, archetype)
        with property_table(archetype) as shown:
            if shown:
                for name in names:
                    kind = descriptors[name].component_type
                    _component(context, descriptors[name].field, kind, latest.get(name), instance)
    if not descriptors:
        below = store.descendants(path)
        imgui.text_disabled(f"no data of its own; {len(below)} entities below it")
    heading(context.fonts, "Times")
    with property_table("times") as shown:
        if shown:
            property_row(context.fonts, "rows here", f"{len(store.times(path, query.timeline)):,}".replace(",", " "))
            bounds = store.time_range(query.timeline, path)
            span = context.clock.span
            if bounds is not None and span is not None:
                property_row(context.fonts, "first", format_time(bounds[0], span.kind))
                property_row(context.fonts, "last", format_time(bounds[1], span.kind))


def _message(context: PanelContext, path: str, descriptor: ComponentDescriptor, latest: Latest) -> Iterator[Command]:
    """Somebody's own message, field by field."""
    if context.query is None:
        return
    imgui.push_font(context.fonts.bold, 13.5)
    imgui.align_text_to_frame_padding()
    imgui.text((descriptor.archetype or descriptor.component).replace(".msg.", "/"))
    imgui.pop_font()
    if imgui.is_item_hovered():
        _found(context, latest, descriptor.component)
    if not len(latest.values):
        imgui.text_disabled("cleared")
        return
    memo = context.query.recording.memo
    nodes = memo(("fields", path, descriptor.component), latest, lambda: field_tree(latest.values[0]))
    yield from message.draw(context, path, descriptor.component, nodes)


def _component(
    context: PanelContext, field: str, component_type: str | None, latest: Latest | None, instance: int | None
) -> None:
    if latest is None:
        property_row(context.fonts, field, "–")
        return
    values = latest.values
    chosen = values
    if instance is not None and len(values) > 1:
        chosen = values.slice(min(instance, len(values) - 1), 1)
    imgui.table_next_row()
    imgui.table_next_column()
    imgui.text_disabled(field)
    if imgui.is_item_hovered():
        imgui.set_tooltip(component_type or "any type")
    imgui.table_next_column()
    if component_type in COLOR_TYPES and len(chosen) and chosen[0].is_valid:
        packed = int(chosen[0].as_py())
        swatch = imgui.ImVec4(
            (packed >> 24 & 255) / 255, (packed >> 16 & 255) / 255, (packed >> 8 & 255) / 255, (packed & 255) / 255
        )
        imgui.color_button("##swatch", swatch, imgui.ColorEditFlags_.no_tooltip, imgui.ImVec2(14, 14))
        imgui.same_line()
        text = f"#{packed:08x}" if len(chosen) == 1 else short_value(chosen)
    else:
        text = short_value(chosen)
    with mono(context.fonts):
        imgui.text(text)
    if imgui.is_item_hovered():
        _found(context, latest, text)


def _found(context: PanelContext, latest: Latest, text: str) -> None:
    """Where a value comes from: how many instances, of which type, when it was logged."""
    span = context.clock.span
    imgui.begin_tooltip()
    imgui.push_text_wrap_pos(480)
    imgui.text(text)
    imgui.text_disabled(f"{len(latest.values):,} × {datatype_name(latest.values.type)}".replace(",", " "))
    if latest.time is None:
        imgui.text_disabled("static")
    elif span is not None:
        age = context.clock.time - latest.time
        since = f", {format_duration(-age)}" if span.kind.name != "SEQUENCE" else f", {age} before"
        imgui.text_disabled(f"logged at {format_time(latest.time, span.kind)}{since}")
    imgui.pop_text_wrap_pos()
    imgui.end_tooltip()


def _recording(context: PanelContext, recording: Recording) -> None:
    store, fonts = recording.store, context.fonts
    with property_table("recording", 92) as shown:
        if not shown:
            return
        property_row(fonts, "application", recording.store_id.application_id)
        property_row(fonts, "recording id", recording.store_id.recording_id)
        if recording.sources:
            property_row(fonts, "from", ", ".join(recording.sources))
        property_row(fonts, "entities", f"{len(store.entities()):,}".replace(",", " "))
        property_row(fonts, "rows", f"{store.num_rows:,}".replace(",", " "))
        property_row(fonts, "chunks", f"{store.num_chunks:,}".replace(",", " "))
        property_row(fonts, "memory", f"{store.nbytes / 2**20:.1f} MiB")
        span = context.clock.span
        if span is not None:
            property_row(fonts, "first", format_time(span.lo, span.kind, date=True, digits=0))
            property_row(fonts, "last", format_time(span.hi, span.kind, date=True, digits=0))
            if span.kind.name != "SEQUENCE":
                property_row(fonts, "length", format_duration(span.hi - span.lo).lstrip("+"))
    heading(fonts, "Timelines")
    with property_table("timelines") as shown:
        if shown:
            for name, known in context.clock.timelines.items():
                property_row(fonts, name, known.kind.name.lower())
