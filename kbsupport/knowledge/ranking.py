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
) -> tuple[float, float]:
    """The best cosine; and the mean of best, three best and centroid; `length` is of the sum."""
    # Plain floats: an article has a dozen chunks, and numpy's every call costs more than all.
    cosines = sorted((chunks @ question).tolist(), reverse=True)
    best, top = cosines[0], cosines[:_NEAREST]
    about = sum(cosines) / length if length else 0.0
    return best, (best + sum(top) / len(top) + about) / 3


def centroid_length(chunks: NDArray[np.float32]) -> float:
    """The length of the sum of an article's vectors, which no question changes."""
    return float(np.linalg.norm(chunks.sum(axis=0)))


def fuse(vector_score: float, term_score: float) -> float:
    """The one number that articles are ordered by; it is never shown as a probability."""
    return vector_score + TERM_WEIGHT * term_score


def order(scores: Sequence[float]) -> list[int]:
    """Places by falling score; equal scores keep their order, so a run can be repeated."""
    return sorted(range(len(scores)), key=lambda place: (-scores[place], place))
