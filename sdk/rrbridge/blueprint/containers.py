"""Containers: how views are laid out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from rrbridge._archetype import own_errors
from rrbridge.blueprint._rows import Row
from rrbridge.blueprint._view import View
from rrbridge.blueprint.archetypes import ContainerBlueprint
from rrbridge.blueprint.components import ContainerKind, ContainerKindLike
from rrbridge.encodings import FloatLike
from rrbridge.errors import InvalidValueError

if TYPE_CHECKING:
    from rrbridge.blueprint._blueprint import Blueprint

__all__ = ["Container", "Grid", "Horizontal", "Tabs", "Vertical"]


@own_errors
class Container:
    """A container of any kind; mostly made by one of its subclasses."""

    id: uuid.UUID

    def __init__(
        self,
        *args: Container | View,
        contents: Iterable[Container | View] | None = None,
        kind: ContainerKindLike,
        column_shares: FloatLike | None = None,
        row_shares: FloatLike | None = None,
        grid_columns: int | None = None,
        active_tab: int | str | None = None,
        name: str | None,
        visible: bool | None = None,
    ) -> None:
        """Give what it contains as arguments or as `contents`; shares are relative to each other.

        `active_tab`: position of a child, or the name of a view. Raises InvalidValueError.
        """
        if args and contents is not None:
            raise InvalidValueError("Container", "either arguments or contents=", "both")
        self.id = uuid.uuid4()
        self.contents: tuple[Container | View, ...] = tuple(args if contents is None else contents)
        for child in self.contents:
            if not isinstance(child, Container | View):
                raise InvalidValueError("Container.contents", "views and containers", repr(child)[:80])
        self.kind = kind
        self.column_shares = column_shares
        self.row_shares = row_shares
        self.grid_columns = grid_columns
        self.active_tab = active_tab
        self.name = None if name is None else str(name)
        self.visible = visible
        self._archetype()

    def blueprint_path(self) -> str:
        """Where blueprints speak of it: `container/<uuid>`."""
        return f"container/{self.id}"

    def to_container(self) -> Container:
        """The container itself."""
        return self

    def to_blueprint(self) -> Blueprint:
        """The container alone in a blueprint."""
        from rrbridge.blueprint._blueprint import Blueprint  # containers are declared before what holds them

        return Blueprint(self)

    def blueprint_rows(self) -> Iterator[Row]:
        """What a blueprint says about it and all that it contains."""
        for child in self.contents:
            yield from child.blueprint_rows()
        yield Row(f"/{self.blueprint_path()}", self._archetype().as_component_batches())

    def _archetype(self) -> ContainerBlueprint:
        return ContainerBlueprint(
            self.kind,
            display_name=self.name,
            contents=[child.blueprint_path() for child in self.contents],
            col_shares=self.column_shares,
            row_shares=self.row_shares,
            active_tab=self._active_tab_path(),
            visible=self.visible,
            grid_columns=self.grid_columns,
        )

    def _active_tab_path(self) -> str | None:
        """The active tab's path. As in the reference, without one the last unnamed view is it, in any container."""
        found = None
        for position, child in enumerate(self.contents):
            if position == self.active_tab or (isinstance(child, View) and child.name == self.active_tab):
                found = child.blueprint_path()
        if found is None and self.active_tab is not None:
            raise InvalidValueError(
                f"{type(self).__name__}.active_tab",
                "the position of a child or the name of a view",
                repr(self.active_tab),
            )
        return found

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.contents))})"


class Horizontal(Container):
    """Side by side."""

    def __init__(
        self,
        *args: Container | View,
        contents: Iterable[Container | View] | None = None,
        column_shares: FloatLike | None = None,
        name: str | None = None,
        visible: bool | None = None,
    ) -> None:
        """`column_shares`: how wide each is, relative to the others."""
        super().__init__(
            *args,
            contents=contents,
            kind=ContainerKind.Horizontal,
            column_shares=column_shares,
            name=name,
            visible=visible,
        )


class Vertical(Container):
    """One above the other."""

    def __init__(
        self,
        *args: Container | View,
        contents: Iterable[Container | View] | None = None,
        row_shares: FloatLike | None = None,
        name: str | None = None,
        visible: bool | None = None,
    ) -> None:
        """`row_shares`: how high each is, relative to the others."""
        super().__init__(
            *args, contents=contents, kind=ContainerKind.Vertical, row_shares=row_shares, name=name, visible=visible
        )


class Grid(Container):
    """In rows and columns."""

    def __init__(
        self,
        *args: Container | View,
        contents: Iterable[Container | View] | None = None,
        column_shares: FloatLike | None = None,
        row_shares: FloatLike | None = None,
        grid_columns: int | None = None,
        name: str | None = None,
        visible: bool | None = None,
    ) -> None:
        """Without `grid_columns` the viewer chooses how many."""
        super().__init__(
            *args,
            contents=contents,
            kind=ContainerKind.Grid,
            column_shares=column_shares,
            row_shares=row_shares,
            grid_columns=grid_columns,
            name=name,
            visible=visible,
        )


class Tabs(Container):
    """One at a time."""

    def __init__(
        self,
        *args: Container | View,
        contents: Iterable[Container | View] | None = None,
        active_tab: int | str | None = None,
        name: str | None = None,
        visible: bool | None = None,
    ) -> None:
        """`active_tab`: position of a child, or the name of a view."""
        super().__init__(
            *args, contents=contents, kind=ContainerKind.Tabs, active_tab=active_tab, name=name, visible=visible
        )


ContainerLike: TypeAlias = Container | View
