"""Does a reply say what its sources say? Citations that exist, quotes that are exact."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kbsupport.model.quality import Fault
from kbsupport.quality.disclosed import Seen
from kbsupport.quality.drafts import Draft, flat

_SPOKEN = re.compile(r"[\"“„«]\s?([^\"“”„«»\n]{20,600}?)\s?[\"”“»]")
_FEWEST_WORDS = 5


def citations(draft: Draft) -> Iterator[Seen]:
    """An automatic answer cites; whatever is cited is there."""
    if draft.automatic and not draft.citations:
        yield Fault.CITATION, "it cites no article", 0, len(draft.text)
    for one in draft.citations:
        place = _place(draft, one.quote)
        source = draft.sources.get(one.article_id)
        if source is None:
            yield Fault.CITATION, f"there is no article {one.article_id}", *place
        elif not one.quote.strip():
            yield Fault.CITATION, f"{one.article_id} is cited without a word of it", *place
        elif source[one.start : one.end] != one.quote:
            elsewhere = one.quote in source
            said = f"what {one.article_id} is quoted for stands elsewhere in it"
            if elsewhere:
                yield Fault.CITATION, said, *place
            else:
                yield Fault.QUOTE, f"{one.article_id} does not say that", *place


def quotes(draft: Draft) -> Iterator[Seen]:
    """What is given as somebody's words are the words of a source."""
    if draft.verbatim:
        yield from _beyond_quotes(draft)
    elif draft.citations:
        for spoken in _SPOKEN.finditer(draft.text):
            long = len(spoken[1].split()) >= _FEWEST_WORDS
            if long and not draft.quotes(spoken[1].rstrip(".,!?")):
                yield Fault.QUOTE, "these words stand in no cited article", *spoken.span(1)


def _beyond_quotes(draft: Draft) -> Iterator[Seen]:
    """What an answer says that is all quotes, and that stands in none."""
    at = 0
    for one in draft.citations:
        found = draft.text.find(one.quote, at)
        if found < 0:
            yield Fault.QUOTE, "a quote is not in the text", at, len(draft.text)
            return
        if flat(draft.text[at:found]):
            yield Fault.QUOTE, "this stands in no quote", at, found
        at = found + len(one.quote)
    if draft.citations and flat(draft.text[at:]):
        yield Fault.QUOTE, "this stands in no quote", at, len(draft.text)


def _place(draft: Draft, quote: str) -> tuple[int, int]:
    found = draft.text.find(quote) if quote else -1
    return (found, found + len(quote)) if found >= 0 else (0, len(draft.text))
