"""Which article a person's answer rests on: it names it, or says its words; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RUN = 6
# So much of what was written stands in the article in runs of words: no chance, and no paraphrase.
_ENOUGH = 0.35
_WORD = re.compile(r"\w+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Source:
    """An article that an answer may rest on."""

    article_id: str
    title: str
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Rests:
    """The article, and how one can tell."""

    article_id: str
    said: str


def rests_on(answer: str, sources: Mapping[str, Source]) -> Rests | None:
    """The article that the answer names or quotes; None where neither can be seen."""
    for source in sources.values():
        if source.url and source.url in answer:
            return Rests(source.article_id, "the answer links to it")
        if re.search(rf"(?<![\w/-]){re.escape(source.article_id)}(?![\w/-])", answer):
            return Rests(source.article_id, "the answer names it")
    words = _WORD.findall(answer.casefold())
    if len(words) < _RUN:
        return None
    shares = {one: _share(words, source.text) for one, source in sources.items()}
    best = max(shares, key=lambda one: shares[one], default=None)
    if best is None or shares[best] < _ENOUGH:
        return None
    return Rests(best, f"{shares[best]:.0%} of the answer stands in it word by word")


def _share(words: list[str], text: str) -> float:
    """The share of the answer's words that stand in the text in a run of six or more."""
    theirs = _WORD.findall(text.casefold())
    runs = {tuple(theirs[at : at + _RUN]) for at in range(len(theirs) - _RUN + 1)}
    covered = [False] * len(words)
    for at in range(len(words) - _RUN + 1):
        if tuple(words[at : at + _RUN]) in runs:
            covered[at : at + _RUN] = [True] * _RUN
    return sum(covered) / len(words)
