"""The viewer without its window: draws frame after frame, and applies what was asked for in each."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import moderngl
from imgui_bundle import imgui

from rrbridge._messages import StoreId
from rrbridge_viewer import theme
from rrbridge_viewer.blueprint import Blueprint, Pane, ViewItem
from rrbridge_viewer.clock import Play, opening_time
from rrbridge_viewer.commands import (
    Command,
    Hover,
    LearnTimelines,
    Maximize,
    OpenRecording,
    Select,
    SetBlueprint,
    SetOpenings,
    ShowFrames,
    Tick,
)
from rrbridge_viewer.docking import PANEL_WINDOWS, arrange
from rrbridge_viewer.facts import entity_facts
from rrbridge_viewer.graphics import Graphics
from rrbridge_viewer.keyboard import key_commands
from rrbridge_viewer.layout import automatic_blueprint
from rrbridge_viewer.loading import Library
from rrbridge_viewer.panels import menu, selection, tree
from rrbridge_viewer.panels import time as time_panel
from rrbridge_viewer.panels._base import PanelContext
from rrbridge_viewer.query import Query
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.state import RecordingState, State, apply
from rrbridge_viewer.theme import ICONS, Theme, color
from rrbridge_viewer.views._base import View, ViewContext, Views, centered_note
from rrbridge_viewer.widgets import padded

__all__ = ["Viewer", "view_key"]

log = logging.getLogger(__name__)

SETTLE_FRAMES = 4
"""Frames that imgui needs to come to rest after something changed: docking, new glyphs, scroll positions."""
LAYOUT_SECS = 0.5
"""While data arrives, views are laid out anew at most this often."""
NEWS_SECS = 0.15
"""While data arrives, it is shown at most this often."""
_PLAIN = (
    imgui.WindowFlags_.no_scrollbar
    | imgui.WindowFlags_.no_scroll_with_mouse
    | imgui.WindowFlags_.no_collapse
    | imgui.WindowFlags_.no_focus_on_appearing
)


class Viewer:
    """Holds the state and what is remembered between frames. Needs a current GL and imgui context."""

    def __init__(self, library: Library, views: Views, fonts: Theme, gl: moderngl.Context) -> None:
        self.library = library
        self.views = views
        self.fonts = fonts
        self.graphics = Graphics(gl)
        self.state = State()
        self.wants_to_quit = False
        self._frames_wanted = SETTLE_FRAMES
        self._revisions: dict[StoreId, int] = {}
        self._laid_out: dict[StoreId, tuple[int, float]] = {}
        self._last_news = 0.0
        self._scenes: dict[tuple[StoreId, str], tuple[tuple[Any, ...], Any]] = {}
        self._arranged: tuple[Any, ...] = ()

    def do(self, *commands: Command) -> None:
        """Apply commands, in order."""
        for command in commands:
            changed = apply(self.state, command)
            if changed is not self.state:
                self.state = changed
                self.wake()

    def wake(self) -> None:
        """Something happened: draw until imgui has come to rest."""
        self._frames_wanted = SETTLE_FRAMES

    def is_due(self) -> bool:
        """Whether a frame has to be drawn now. Takes note of data that has arrived."""
        if self.library.is_loading:
            if time.monotonic() - self._last_news > NEWS_SECS:
                self.take_news()
                self.wake()
        elif self._has_news():
            self.take_news(final=True)
            self.wake()
        recording = self.state.recording
        playing = recording is not None and recording.clock.play is Play.PLAYING
        return self._frames_wanted > 0 or playing

    def _has_news(self) -> bool:
        recordings = self.library.recordings
        return any(
            self._revisions.get(key) != recording.store.revision for key, recording in recordings.items()
        ) or any(
            self._laid_out.get(key, (0, 0.0))[0] != recording.store.revision for key, recording in recordings.items()
        )

    def take_news(self, *, final: bool = False) -> None:
        """Bring the state up to date with what has been read."""
        now = self._last_news = time.monotonic()
        for store_id, recording in self.library.recordings.items():
            revision = recording.store.revision
            if self._revisions.get(store_id) != revision:
                self._revisions[store_id] = revision
                timelines = recording.timelines()
                preferred = next(iter(timelines), "")
                self.do(OpenRecording(store_id), LearnTimelines(store_id, timelines, preferred))
            laid_out, at = self._laid_out.get(store_id, (0, -LAYOUT_SECS))
            if laid_out != revision and (final or now - at >= LAYOUT_SECS):
                self._laid_out[store_id] = (revision, now)
                self._lay_out(store_id, recording)
                self._set_openings(store_id, recording)

    def _lay_out(self, store_id: StoreId, recording: Recording, *, anew: bool = False) -> None:
        known = self.state.recordings.get(store_id)
        if known is None or (known.undo and not anew):
            return
        blueprint = automatic_blueprint(entity_facts(recording, known.clock.timeline, known.clock.span))
        if blueprint != known.blueprint:
            self.do(SetBlueprint(store_id, blueprint, automatic=not anew))

    def _set_openings(self, store_id: StoreId, recording: Recording) -> None:
        """Until somebody moves the cursor, it stands where most views have something to show."""
        panes = self.state.recordings[store_id].blueprint.panes.values()
        following = {view.name for view in self.views.by_name.values() if view.follows_cursor}
        shown = {path for pane in panes if pane.visible and pane.view in following for path in pane.contents}
        openings = {}
        for timeline, span in recording.timelines().items():
            ranges = (recording.store.time_range(timeline, path) for path in shown)
            openings[timeline] = opening_time((found[0] for found in ranges if found is not None), span)
        self.do(SetOpenings(store_id, openings))

    def _query(self) -> Query | None:
        state = self.state
        recording = self.library.recordings.get(state.active) if state.active else None
        if recording is None or state.recording is None:
            return None
        clock = state.recording.clock
        return Query(recording, clock.timeline, clock.time, clock.span)

    def frame(self, elapsed_secs: float) -> None:
        """Draw everything once, between `imgui.new_frame()` and `imgui.render()`, and apply what was asked for."""
        self._frames_wanted = max(self._frames_wanted - 1, 0)
        self.do(Tick(elapsed_secs))
        commands = list(self._draw())
        if not any(isinstance(command, Hover) for command in commands):
            commands.append(Hover(None))
        self.do(*commands)

    def _draw(self) -> Iterator[Command]:
        query = self._query()
        context = PanelContext(self.state, self.library, self.views, self.fonts, query)
        yield from key_commands(self.state, query)
        if imgui.get_io().key_ctrl and imgui.is_key_pressed(imgui.Key.q, False):
            self.wants_to_quit = True
        answer = menu.MenuAnswer()
        yield from menu.draw(context, answer)
        self.wants_to_quit |= answer.quit
        if answer.reset_layout and query is not None:
            self._lay_out(query.recording.store_id, query.recording, anew=True)
        blueprint = context.recording_state.blueprint
        self._dock(blueprint)
        for panel, module, padding in (
            ("left", tree, (8, 6)),
            ("right", selection, (10, 6)),
            ("bottom", time_panel, (10, 6)),
        ):
            if panel in self.state.closed_panels:
                continue
            flags = _PLAIN if panel == "bottom" else imgui.WindowFlags_.no_collapse
            with padded(*padding):
                shown = imgui.begin(PANEL_WINDOWS[panel], None, flags)[0]
            if shown:
                yield from module.draw(context)
            imgui.end()
        if not blueprint.panes:
            self._empty()
            return
        self.graphics.pixels_per_point = imgui.get_io().display_framebuffer_scale.x
        self.graphics.keep_only(view_key(context.state.active, view_id) for view_id in blueprint.panes)
        for view_id, pane in blueprint.panes.items():
            if pane.visible and blueprint.maximized in (None, view_id):
                yield from self._view(context, view_id, pane)

    def _dock(self, blueprint: Blueprint) -> None:
        """A dock space under the menu bar; arranged anew when the blueprint's arrangement is another."""
        viewport = imgui.get_main_viewport()
        dockspace = imgui.get_id("views")
        open_panels = set(PANEL_WINDOWS) - self.state.closed_panels
        visible = frozenset(view_id for view_id, pane in blueprint.panes.items() if pane.visible)
        wanted = (self.state.active, blueprint.root, blueprint.maximized, visible, open_panels)
        size = (viewport.work_size.x, viewport.work_size.y)
        if wanted != self._arranged and size[0] > 0:
            self._arranged = wanted
            arrange(dockspace, size, blueprint, open_panels, lambda view_id: self._window_name(view_id, blueprint))
            self.wake()
        flags = imgui.DockNodeFlags_.passthru_central_node
        imgui.dock_space_over_viewport(dockspace, viewport, flags)

    def _window_name(self, view_id: str, blueprint: Blueprint) -> str:
        pane = blueprint.panes.get(view_id)
        if pane is None:
            return view_id
        view = self.views.by_name.get(pane.view)
        return f"{view.icon if view else ICONS.view}  {pane.title}###{view_key(self.state.active, view_id)}"

    def _view(self, context: PanelContext, view_id: str, pane: Pane) -> Iterator[Command]:
        padding = (0, 0) if pane.view.startswith("Spatial") else (6, 6)
        with padded(*padding):
            shown = imgui.begin(self._window_name(view_id, context.recording_state.blueprint), None, _PLAIN)[0]
        if shown:
            region = imgui.get_content_region_avail()
            if region.x >= 8 and region.y >= 8:
                origin = imgui.get_cursor_screen_pos()
                yield from self._view_content(context, view_id, pane, (region.x, region.y))
                yield from _view_buttons(context, view_id, pane, origin, region)
            if imgui.is_window_focused() and imgui.is_mouse_clicked(0) and imgui.is_item_hovered():
                yield Select((ViewItem(view_id),))
        imgui.end()

    def _view_content(
        self, context: PanelContext, view_id: str, pane: Pane, size: tuple[float, float]
    ) -> Iterator[Command]:
        view = self.views.by_name.get(pane.view)
        if view is None:
            centered_note(f"No view class is called {pane.view}")
            return
        scene = self._scene(context, view, view_id, pane)
        if isinstance(scene, _Failed):
            centered_note(f"This view failed: {scene.why}")
            return
        recording: RecordingState = context.recording_state
        drawn = ViewContext(
            view_id=view_key(context.state.active, view_id),
            pane=pane,
            clock=recording.clock,
            value=recording.views.get(view_key(context.state.active, view_id)),
            selection=context.state.selection,
            hovered=context.state.hovered,
            fonts=self.fonts,
            graphics=self.graphics,
            size=size,
        )
        yield from view.draw(scene, drawn)

    def _scene(self, context: PanelContext, view: View, view_id: str, pane: Pane) -> Any:
        """What the view queried, anew only if the pane, the data or the cursor has changed."""
        query = context.query
        if query is None:
            return _Failed("there is no recording")
        known_revision = self._revisions.get(query.recording.store_id)
        key = (pane, known_revision, query.timeline, query.time if view.follows_cursor else None, query.span)
        where = (query.recording.store_id, view_id)
        kept = self._scenes.get(where)
        if kept is not None and kept[0] == key:
            return kept[1]
        try:
            scene = view.query(view_key(context.state.active, view_id), pane, query)
        except Exception as err:  # a view may be a stranger's plug-in: it says so in its own place
            log.debug("%s", view_id, exc_info=True)
            scene = _Failed(f"{type(err).__name__}: {err}")
        self._scenes[where] = (key, scene)
        return scene

    def _empty(self) -> None:
        """What stands in the middle when there is nothing to show."""
        viewport = imgui.get_main_viewport()
        problems = self.library.problems
        waiting = [loading for loading in self.library.loadings if loading.is_running]
        if waiting:
            text = f"Waiting for messages of {waiting[0].name} …" if waiting[0].is_live else "Reading …"
        elif problems:
            text = "\n".join(problems)
        else:
            text = self._why_empty()
        size = imgui.calc_text_size(text)
        place = imgui.ImVec2(
            viewport.work_pos.x + (viewport.work_size.x - size.x) / 2, viewport.work_pos.y + viewport.work_size.y * 0.36
        )
        imgui.get_foreground_draw_list().add_text(place, theme.color_u32(theme.DIM), text)

    def _why_empty(self) -> str:
        recording = self.library.recordings.get(self.state.active) if self.state.active else None
        paths = recording.store.entities() if recording else []
        if not any(not path.startswith("/__properties") for path in paths):
            return "This recording holds no data" if recording else "Open a recording with  rrbridge view FILE"
        return "Nothing in this recording has a drawing: select a stream to see its values"


