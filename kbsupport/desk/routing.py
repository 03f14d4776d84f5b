"""What a question is about, when no article answered it: votes of what is near to it; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# By cross-validation within the first half of the sample tickets: benchmarks/routing.py.
SHARPNESS = 20.0  # of a cosine: what is 0.05 nearer has e times the vote
SPREAD = 2.0  # of an article's score, the same
MODELLED = 0.5  # the rest is for the articles found
WORDS = 1.0
FLOOR = 0.02  # what a topic keeps that nothing speaks for, so that words alone can name it


@dataclass(frozen=True, slots=True)
class Routed:
    """The likeliest topic, how likely, and what spoke for it; None if nothing did."""

    topic: str | None
    probability: float
    why: str


def route(
    modelled: Mapping[str, float],
    found: Sequence[tuple[str | None, float]],
    worded: Mapping[str, int] | None = None,
) -> Routed:
    """The topic of a question: a model's probabilities, the articles found, the company's words.

    `found` are the topics and scores of the best articles; `worded` counts words as `spoken` does.
    """
    said, votes = worded or {}, _votes(found)
    topics = sorted({*modelled, *votes, *said})
    if not topics:
        return Routed(None, 0.0, "nothing near it has a topic")
    # Where one of the two has nothing to say, the other has the whole vote.
    share = MODELLED if modelled and votes else float(bool(modelled))
    weights = {
        topic: (share * modelled.get(topic, 0.0) + (1 - share) * votes.get(topic, 0.0) + FLOOR)
        * math.exp(WORDS * math.sqrt(said.get(topic, 0)))
        for topic in topics
    }  # fmt: skip
    best = max(topics, key=lambda topic: weights[topic])
    why = (
        f"{best}: nearest texts {modelled.get(best, 0.0):.0%}, articles {votes.get(best, 0.0):.0%},"
        f" words {said.get(best, 0)}"
    )
    return Routed(best, weights[best] / math.fsum(weights.values()), why)


def nearest(vector: Floats, vectors: Floats, topics: Sequence[str]) -> dict[str, float]:
    """The vote of past tickets and pieces of articles on a topic, the nearer the heavier."""
    if not topics:
        return {}
    cosines = vectors @ vector
    votes: dict[str, float] = {}
    for topic, weight in zip(topics, np.exp(SHARPNESS * (cosines - cosines.max())), strict=True):
        votes[topic] = votes.get(topic, 0.0) + float(weight)
    total = math.fsum(votes.values())
    return {topic: vote / total for topic, vote in votes.items()}


def spoken(words: Mapping[str, Sequence[str]], text: str) -> dict[str, int]:
    """How many different words of each topic a text holds; a word counts where one begins so."""
    lower = " ".join(text.casefold().split())
    counts = {
        topic: len(set(_any_of(tuple(listed)).findall(lower)))
        for topic, listed in words.items()
        if listed
    }
    return {topic: count for topic, count in counts.items() if count}


def _votes(found: Sequence[tuple[str | None, float]]) -> dict[str, float]:
    named = [(topic, score) for topic, score in found if topic is not None]
    if not named:
        return {}
    highest = max(score for _, score in named)
    votes: dict[str, float] = {}
    for topic, score in named:
        votes[topic] = votes.get(topic, 0.0) + math.exp((score - highest) / SPREAD)
    total = math.fsum(votes.values())
    return {topic: vote / total for topic, vote in votes.items()}


@lru_cache(maxsize=256)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    # The longest first: "gift card" must not be read as "gift".
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{listed})")
