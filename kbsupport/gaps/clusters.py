"""Puts questions about the same thing together; pure, with scipy inside its one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kbsupport.gaps.asked import Looked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# benchmarks/gaps.py says what these give; they were chosen on other draws than those it reports.
LEANING = 0.3
REPLY = 2.5
FARTHEST = 0.7
FEWEST = 2
FEW = 20
_NO_LENGTH = 1e-9
# A matrix of more pairs than this would not fit beside the model; the newest questions count.
MOST = 5_000


def clusters(looked: Sequence[Looked], farthest: float = FARTHEST) -> list[list[int]]:
    """The places of questions that belong together, two at least; the largest first.

    Complete linkage: no two questions of a cluster are farther apart than `farthest`.
    """
    if len(looked) < FEWEST:
        return []
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = np.clip(1.0 - likeness(looked), 0.0, None)
    tree = linkage(squareform(apart, checks=False), "complete")
    numbers = fcluster(tree, farthest, "distance")
    found = [np.flatnonzero(numbers == number).tolist() for number in np.unique(numbers)]
    return sorted((one for one in found if len(one) >= FEWEST), key=lambda one: (-len(one), one))


def likeness(looked: Sequence[Looked]) -> Floats:
    """How alike any two questions are, up to 1: in meaning, and in what they find.

    Two questions that no article answers still lean towards the same articles beside the one that
    is missing; that tells them from others where the words are few.
    """
    meaning = _centred(np.stack([_meaning(one) for one in looked]))
    leaning = _centred(_leanings(looked))
    alike = (meaning @ meaning.T + LEANING * (leaning @ leaning.T)) / (1 + LEANING)
    alike[_twins(looked)] = 1.0
    np.fill_diagonal(alike, 1.0)
    return np.asarray((alike + alike.T) / 2, np.float64)


def _meaning(one: Looked) -> Floats:
    """The question, and what people wrote back, which says more plainly what it was about."""
    whole = one.vector.astype(np.float64)
    if one.reply is not None:
        whole = whole + REPLY * one.reply
    return np.asarray(whole / (np.linalg.norm(whole) or 1.0))


def _leanings(looked: Sequence[Looked]) -> Floats:
    """For each question how its score is shared among all articles that any of them found."""
    place = {a: n for n, a in enumerate(sorted({a for one in looked for a in one.scores}))}
    shares = np.zeros((len(looked), max(1, len(place))))
    for row, one in enumerate(looked):
        best = max(one.scores.values(), default=0.0)
        for article, score in one.scores.items():
            shares[row, place[article]] = np.exp(score - best)
    return np.sqrt(shares)


def _centred(rows: Floats) -> Floats:
    """What tells the rows apart: all of them are about the same company.

    What a few have in common may be the very gap: their mean counts for less.
    """
    rows = rows - rows.mean(axis=0) * (len(rows) / (len(rows) + FEW))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > _NO_LENGTH, lengths, 1.0))


def _twins(looked: Sequence[Looked]) -> NDArray[np.bool_]:
    """Which questions are the same, word for word: centring leaves nothing of those alone."""
    texts = np.array([" ".join(one.asked.text.split()).casefold() for one in looked], object)
    return np.asarray(texts[:, None] == texts[None, :], np.bool_)
