"""Where a new ticket stands among all before it, as a number from 0 to 1.

Unless something has changed that number is as good as drawn at random, whatever is compared.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ranks = NDArray[np.float64]


class Line:
    """Numbers in order; a high one has a rank near 0."""

    def __init__(self, numbers: Iterable[float]) -> None:
        self._numbers = sorted(numbers)

    def rank(self, number: float, lot: float) -> float:
        """Put a number in and say where it stands; among equal ones the lot decides."""
        insort(self._numbers, number)
        begin, end = bisect_left(self._numbers, number), bisect_right(self._numbers, number)
        count = len(self._numbers)
        return (count - end + lot * (end - begin)) / count


class Tally:
    """Names and how often each occurs."""

    def __init__(self, known: Sequence[str], names: Iterable[str]) -> None:
        import numpy as np

        self._np, self._known = np, len(known)
        self._place = {name: place for place, name in enumerate(known)}
        self._counts = np.zeros(len(known))
        for name in names:
            self._count(name)

    def ranks(self, name: str, lot: float) -> Ranks:
        """Put a name in: its rank for each known name (near 0: it is that one), and for rarity.

        Of the last, near 0 means that few tickets have this name.
        """
        np = self._np
        mine = self._count(name)
        counts = self._counts
        total = counts.sum()
        found = np.empty(self._known + 1)
        # A ticket of another name stands behind all that have this one.
        found[:-1] = counts[: self._known] + lot * (total - counts[: self._known])
        if mine < self._known:
            found[mine] = lot * counts[mine]
        same = counts == counts[mine]
        found[-1] = counts[counts < counts[mine]].sum() + lot * counts[same].sum()
        ranks: Ranks = found / total
        return ranks

    def _count(self, name: str) -> int:
        place = self._place.setdefault(name, len(self._place))
        if place == len(self._counts):
            self._counts = self._np.append(self._counts, 0.0)
        self._counts[place] += 1
        return place
