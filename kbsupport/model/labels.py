"""Labels: tickets with what a person says should happen with them."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime

AUTO_RESOLVE = "auto_resolve"
ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Label:
    """One ticket and what a person says should happen with it."""

    id: str
    text: str
    expected: str
    accept_ids: tuple[str, ...] = ()
    kind: str | None = None
    topic: str | None = None
    intent: str | None = None
    urgent: bool | None = None
    tier: str | None = None
    language: str | None = None
    product: str | None = None
    customer_id: str | None = None
    conversation_id: str | None = None
    created_at: datetime | None = None

    @property
    def answerable(self) -> bool:
        """True if an article answers it, so that nobody needs to look."""
        return self.expected == AUTO_RESOLVE

    def accepts(self, article_id: str | None) -> bool:
        """Say whether this article, quoted without a person, is a right outcome."""
        return self.answerable and article_id in self.accept_ids


def storable(text: str) -> str:
    """The text without lone surrogates and NUL: a database takes neither."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def normalised(text: str) -> str:
    """What stays of a text when case, white space and the punctuation around it do not count."""
    # Folding case can take a letter apart that the first pass had put together.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", storable(text)).casefold())
    words = " ".join(folded.split())
    begin, end = 0, len(words)
    while begin < end and _around(words[begin]):
        begin += 1
    while begin < end and _around(words[end - 1]):
        end -= 1
    return words[begin:end]


def text_hash(text: str) -> str:
    """The same for two texts that say the same, letter for letter, when normalised."""
    return hashlib.sha256(normalised(text).encode()).hexdigest()


def _around(sign: str) -> bool:
    # Signs that are no punctuation stay: "C++" is not "C", and an emoji says something.
    return sign.isspace() or unicodedata.category(sign).startswith("P")
