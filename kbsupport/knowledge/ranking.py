"""Rank articles for a question by both kinds of evidence; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# benchmarks/retrieval.py: flat between 0.6 and 0.9.
TERM_WEIGHT = 0.7
_NEAREST = 3


def vector_scores(
    articles: Sequence[tuple[NDArray[np.float32], float]], question: NDArray[np.float32]
) -> NDArray[np.float64]:
    """For each article the best cosine, the mean of the best three, and that with the centroid.

    An article is its chunks' vectors and the length of their sum, which no question changes.
    """
    if not articles:
        return np.zeros((0, 3))
    cosines = [vectors @ question for vectors, _ in articles]
    sizes = np.array([len(one) for one in cosines])
    flat = np.concatenate(cosines).astype(np.float64)
    best, mean = greatest_of(flat, sizes, _NEAREST)
    lengths = np.array([length for _, length in articles])
    sums = np.add.reduceat(flat, _begins(sizes))
    about = np.divide(sums, lengths, out=np.zeros(len(sizes)), where=lengths > 0)
    return np.stack((best, mean, about), axis=1)


def greatest_of(
    values: NDArray[np.float64], sizes: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The greatest value of each group, and the mean of its greatest few; no group is empty.

    Groups lie one after the other. All at once: one by one, numpy's every call costs more than
    the dozen values of a group.
    """
    begins = _begins(sizes)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    falling = values[np.lexsort((-values, owners))]
    places = np.arange(len(values)) - begins[owners]
    top = np.add.reduceat(np.where(places < count, falling, 0.0), begins)
    return falling[begins], top / np.minimum(sizes, count)


def _begins(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    begins: NDArray[np.int64] = np.cumsum(sizes) - sizes
    return begins


def centroid_length(chunks: NDArray[np.float32]) -> float:
    """The length of the sum of an article's vectors."""
    return float(np.linalg.norm(chunks.sum(axis=0)))


def fuse(vector_score: float, term_score: float) -> float:
    """The one number that the passages of an article are ordered by."""
    return vector_score + TERM_WEIGHT * term_score


def order(scores: Sequence[float]) -> list[int]:
    """Places by falling score; equal scores keep their order, so a run can be repeated."""
    return sorted(range(len(scores)), key=lambda place: (-scores[place], place))
