"""Which tickets' labels would help most after a change: they speak for it, and differ; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kbsupport.watch.drift import Drift
from kbsupport.watch.reference import Observed, sound

# So far from the threshold a label tells half as much about which side of it is right.
_HALF_AS_NEAR = 0.2


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ticket to label, what that is worth (0 to 1), and why."""

    key: str
    worth: float
    why: str


def wanted(
    recent: Sequence[Observed], found: Drift, threshold: float | None, count: int = 20
) -> tuple[Wanted, ...]:
    """The tickets to ask a person about, most useful first; none without an alarm.

    Each is taken for what it adds to those before it: of two that are alike the second is worth
    little.
    """
    rows = [row for row in recent if found.speaks.get(row.key, 0.0) > 0 and sound(row)]
    most = max((found.speaks[row.key] for row in rows), default=1.0)
    worth = {
        row.key: found.speaks[row.key] / most * _nearness(row.numbers["probability"], threshold)
        for row in rows
    }
    spread = _spread(rows)
    apart = dict.fromkeys(worth, 1.0)
    chosen: list[Wanted] = []
    left = {row.key: row for row in rows}
    while left and len(chosen) < count:
        key = max(left, key=lambda one: worth[one] * apart[one])
        taken = left.pop(key)
        chosen.append(Wanted(key, round(worth[key] * apart[key], 4), found.changed[0].said))
        for other, row in left.items():
            apart[other] = min(apart[other], _distance(taken, row, spread))
    return tuple(chosen)


def _nearness(probability: float, threshold: float | None) -> float:
    """1 at the threshold, half as much a step away; all alike where there is none."""
    if threshold is None:
        return 1.0
    return _HALF_AS_NEAR / (_HALF_AS_NEAR + abs(probability - threshold))


def _distance(one: Observed, other: Observed, spread: Mapping[str, float]) -> float:
    """From 0, alike, to 1: of different names, or numbers as far apart as any are."""
    names = sum(other.names[kind] != name for kind, name in one.names.items())
    numbers = sum(abs(other.numbers[n] - one.numbers[n]) / wide for n, wide in spread.items())
    return min(1.0, (names + numbers) / max(1, min(len(spread), len(one.names))))


def _spread(rows: Sequence[Observed]) -> dict[str, float]:
    names = rows[0].numbers if rows else {}
    wide = {n: max(r.numbers[n] for r in rows) - min(r.numbers[n] for r in rows) for n in names}
    return {name: width for name, width in wide.items() if width > 0}
