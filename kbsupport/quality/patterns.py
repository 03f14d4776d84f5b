"""Patterns that take time in proportion to the text, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

# The time that one sign of a text takes at most is in proportion to this.
_MOST_STEPS = 50_000
# Letters and digits of any script; RE2's own \b knows those of English alone.
_EDGE = r"[^\pL\pN_]"


class BrokenPattern(ValueError):
    """A pattern that cannot be compiled, or that finds something in every text."""


class Patterns:
    """Several patterns as one; no text and no pattern makes a search take for ever.

    RE2 never goes back in a text, and refuses what could not be followed without.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        words: bool = False,
        any_case: bool = True,
        group: int = 0,
    ) -> None:
        self._patterns, self._words, self._any_case = tuple(patterns), words, any_case
        # What is found is one group of the pattern, or all of it; all of it is our own first one.
        self._group = group + 1

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they match, from left to right."""
        if not self._patterns:
            return
        # What is half of a sign cannot be looked at; in its place stands one whole sign.
        for match in self._compiled.finditer(whole_signs(text)):
            yield match.span(self._group)

    def check(self) -> None:
        """Raise BrokenPattern if one of them cannot be used."""
        for pattern in self._patterns:
            if _compile(pattern, any_case=self._any_case).search("") is not None:
                raise BrokenPattern("it matches an empty text, so it would be found everywhere")

    def check_together(self) -> None:
        """Raise BrokenPattern if all of them as one are too much."""
        _ = self._patterns and self._compiled

    @cached_property
    def _compiled(self) -> Any:
        joined = "|".join(f"(?:{pattern})" for pattern in self._patterns)
        whole = rf"(?:^|{_EDGE})({joined})(?:{_EDGE}|$)" if self._words else f"({joined})"
        return _compile(whole, any_case=self._any_case)


def _compile(pattern: str, *, any_case: bool) -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive = not any_case
    options.log_errors = False  # it would write to stderr what we say ourselves
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else "it cannot be read"
        raise BrokenPattern(said.decode() if isinstance(said, bytes) else str(said)) from error
    if compiled.programsize > _MOST_STEPS:
        raise BrokenPattern("it counts too far, as in a{1000}")
    return compiled


def whole_signs(text: str) -> str:
    """A text of the same length without lone surrogates, which no library takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