class _Failed:
    """In place of a scene."""

    def __init__(self, why: str) -> None:
        self.why = why


def view_key(store_id: StoreId | None, view_id: str) -> str:
    """Tells the views of different recordings apart."""
    return f"{store_id.application_id}/{store_id.recording_id}/{view_id}" if store_id else view_id


def _view_buttons(
    context: PanelContext, view_id: str, pane: Pane, origin: imgui.ImVec2, region: imgui.ImVec2
) -> Iterator[Command]:
    """In the upper right corner, while the pointer is over the view: make it fill the screen, or small again; frames."""
    if not imgui.is_window_hovered(
        imgui.HoveredFlags_.child_windows | imgui.HoveredFlags_.allow_when_blocked_by_active_item
    ):
        return
    maximized = context.recording_state.blueprint.maximized == view_id
    imgui.set_cursor_screen_pos(imgui.ImVec2(origin.x + region.x - 34, origin.y + 6))
    imgui.push_style_color(imgui.Col_.button, color(theme.RAISED, 0.7))
    if imgui.button(ICONS.restore if maximized else ICONS.maximize, imgui.ImVec2(28, 0)):
        yield Maximize(None if maximized else view_id)
    imgui.pop_style_color()
    if imgui.is_item_hovered(imgui.HoveredFlags_.delay_normal):
        imgui.set_tooltip("All views again (Esc)" if maximized else "Fill the screen with this view")
    if pane.frame:
        imgui.set_cursor_screen_pos(imgui.ImVec2(origin.x + region.x - 68, origin.y + 6))
        imgui.push_style_color(imgui.Col_.button, color(theme.ACCENT if pane.frames else theme.RAISED, 0.7))
        if imgui.button(ICONS.frames, imgui.ImVec2(28, 0)):
            yield ShowFrames(view_id, not pane.frames)
        imgui.pop_style_color()
        if imgui.is_item_hovered(imgui.HoveredFlags_.delay_normal):
            imgui.set_tooltip("Hide the named frames" if pane.frames else "Draw the named frames")
