"""Selectors: a small language that says which part of nested Arrow data is meant."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from rrbridge._selector_eval import Rows, Step, evaluate
from rrbridge._selector_syntax import Pipe, parse
from rrbridge.errors import InvalidValueError

__all__ = ["Selector"]


class Selector:
    """A path into nested Arrow data, written much as in jq; immutable.

    - `.name` takes a field of structs, `[n]` one element of lists, `[]` all of them; `.` is the data itself.
    - A step marked `?` gives no result where it does not fit the data, instead of an error. With `!`, a row of which
      all values are null becomes null itself.
    - `a | b` applies `b` to what `a` gives; `map(a)` applies `a` inside of each list.
    - `pack(.x, .y)` puts values side by side in fixed-size lists; a path that can be null has to end in `!`.
    - `"text"` is a constant for each value, `string_prefix("text")` puts one before each.

    The grammar is in `_selector_syntax`. A field that the data does not have gives no result (None), not an error.
    """

    __slots__ = ("_steps",)

    _steps: tuple[Step, ...]

    def __init__(self, query: str) -> None:
        """Parse a query. Raises SelectorSyntaxError."""
        if not isinstance(query, str):
            raise TypeError(f"a selector is text, not {type(query).__name__}")
        found = parse(query)
        self._steps = found.stages if isinstance(found, Pipe) else (found,)

    @classmethod
    def of(cls, selector: Selector | str) -> Selector:
        """Itself, or what a text stands for. Raises SelectorSyntaxError, InvalidValueError."""
        if isinstance(selector, Selector):
            return selector
        if not isinstance(selector, str):
            raise InvalidValueError("selector", "a Selector or its text", repr(selector)[:80])
        return cls(selector)

    def execute(self, source: pa.Array) -> pa.Array | None:
        """What the selector gives for all values of an array, in one array; `[]` makes it longer or shorter.

        None if there is no result. Raises SelectorError where the data does not fit, TypeError if it is no array.
        """
        found = evaluate(self._steps, Rows(_array(source), None, None))
        return None if found is None else found.values

    def execute_per_row(self, source: pa.Array) -> pa.Array | None:
        """The same inside of each list of a list array: as many lists as there were. None if there is no result.

        Raises SelectorError where the data does not fit, TypeError if it is no list array.
        """
        if not pa.types.is_list(_array(source).type):
            raise TypeError(f"rows are a list array, not {source.type}")
        found = evaluate(self._steps, Rows.of_lists(source))
        return None if found is None else found.to_lists()

    def pipe(self, func: Callable[[pa.Array], pa.Array | None] | Selector) -> Selector:
        """A selector that hands what this one gives to another one, or to a function of an array.

        A function gets all values of all rows at once. It gives as many values, or None for no result.
        """
        if not isinstance(func, Selector) and not callable(func):
            raise TypeError(f"pipe takes a function or a Selector, not {type(func).__name__}")
        made = Selector.__new__(Selector)
        made._steps = (*self._steps, *(func._steps if isinstance(func, Selector) else (func,)))
        return made

    def __str__(self) -> str:
        return " | ".join("<function>" if callable(step) else str(step) for step in self._steps)

    def __repr__(self) -> str:
        escaped = str(self).replace("\\", "\\\\").replace('"', '\\"')
        return f'Selector("{escaped}")'

    def __reduce__(self) -> tuple[type[Selector], tuple[str]]:
        if any(callable(step) for step in self._steps):
            raise TypeError("a selector that ends in a Python function has no text; pipe into a Selector instead")
        return type(self), (str(self),)


def _array(source: pa.Array) -> pa.Array:
    if not isinstance(source, pa.Array):
        raise TypeError(f"a selector applies to a pyarrow.Array, not to {type(source).__name__}")
    return source
