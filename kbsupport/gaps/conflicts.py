"""Do two articles say different things about the same? Sentences alike but for a number; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.knowledge.words import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Embed = Callable[[Sequence[str]], Vectors]

# Cosines. On the bundled articles these find both planned contradictions.
_SAME_MATTER, _SAME_STATEMENT = 0.55, 0.58
_ABOUT_IT = 0.4
_BEGINNING = 1_000
_NUMBER = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)?)\s*(%|[^\W\d_]+)")
_NOT = re.compile(r"\b(?:not|cannot|never)\b|n't\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\S)[^.!?\n]*)*")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sentences of two articles that give different numbers for what seems the same."""

    articles: tuple[str, str]
    said: tuple[str, str]

    def to_dict(self) -> dict[str, Any]:
        """`conflict` of a gap."""
        return {"articles": list(self.articles), "said": list(self.said)}


@dataclass(frozen=True, slots=True, eq=False)
class Conflicting:
    """A conflict with the vectors of its sentences, to tell which questions it concerns."""

    conflict: Conflict
    vectors: Vectors

    def concerns(self, question: Vectors) -> bool:
        """True if this question is about what the two sentences disagree on."""
        return bool((self.vectors @ question).max() >= _ABOUT_IT)


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    numbers: dict[str, frozenset[str]]


def conflicting(
    first: tuple[str, str], second: tuple[str, str], embed: Embed
) -> Conflicting | None:
    """The plainest contradiction between two articles, each given as its id and text."""
    mine, theirs = _statements(first[1]), _statements(second[1])
    rivals = [(a, b) for a in mine for b in theirs if _differ(a, b)]
    if not rivals:
        return None
    whole = embed([first[1][:_BEGINNING], second[1][:_BEGINNING]])
    if whole[0] @ whole[1] < _SAME_MATTER:
        return None
    texts = list(dict.fromkeys(one.text for pair in rivals for one in pair))
    vectors = dict(zip(texts, embed(texts), strict=True))
    best = max(rivals, key=lambda pair: float(vectors[pair[0].text] @ vectors[pair[1].text]))
    said = (best[0].text, best[1].text)
    both = embed(said)
    if both[0] @ both[1] < _SAME_STATEMENT:
        return None
    return Conflicting(Conflict((first[0], second[0]), said), both)


def _differ(mine: _Statement, other: _Statement) -> bool:
    # "It cannot use 5 GHz" agrees with "it uses 2.4 GHz".
    if bool(_NOT.search(mine.text)) != bool(_NOT.search(other.text)):
        return False
    units = mine.numbers.keys() & other.numbers.keys()
    return any(mine.numbers[unit].isdisjoint(other.numbers[unit]) for unit in units)


def _statements(text: str) -> list[_Statement]:
    found = []
    for match in _SENTENCE.finditer(text):
        numbers: dict[str, set[str]] = {}
        for number, unit in _NUMBER.findall(match[0]):
            numbers.setdefault(stem(unit.lower()), set()).add(number.replace(",", "."))
        if numbers:
            fixed = {unit: frozenset(values) for unit, values in numbers.items()}
            found.append(_Statement(" ".join(match[0].split()), fixed))
    return found
