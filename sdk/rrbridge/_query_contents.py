"""Which entities a query is about: `/imu/** - /imu/raw + /odom`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rrbridge import _entity_path
from rrbridge.errors import InvalidValueError

__all__ = ["PROPERTIES", "Contents"]

PROPERTIES = "/__properties"
_WORD = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Contents:
    """Rules that say which entities are in. For an entity, the rule with the longest path decides.

    Of two rules with the same path the later one counts. Properties (`/__properties/**`) are out unless a rule names them.
    """

    rules: tuple[tuple[str, bool, bool], ...]
    """Path, whether it reaches everything below, whether that is in."""

    @classmethod
    def parse(cls, contents: str | Iterable[str] | None) -> Contents:
        """Rules divided by white space, each in one line with the `+` or `-` before it; None: everything.

        A path may end in `/**`, which means it and everything below. White space within a path is written `\\ `.
        Raises InvalidValueError for what is no text.
        """
        texts = ["/**"] if contents is None else [contents] if isinstance(contents, str) else list(contents)
        rules: dict[tuple[str, bool], bool] = {}
        for text in texts:
            if not isinstance(text, str):
                raise InvalidValueError("contents", "expressions such as '/imu/** + /odom'", repr(text)[:80])
            for sign, path in (rule for line in text.splitlines() for rule in _rules(line)):
                below = path.endswith("/**")
                rules[_entity_path.normalize(path.removesuffix("/**")), below] = sign != "-"
        rules.setdefault((PROPERTIES, True), False)
        return cls(tuple((path, below, included) for (path, below), included in rules.items()))

    def includes(self, entity: str) -> bool:
        """Whether an entity, given by its canonical path, is in."""
        reaching = [
            (len(_entity_path.parts(path)), not below, included)
            for path, below, included in self.rules
            if path == entity or (below and _entity_path.is_descendant(entity, path))
        ]
        return max(reaching)[2] if reaching else False

    def of(self, entities: Iterable[str]) -> list[str]:
        """Those entities that are in."""
        return [entity for entity in entities if self.includes(entity)]


def _rules(text: str) -> Iterable[tuple[str, str]]:
    sign = ""
    for word in _WORD.findall(text):
        if word in ("+", "-"):
            if sign:
                yield sign, ""
            sign = word
        elif word[0] in "+-" and not sign:
            yield word[0], word[1:]
        else:
            yield sign, word
            sign = ""
    if sign:
        yield sign, ""
