"""A store as a dataframe, by the name that the reference gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rrbridge._chunk_filter import ContentLike, expressions
from rrbridge._query_recording import Recording
from rrbridge._query_view import View

if TYPE_CHECKING:
    from rrbridge._store import ChunkStore

__all__ = ["reader_of"]


def reader_of(
    store: ChunkStore,
    index: str | None,
    contents: ContentLike | None,
    *,
    include_semantically_empty_columns: bool,
    include_tombstone_columns: bool,
    fill_latest_at: bool,
    using_index_values: Any,
    context: Any,
) -> Any:
    """The rows of a store; see `ChunkStore.reader`."""
    view = Recording("", store).view(
        index,
        contents if contents is None else expressions(contents),
        include_semantically_empty_columns=include_semantically_empty_columns,
        include_tombstone_columns=include_tombstone_columns,
    )
    if using_index_values is not None:
        view = view.using_index_values(using_index_values)
    if fill_latest_at:
        view = view.fill_latest_at()
    return _in_datafusion(view, context)


def _in_datafusion(view: View, context: Any) -> Any:
    if context is None:
        try:
            from datafusion import SessionContext
        except ImportError:
            return view
        context = SessionContext.global_ctx()
    return context.from_arrow(view)
