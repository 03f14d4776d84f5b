"""Phrases looked for only where a text holds one of their words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property


class Spoken:
    """A pattern compiled when a text first holds one of its stems: most messages hold none.

    Compiling all patterns takes longer than all else that a single question needs them for.
    """

    def __init__(self, stems: str, pattern: str) -> None:
        self.stems = tuple(stems.split())
        self._pattern = pattern

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern itself."""
        return re.compile(self._pattern)

    def search(self, plain: str) -> re.Match[str] | None:
        """The first place where the text says it."""
        return self.pattern.search(plain) if self.may_be_in(plain) else None

    def finditer(self, plain: str) -> Iterator[re.Match[str]]:
        """Every place where the text says it."""
        return self.pattern.finditer(plain) if self.may_be_in(plain) else iter(())

    def may_be_in(self, plain: str) -> bool:
        """Whether the text holds a stem at all."""
        return any(stem in plain for stem in self.stems)
