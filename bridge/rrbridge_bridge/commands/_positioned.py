"""Options that apply to the arguments after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rich_click as click

__all__ = ["PositionedOption", "for_each_argument"]

Positioned = tuple[int, str]
"""How many arguments stand before it, and its value."""


class _Anything(click.ParamType):  # type: ignore[type-arg]
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """As it is."""
        return value


class PositionedOption(click.RichOption):
    """A repeatable option whose values are pairs: how many arguments stand before it, and what was given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, multiple=True, type=_Anything())

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the parser note the place too."""
        super().add_to_parser(parser, ctx)
        for name in self.opts:
            option = parser._long_opt.get(name) or parser._short_opt.get(name)
            store = option.process

            def process(value: Any, state: Any, store: Any = store) -> None:
                store((len(state.largs), value), state)

            option.process = process


def for_each_argument(given: Sequence[Positioned], count: int, default: str) -> list[str]:
    """The value for each argument: the last one before it. One that stands behind all arguments is for those without."""
    found: list[str | None] = [None] * count
    for position, value in given:
        found[position:] = [value] * (count - position)
    behind = next((value for position, value in given if position >= count), default)
    return [behind if value is None else value for value in found]
