"""What a cluster is called: its most telling words, and its most central questions; pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kbsupport.gaps.asked import Looked
from kbsupport.knowledge.words import stem

_WORDS, _QUESTIONS = 3, 3
# Letters only: an order number tells no cluster from another.
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Tongue:
    """In how many tickets and articles each word stem stands: a rare word tells more."""

    texts: int
    holding: Counter[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Tongue:
        """Count the words of all texts."""
        sets = [set(_stems(text)) for text in texts]
        return cls(len(sets), Counter(word for words in sets for word in words))

    def weight(self, word: str) -> float:
        """How telling a word is."""
        return math.log((1 + self.texts) / (1 + self.holding[word]))


def name_of(texts: Sequence[str], tongue: Tongue) -> str:
    """The words that these texts share, and other tickets rarely hold."""
    spelt: dict[str, Counter[str]] = {}
    holding: Counter[str] = Counter()
    for text in texts:
        stems = _stems(text)
        holding.update(stems.keys())
        for word, spellings in stems.items():
            spelt.setdefault(word, Counter()).update(spellings)
    shared = {w: n for w, n in holding.items() if n > 1} or dict(holding)
    # Squared: a word that half of all tickets hold is no name, however many of these hold it.
    merit = {word: count * tongue.weight(word) ** 2 for word, count in shared.items()}
    best = sorted(merit, key=lambda word: (-merit[word], word))[:_WORDS]
    return ", ".join(spelt[word].most_common(1)[0][0] for word in best) or "no words in common"


def central(members: Sequence[Looked]) -> list[Looked]:
    """The members from the most central one outwards; what is said twice comes once."""
    vectors = np.stack([one.vector for one in members])
    near = vectors @ vectors.mean(axis=0)
    found: dict[str, Looked] = {}
    for place in np.argsort(-near, kind="stable"):
        one = members[int(place)]
        found.setdefault(" ".join(one.asked.text.split()).casefold(), one)
    return list(found.values())


def questions_of(members: Sequence[Looked]) -> tuple[str, ...]:
    """The texts of the most central members."""
    return tuple(one.asked.text for one in central(members)[:_QUESTIONS])


def _stems(text: str) -> dict[str, Counter[str]]:
    stems: dict[str, Counter[str]] = {}
    for word in _WORD.findall(text.lower()):
        stems.setdefault(stem(word), Counter())[word] += 1
    return stems
