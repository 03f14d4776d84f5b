"""Memory: what titles, seen questions and past tickets say about which article answers.

A least-squares classifier over short texts. Each unit is a text whose article is known, or a past
question that no article could answer. How alike two texts are is mostly meaning (their embeddings)
and in part spelling (TF-IDF of words and of letter runs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kbsupport.knowledge.ranking import greatest_of
from kbsupport.knowledge.terms import Postings, as_arrays, cosines, from_arrays, tfidf
from kbsupport.knowledge.words import letters, terms
from kbsupport.model import Unanswered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# benchmarks/judge.py: the result moves by less than the spread between halves and doubles of these.
_STEEPNESS = 3.0
_RIDGE = 0.1
_MEANING = 0.7
_NEAREST = 3
_NEAREST_UNANSWERED = 5
# Beyond this many units fitting takes minutes and a question milliseconds; titles go first.
MOST_UNITS = 3_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A short text and the articles that answer it; none if nobody could answer from articles."""

    text: str
    articles: tuple[str, ...]
    past: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Fitted units; the past ones come last, in the order they were given."""

    articles: tuple[str, ...]
    vectors: Floats
    words: Postings
    letters: Postings
    weights: Floats
    left_out: Floats
    members: NDArray[np.int32]
    starts: NDArray[np.int64]
    places: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {a: n for n, a in enumerate(self.articles)})

    @classmethod
    def fit(cls, units: Sequence[Unit], vectors: Floats) -> Memory:
        """Solve for the weight of each unit on each article."""
        articles = tuple(sorted({a for unit in units for a in unit.articles}))
        place = {article: number for number, article in enumerate(articles)}
        truth = np.zeros((len(units), len(articles) + 1))
        for row, unit in enumerate(units):
            for article in unit.articles:
                truth[row, place[article]] = 1.0
            truth[row, -1] = float(not unit.articles)
        texts = [unit.text for unit in units]
        words, spelt = tfidf(texts, terms), tfidf(texts, letters)
        alike = (
            np.stack(
                [
                    _likeness(
                        vectors @ vector, cosines(words, terms(text)), cosines(spelt, letters(text))
                    )
                    for vector, text in zip(vectors, texts, strict=True)
                ]
            )
            if texts
            else np.zeros((0, 0))
        )
        inverse = np.linalg.inv((alike + alike.T) / 2 + _RIDGE * np.eye(len(units)))
        weights = inverse @ truth
        past = [row for row, unit in enumerate(units) if unit.past]
        # What each past unit would be told if it were not there: exact, without fitting again.
        left_out = (truth - weights / np.diag(inverse)[:, None])[past]
        owned = [np.flatnonzero(truth[:, column]) for column in range(truth.shape[1])]
        return cls(
            articles=articles,
            vectors=vectors,
            words=words,
            letters=spelt,
            weights=weights.astype(np.float32),
            left_out=left_out.astype(np.float32),
            members=np.concatenate(owned).astype(np.int32),
            starts=np.cumsum([0, *map(len, owned)]),
        )

    def recall(self, vector: Floats, text: str, without: int | None = None) -> Recall:
        """What the units say about a text; `without` hides the past unit of this number."""
        near = self.vectors @ vector
        alike = _likeness(
            near, cosines(self.words, terms(text)), cosines(self.letters, letters(text))
        )
        if without is None:
            scores = alike @ self.weights
        else:
            scores = self.left_out[without]
            row = len(near) - len(self.left_out) + without
            near[row] = alike[row] = -1.0
        return Recall(self, scores, near, alike)

    def save(self, path: Path) -> None:
        """Write one file that opens without parsing."""
        arrays: dict[str, Any] = {
            "articles": np.array(self.articles, np.str_), "vectors": self.vectors,
            "weights": self.weights, "left_out": self.left_out,
            "members": self.members, "starts": self.starts,
        }  # fmt: skip
        arrays |= as_arrays("words", self.words) | as_arrays("letters", self.letters)
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Memory:
        """Read what `save` wrote."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return cls(
                articles=tuple(arrays["articles"].tolist()),
                words=from_arrays("words", arrays),
                letters=from_arrays("letters", arrays),
                **{
                    name: arrays[name]
                    for name in ("vectors", "weights", "left_out", "members", "starts")
                },
            )


class Recall:
    """What the memory says about one question."""

    def __init__(self, memory: Memory, scores: Floats, near: Floats, alike: Floats) -> None:
        self._memory, self._scores, self._near = memory, scores, near
        self._likest = _greatest(alike, memory.members, memory.starts)

    def leading(self, count: int) -> list[str]:
        """The articles it speaks for most, best first."""
        best = np.argsort(-self._scores[:-1], kind="stable")[:count]
        return [self._memory.articles[place] for place in best]

    def of(self, article: str) -> tuple[float, ...]:
        """Score, best cosine, mean of the best three, and best likeness, of one article."""
        return tuple(self.of_all([article])[0].tolist())

    def of_all(self, articles: Sequence[str]) -> NDArray[np.float64]:
        """The same of each of these; zeros for one that the memory never heard of."""
        places = np.array([self._memory.places.get(one, -1) for one in articles], np.int64)
        known = np.flatnonzero(places >= 0)
        found = np.zeros((len(articles), 4))
        found[known] = self._about(places[known], _NEAREST)
        return found

    def unanswered(self) -> Unanswered:
        """The same of the questions that nobody could answer."""
        place = np.array([len(self._memory.articles)])
        found = self._about(place, _NEAREST_UNANSWERED)[0].tolist()
        return Unanswered(*(round(value, 6) for value in found))

    def _about(self, places: NDArray[np.int64], nearest: int) -> NDArray[np.float64]:
        found = np.zeros((len(places), 4))
        found[:, 0] = self._scores[places]
        begins = self._memory.starts[places]
        sizes = self._memory.starts[places + 1] - begins
        some = np.flatnonzero(sizes)
        if not len(some):
            return found
        begins, sizes = begins[some], sizes[some]
        # The members of each, one after the other.
        rows = np.arange(sizes.sum()) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
        near = self._near[self._memory.members[rows]].astype(np.float64)
        best, mean = greatest_of(near, sizes, nearest)
        found[some, 1] = np.maximum(best, 0.0)
        found[some, 2] = mean
        found[some, 3] = np.maximum(self._likest[places[some]], 0.0)
        return found


def _greatest(values: Floats, members: NDArray[np.int32], starts: NDArray[np.int64]) -> Floats:
    """The greatest value of the members of each; what it says of one without members is void."""
    if not len(members):
        return np.zeros(len(starts) - 1, np.float32)
    # Where the last ones have none, they would begin beyond the end.
    begins = np.minimum(starts[:-1], len(members) - 1)
    found: Floats = np.maximum.reduceat(values[members], begins)
    return found


def _likeness(near: Floats, words: Floats, spelt: Floats) -> Floats:
    meaning = np.exp(_STEEPNESS * (near - 1.0))
    alike: Floats = _MEANING * meaning + (1 - _MEANING) / 2 * (words + spelt)
    return alike
