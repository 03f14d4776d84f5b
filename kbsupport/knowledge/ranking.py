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
    chunks: NDArray[np.float32], length: float, question: NDArray[np.float32]
) -> tuple[float, float, float]:
    """The best cosine, the mean of the best three, and that with the centroid.

    `length` is of the sum of the chunks' vectors, which no question changes.
    """
    # Plain floats: an article has a dozen chunks, and numpy's every call costs more than all.
    cosines = sorted((chunks @ question).tolist(), reverse=True)
    top = cosines[:_NEAREST]
    about = sum(cosines) / length if length else 0.0
    return cosines[0], sum(top) / len(top), about


def centroid_length(chunks: NDArray[np.float32]) -> float:
    """The length of the sum of an article's vectors."""
    return float(np.linalg.norm(chunks.sum(axis=0)))


def fuse(vector_score: float, term_score: float) -> float:
    """The one number that the passages of an article are ordered by."""
    return vector_score + TERM_WEIGHT * term_score


def order(scores: Sequence[float]) -> list[int]:
    """Places by falling score; equal scores keep their order, so a run can be repeated."""
    return sorted(range(len(scores)), key=lambda place: (-scores[place], place))
