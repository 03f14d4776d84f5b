"""Which tickets to ask labels for first: those that say most about themselves and others; pure.

A label says something about every ticket like it. What a set of labels is worth is what is at stake
in all open tickets, each counted by how near the nearest labelled one is; the queue takes the
ticket that adds most, then the next. So it asks where many tickets that are nearly safe to answer
lie together, and hardly twice in the same place. Such labels teach and never prove: they are no
random sample.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# Half and double of it did as well on clinc_credit_cards.
STEEPNESS = 6.0
# Every pair is compared, in 3 s at this many; of more, those with least at stake wait.
MOST = 4_000
_HIGHEST = 2 / 3 * math.sqrt(1 / 3)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A ticket nobody has labelled: its question as a vector, and how sure the judge was."""

    ticket_id: int
    vector: Floats
    probability: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.probability) and 0 <= self.probability <= 1):
            wrong = f"a probability lies between 0 and 1, not at {self.probability}"
            raise ConfigError(f"ticket {self.ticket_id}: {wrong}")
        if self.vector.ndim != 1 or not np.isfinite(self.vector).all():
            raise ConfigError(f"ticket {self.ticket_id}: its vector is not a row of numbers")


@dataclass(frozen=True, slots=True)
class Asked:
    """One label to ask for; worth is the stake it settles, of which a ticket has 1 at most."""

    ticket_id: int
    worth: float
    why: str


def worth(
    candidates: Sequence[Candidate], known: Floats, count: int | None = None
) -> tuple[Asked, ...]:
    """The labels to ask for, most useful first; `known` are the vectors of past labels."""
    chosen = sorted(candidates, key=lambda one: (-stake(one.probability), one.ticket_id))[:MOST]
    if not chosen or count == 0:
        return ()
    vectors = _stacked(chosen, known)
    alike = np.exp(STEEPNESS * (vectors @ vectors.T - 1))
    stakes = np.array([stake(one.probability) for one in chosen], np.float32)
    settled = np.zeros(len(chosen), np.float32)
    if len(known):
        settled = np.exp(STEEPNESS * ((vectors @ known.T).max(axis=1) - 1))
    asked = []
    for row, gain in _greedy(alike, stakes, settled, len(chosen) if count is None else count):
        mine = chosen[row]
        asked.append(Asked(mine.ticket_id, round(gain, 4), _why(mine, gain)))
    return tuple(asked)


def stake(probability: float) -> float:
    """What a label can win: 1 where an answer is likely right but not safe, 0 where all is sure."""
    # Highest at two thirds. The square root keeps those in view that are judged almost certain:
    # a wrong one among them costs more coverage than any other.
    return probability * math.sqrt(1 - probability) / _HIGHEST


def _greedy(alike: Floats, stakes: Floats, settled: Floats, count: int) -> list[tuple[int, float]]:
    def gain(row: int) -> float:
        return float(stakes @ np.maximum(alike[row] - settled, 0))

    # What a ticket adds only shrinks as others are taken, so an old gain is an upper bound:
    # one that is still the largest when counted again is the largest of all.
    heap = [(-gain(row), row) for row in range(len(stakes))]
    heapq.heapify(heap)
    taken: list[tuple[int, float]] = []
    while heap and len(taken) < count:
        _, row = heapq.heappop(heap)
        now = gain(row)
        if heap and -now > heap[0][0]:
            heapq.heappush(heap, (-now, row))
            continue
        taken.append((row, now))
        settled = np.maximum(settled, alike[row])
    return taken


def _stacked(candidates: Sequence[Candidate], known: Floats) -> Floats:
    sizes = {len(one.vector) for one in candidates} | ({known.shape[1]} if len(known) else set())
    if len(sizes) > 1:
        raise ConfigError(
            f"vectors of {' and '.join(map(str, sorted(sizes)))} numbers cannot be compared: they "
            "come from different models; index again"
        )
    return np.stack([one.vector for one in candidates])


def _why(candidate: Candidate, gain: float) -> str:
    return (
        f"judged right at {candidate.probability:.0%}; "
        f"with those like it, worth {gain:.1f} tickets that are nearly safe to answer"
    )
