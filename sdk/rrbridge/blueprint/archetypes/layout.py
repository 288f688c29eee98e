"""What a blueprint's tree is made of: the viewport, its containers and views, the panels around it."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype
from rrbridge.blueprint import components as bc


class ViewportBlueprint(Archetype):
    """The middle of the viewer."""

    _: KW_ONLY
    root_container: bc.RootContainerLike | None = None
    maximized: bc.ViewMaximizedLike | None = None
    """The view that fills it for now."""
    auto_layout: bc.AutoLayoutLike | None = None
    """Whether the viewer arranges the views; off as soon as a person does."""
    auto_views: bc.AutoViewsLike | None = None
    """Whether the viewer makes views of its own for what is logged."""
    past_viewer_recommendations: bc.ViewerRecommendationHashLike | None = None


class ContainerBlueprint(Archetype):
    """A container, and what it contains."""

    container_kind: bc.ContainerKindLike
    _: KW_ONLY
    display_name: c.NameLike | None = None
    contents: bc.IncludedContentLike | None = None
    """`view/<uuid>` or `container/<uuid>` each."""
    col_shares: bc.ColumnShareLike | None = None
    row_shares: bc.RowShareLike | None = None
    active_tab: bc.ActiveTabLike | None = None
    visible: c.VisibleLike | None = None
    grid_columns: bc.GridColumnsLike | None = None


class ViewBlueprint(Archetype):
    """A view, without what it shows."""

    class_identifier: bc.ViewClassLike
    """`3D`, `2D`, `TimeSeries`, …"""
    _: KW_ONLY
    display_name: c.NameLike | None = None
    space_origin: bc.ViewOriginLike | None = None
    visible: c.VisibleLike | None = None
    titlebar: bc.EnabledLike | None = None


class ViewContents(Archetype):
    """What a view shows: rules such as `$origin/**` and `- /world/hidden/**`, later ones first."""

    query: bc.QueryExpressionLike


class ActiveVisualizers(Archetype):
    """The visualizers of an entity in a view, in place of those the viewer would choose."""

    instruction_ids: bc.VisualizerInstructionIdLike


class VisualizerInstruction(Archetype):
    """One visualizer of an entity in a view."""

    visualizer_type: bc.VisualizerTypeLike
    _: KW_ONLY
    component_map: bc.VisualizerComponentMappingLike | None = None


class EntityBehavior(Archetype):
    """How an entity and those below it behave in a view."""

    _: KW_ONLY
    interactive: c.InteractiveLike | None = None
    visible: c.VisibleLike | None = None


class PanelBlueprint(Archetype):
    """A panel."""

    _: KW_ONLY
    state: bc.PanelStateLike | None = None


class TimePanelBlueprint(Archetype):
    """The time panel, and how time goes on."""

    _: KW_ONLY
    state: bc.PanelStateLike | None = None
    timeline: bc.TimelineNameLike | None = None
    playback_speed: bc.PlaybackSpeedLike | None = None
    """Seconds of the recording per second."""
    fps: bc.FpsLike | None = None
    """Steps per second, on timelines of sequence numbers."""
    play_state: bc.PlayStateLike | None = None
    loop_mode: bc.LoopModeLike | None = None
    time_selection: bc.AbsoluteTimeRangeLike | None = None
