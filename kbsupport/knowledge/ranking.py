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
    chunks: NDArray[np.float32], question: NDArray[np.float32]
) -> tuple[float, float]:
    """The best cosine; and the mean of best, three best and centroid."""
    cosines = np.sort(chunks @ question)[::-1]
    centroid = chunks.sum(axis=0)
    length = float(np.linalg.norm(centroid))
    about = float(centroid @ question) / length if length else 0.0
    best = float(cosines[0])
    return best, (best + float(cosines[:_NEAREST].mean()) + about) / 3


def fuse(vector_score: float, term_score: float) -> float:
    """The one number that articles are ordered by; it is never shown as a probability."""
    return vector_score + TERM_WEIGHT * term_score


def order(scores: Sequence[float]) -> list[int]:
    """Places by falling score; equal scores keep their order, so a run can be repeated."""
    return sorted(range(len(scores)), key=lambda place: (-scores[place], place))
