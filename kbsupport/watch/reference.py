"""What tickets looked like when a certificate was made: enough to notice a change without labels.

Kept are rounded numbers and names (tier, topic, article …) of at most a thousand tickets; no text,
and nothing of a customer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.model import Evidence, Signals

VERSION = 1
MOST_KEPT = 1000
_DIGITS = 3
_SALT = b"kbsupport watch "
NOTHING = "(none)"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the system saw of one ticket: numbers, and names of what it was taken for."""

    key: str
    numbers: Mapping[str, float]
    names: Mapping[str, str]


def observed(
    key: str,
    evidence: Evidence,
    signals: Signals,
    *,
    probability: float,
    tier: str,
    article: str | None,
    topic: str | None,
) -> Observed:
    """What is watched of a ticket; `key` is the id of its decision."""
    near = evidence.channels
    numbers = {
        "probability": probability,
        # Near to what is known, be it answerable or not: what lies far from both is new.
        "familiarity": max(near.vector_best, near.seen_best, evidence.unanswered.best),
        "rivalry": evidence.second_share,
        "coverage": evidence.coverage,
    }
    names = {
        "tier": tier,
        "topic": topic or NOTHING,
        "article": article or NOTHING,
        "intent": str(signals.intent),
        "language": signals.language or NOTHING,
    }
    return Observed(key, numbers, names)


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of numbers and names, a row a ticket; `known` are the names that there can be."""

    numbers: Mapping[str, tuple[float, ...]]
    names: Mapping[str, tuple[str, ...]]
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many tickets it was made of."""
        return len(next(iter(self.numbers.values()), ()))

    @classmethod
    def from_dict(cls, row: Any) -> Reference:
        """Read back what `reference_of` gave; anything else is a ConfigError."""
        try:
            return _read(row)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ConfigError(
                f"what tickets were like when the certificate was made cannot be read ({error}); "
                "run `kbsupport calibrate` again"
            ) from error


def reference_of(
    rows: Iterable[Observed], known: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Any]:
    """What to keep with a certificate, fit for JSON: a fair thousand of these tickets.

    `known` says which names there can be, whether or not a ticket has one: {"tier": …, "topic": …,
    "article": …}. Without it those that occur are known.
    """
    kept = sorted((row for row in rows if sound(row)), key=lambda row: _lot(row.key))[:MOST_KEPT]
    first = kept[0] if kept else Observed("", {}, {})
    columns = {kind: [row.names[kind] for row in kept] for kind in first.names}
    listed = {
        kind: sorted({*(known or {}).get(kind, ()), *column}) for kind, column in columns.items()
    }
    return {
        "version": VERSION,
        "count": len(kept),
        "numbers": {n: [rounded(row.numbers[n]) for row in kept] for n in first.numbers},
        "names": {
            kind: {"known": listed[kind], "of": [listed[kind].index(one) for one in column]}
            for kind, column in columns.items()
        },
    }


def sound(row: Observed) -> bool:
    """Say whether every number of a ticket is one."""
    return all(math.isfinite(number) for number in row.numbers.values())


def rounded(number: float) -> float:
    """A number as it is kept: what is compared later is rounded alike, and ties are drawn."""
    return round(number, _DIGITS)


def lot(key: str) -> float:
    """A number from 0 to 1 that belongs to this ticket, as good as drawn."""
    return int.from_bytes(_lot(key)[:6], "big") / (1 << 48)


def _lot(key: str) -> bytes:
    # Salted: whoever split tickets in two by a hash of the same key must not have chosen the lots.
    return hashlib.sha256(_SALT + key.encode("utf-8", "surrogatepass")).digest()


def _read(row: Any) -> Reference:
    if row["version"] != VERSION:
        raise ValueError(f"version {row['version']!r}")
    numbers = {str(name): _numbers(column) for name, column in row["numbers"].items()}
    names = {str(k): _names(one["known"], one["of"]) for k, one in row["names"].items()}
    known = {str(k): tuple(str(n) for n in one["known"]) for k, one in row["names"].items()}
    columns: list[Sequence[Any]] = [*numbers.values(), *names.values()]
    if any(len(column) != row["count"] for column in columns):
        raise ValueError("its columns differ in length")
    return Reference(numbers, names, known)


def _numbers(column: Iterable[Any]) -> tuple[float, ...]:
    found = tuple(float(number) for number in column)
    if not all(map(math.isfinite, found)):
        raise ValueError("a number that is none")
    return found


def _names(known: Sequence[Any], places: Iterable[int]) -> tuple[str, ...]:
    found = tuple(places)
    if any(place < 0 for place in found):
        raise ValueError("a name that is not listed")
    return tuple(str(known[place]) for place in found)
