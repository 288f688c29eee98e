"""How tables, and the previews of recordings in them, are shown."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype
from rrbridge.blueprint import components as bc


class TableBlueprint(Archetype):
    """A table as a whole."""

    _: KW_ONLY
    layout: bc.TableLayoutKindLike | None = None
    column_display_mode: bc.ColumnDisplayModeLike | None = None
    filters: bc.SqlFilterExpressionLike | None = None
    sort_by: bc.SortByLike | None = None


class TableColumn(Archetype):
    """A column of a table."""

    _: KW_ONLY
    name: c.NameLike | None = None
    editable: bc.EditableLike | None = None
    visible: c.VisibleLike | None = None
    column_type: bc.ColumnTypeLike | None = None


class TableColumnPreview(Archetype):
    """The views that preview a recording in a column."""

    views: bc.IncludedContentLike


class TableLayout(Archetype):
    """A table by rows and columns."""

    _: KW_ONLY
    column_order: bc.ColumnNameLike | None = None


class CardLayout(Archetype):
    """A table by cards, one per row."""

    field_order: bc.ColumnNameLike
    _: KW_ONLY
    title: bc.ColumnNameLike | None = None
    link: bc.ColumnNameLike | None = None


class PreviewsConfig(Archetype):
    """How previews play."""

    _: KW_ONLY
    timeline: bc.TimelineNameLike | None = None
    play_state: bc.PlayStateLike | None = None
    playback_speed: bc.PlaybackSpeedLike | None = None
    start_point: bc.TimelineFractionLike | None = None
    """0 at the beginning of the timeline, 1 at its end."""
