"""One search, step by step: order the candidates, choose the passages that are shown; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

import numpy as np

from kbsupport.knowledge.ranking import fuse, order, vector_scores
from kbsupport.model import Channels, Coverage, Match, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kbsupport.knowledge.memory import Recall
    from kbsupport.knowledge.opened import OpenGeneration

_OF_THE_BEST = 3


@dataclass(frozen=True, slots=True)
class Ranked:
    """An article of the catalog, and how it ranks."""

    article: int
    match: Match


@dataclass(frozen=True, slots=True)
class Look:
    """A question with its vector, what the memory says about it, and each passage's terms."""

    text: str
    vector: NDArray[np.float32]
    recall: Recall
    passages: NDArray[np.float32]


def choose(
    index: OpenGeneration, ranked: Sequence[Ranked], look: Look
) -> list[tuple[int, int, float, float]]:
    """Up to three passages of the first article, and the best one of each that follows."""
    chosen: list[tuple[int, int, float, float]] = []
    for place, one in enumerate(ranked):
        rows = index.catalog.rows_of(one.article)
        cosines = index.vectors_of(one.article)[0] @ look.vector
        scored = [
            (row, float(look.passages[row]), float(cosine))
            for row, cosine in zip(rows, cosines, strict=True)
            if index.catalog.is_passage(row)
        ]
        best = order([fuse(cosine, term) for _, term, cosine in scored])
        for nth in best[: 1 if place else _OF_THE_BEST]:
            row, term, cosine = scored[nth]
            ordinal = int(index.catalog.ordinals[row])
            chosen.append((one.match.version, ordinal, term, cosine))
    return chosen


def shown(
    chunks: Mapping[tuple[int, int], tuple[str, str, str, int, int]],
    chosen: Sequence[tuple[int, int, float, float]],
) -> tuple[Passage, ...]:
    """Those passages with their texts."""
    found = []
    for version, ordinal, term, cosine in chosen:
        article_id, section, text, start, end = chunks[version, ordinal]
        found.append(
            Passage(article_id, section, text, start, end, round(term, 6), round(cosine, 6))
        )
    return tuple(found)


def rank(
    index: OpenGeneration,
    candidates: Sequence[int],
    look: Look,
    scores: tuple[NDArray[np.float32], ...],
    weights: Channels,
    most: int | None,
) -> list[Ranked]:
    """The candidates in order, by what each way of looking says; the first so many."""
    index.load(candidates)
    rows = _values(index, candidates, look, scores)
    found = [score_of(row, weights) for row in rows]
    # Fifty are looked at and ten shown: those alone become matches.
    return [
        Ranked(candidates[place], _match(index, candidates[place], rows[place], found[place]))
        for place in order(found)[:most]
    ]


def _match(index: OpenGeneration, article: int, row: Sequence[float], score: float) -> Match:
    entry = index.catalog.entries[article]
    return Match(entry.article_id, entry.version, score, Channels(*row), entry.topic)


def _values(
    index: OpenGeneration,
    candidates: Sequence[int],
    look: Look,
    scores: tuple[NDArray[np.float32], ...],
) -> list[list[float]]:
    """What each way of looking says about each article, in the order of the channels."""
    places = np.array(candidates, np.int64)
    by_vectors = vector_scores([index.vectors_of(one) for one in candidates], look.vector)
    by_words = [score[places][:, None] for score in scores]
    recalled = look.recall.of_all([index.catalog.entries[one].article_id for one in candidates])
    rows: list[list[float]] = np.round(np.hstack((by_vectors, *by_words, recalled)), 6).tolist()
    return rows


def score_of(row: Sequence[float], weights: Channels) -> float:
    """One number to order articles by; it is never shown as a probability."""
    found: float = round(sum(map(mul, row, weights.values())), 6)
    return found


def coverage_of(index: OpenGeneration, text: str, article: int) -> Coverage:
    """Which of the question's words an article holds."""
    return Coverage(*index.terms.coverage(text, article))


def best_of(scores: NDArray[np.float32], admitted: NDArray[np.bool_], count: int) -> list[int]:
    """The articles of the highest scores, of those that may be seen and score at all."""
    shown = np.where(admitted, scores, 0.0)
    best = np.argsort(-shown, kind="stable")[:count]
    return [int(article) for article in best if shown[article] > 0]
