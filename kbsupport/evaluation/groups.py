"""Tickets sorted into groups, and how each group fares; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.evaluation.judged import Judged
from kbsupport.evaluation.scores import Rate, rate
from kbsupport.model import Outcome, Reason

WEEK, MONTH = "week", "month"


def _week(judged: Judged) -> str | None:
    moment = judged.label.created_at
    return f"{moment:%G-W%V}" if moment else None


def _month(judged: Judged) -> str | None:
    moment = judged.label.created_at
    return f"{moment:%Y-%m}" if moment else None


_KEYS: dict[str, Callable[[Judged], str | None]] = {
    "tier": lambda one: one.tier,
    "topic": lambda one: one.label.topic,
    "kind": lambda one: one.label.kind,
    "language": lambda one: one.language,
    MONTH: _month,
    WEEK: _week,
}
KEYS = tuple(_KEYS)
_IN_ORDER_OF_TIME = {MONTH, WEEK}


@dataclass(frozen=True, slots=True)
class Group:
    """Tickets that have something in common; `name` is None where the tickets do not say."""

    name: str | None
    n: int
    answerable: int
    auto_resolve: Rate
    wrong: Rate

    def to_dict(self) -> dict[str, Any]:
        """`name`, `n`, `answerable`, `auto_resolve`, `wrong`."""
        return {
            "name": self.name,
            "n": self.n,
            "answerable": self.answerable,
            "auto_resolve": self.auto_resolve.to_dict(),
            "wrong": self.wrong.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often a reason decided, and how often the best article was right all the same."""

    outcome: Outcome
    reason: Reason
    n: int
    right: int

    def to_dict(self) -> dict[str, Any]:
        """`outcome`, `reason`, `n`, `right`."""
        return {
            "outcome": str(self.outcome),
            "reason": str(self.reason),
            "n": self.n,
            "right": self.right,
        }


def group(judged: Sequence[Judged], key: str) -> tuple[Group, ...]:
    """Groups by one of KEYS: months and weeks in order of time, all others largest first."""
    if key not in _KEYS:
        raise ConfigError(f"tickets cannot be grouped by {key!r}; there are {', '.join(KEYS)}")
    members: dict[str | None, list[Judged]] = {}
    for one in judged:
        members.setdefault(_KEYS[key](one) or None, []).append(one)
    made = [_group(name, inside) for name, inside in members.items()]
    if key in _IN_ORDER_OF_TIME:
        return tuple(sorted(made, key=lambda one: (one.name is None, one.name or "")))
    return tuple(sorted(made, key=lambda one: (one.name is None, -one.n, one.name or "")))


def reasons(judged: Sequence[Judged]) -> tuple[ReasonCount, ...]:
    """Every reason that occurs, most frequent first."""
    seen = Counter((one.verdict.outcome, one.verdict.reason) for one in judged)
    right = Counter((one.verdict.outcome, one.verdict.reason) for one in judged if one.right)
    counts = [ReasonCount(*cause, n, right[cause]) for cause, n in seen.items()]
    return tuple(sorted(counts, key=lambda one: (-one.n, one.outcome, one.reason)))


def _group(name: str | None, inside: Sequence[Judged]) -> Group:
    resolved = sum(one.resolved for one in inside)
    return Group(
        name=name,
        n=len(inside),
        answerable=sum(one.label.answerable for one in inside),
        auto_resolve=rate(resolved, len(inside)),
        wrong=rate(sum(one.wrong for one in inside), resolved),
    )
