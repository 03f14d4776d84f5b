"""A reply that nobody has read yet, and all that says whether it may be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kbsupport.model import Author, Citation, Customer, Reading

_SPACE = re.compile(r"\s+")
_STOP = re.compile(r"[.!?\n。！？](?=\s|$)")


@dataclass(frozen=True)
class Draft:
    """A reply before it is sent.

    `sources` are the texts of the cited articles by id: what stands there is published. `language`
    is the one wanted, `written` what a Reader says of the text, `said` what the customer wrote so
    far. `verbatim`: everything must stand in a quote. `known_links` are hosts that it may lead to
    besides those of its sources.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    language: str | None = None
    written: Reading | None = None
    customer: Customer | None = None
    by: Author = Author.ASSISTANT
    known_links: frozenset[str] = frozenset()
    said: str = ""
    verbatim: bool = False

    @property
    def automatic(self) -> bool:
        """True if no person wrote it."""
        return self.by is not Author.SPECIALIST

    def published(self, start: int, end: int) -> bool:
        """True if the whole sentence around this place stands in a source, word by word."""
        return self._sentence(start, end) in self._flat

    def stands_in_a_source(self, value: str) -> bool:
        """True if a source says just this, and not as a part of something longer."""
        exact = re.compile(rf"(?<!\w){re.escape(flat(value))}(?!\w)", re.IGNORECASE)
        return exact.search(self._flat) is not None

    def quotes(self, words: str) -> bool:
        """True if a source has these words, however its lines are broken."""
        return flat(words) in self._flat

    def _sentence(self, start: int, end: int) -> str:
        before = max((one.end() for one in _STOP.finditer(self.text, 0, start)), default=0)
        after = _STOP.search(self.text, end)
        return flat(self.text[before : after.end() if after else len(self.text)])

    @cached_property
    def _flat(self) -> str:
        return "\n".join(flat(text) for text in self.sources.values())


def flat(text: str) -> str:
    """A text on one line, with single spaces."""
    return _SPACE.sub(" ", text).strip()
