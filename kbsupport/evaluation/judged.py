"""One labelled ticket, what was decided for it, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kbsupport.evaluation.labels import Label
from kbsupport.model import Evidence, Outcome, Signals, Verdict

if TYPE_CHECKING:
    from kbsupport.triage.policy import Costs

_AFTER_ALL_OTHERS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Judged:
    """A label beside the decision that was made without looking at it."""

    label: Label
    tier: str
    verdict: Verdict
    articles: tuple[str, ...]
    probability: float
    decision_id: str | None
    evidence: Evidence
    signals: Signals

    def __post_init__(self) -> None:
        if not (math.isfinite(self.probability) and 0 <= self.probability <= 1):
            wrong = f"a probability lies between 0 and 1, not at {self.probability}"
            raise ValueError(f"ticket {self.label.id}: {wrong}")

    @property
    def article_id(self) -> str | None:
        """The best article, whatever the outcome."""
        return self.articles[0] if self.articles else None

    @property
    def right(self) -> bool:
        """True if the best article answers the ticket."""
        return self.label.accepts(self.article_id)

    @property
    def found(self) -> bool:
        """True if one of the first five articles answers the ticket."""
        return any(self.label.accepts(article_id) for article_id in self.articles[:5])

    @property
    def resolved(self) -> bool:
        """True if the customer got an answer and no person looked."""
        return self.verdict.outcome is Outcome.RESOLVE

    @property
    def wrong(self) -> bool:
        """True if the customer got an answer that was not right."""
        return self.resolved and not self.right

    @property
    def language(self) -> str | None:
        """The language as labelled, else as read from the message."""
        return self.label.language or self.signals.language


def money(judged: Judged, costs: Costs) -> float:
    """What this ticket costs: nothing if done, a person and a wait if handed over or asked back."""
    if judged.verdict.outcome is Outcome.REPLY:
        return 0.0
    return _money(costs, resolved=judged.resolved, right=judged.right)


def money_if_resolved(judged: Judged, costs: Costs) -> float:
    """What this ticket would cost if the best article were quoted."""
    return _money(costs, resolved=True, right=judged.right)


def money_by_a_person(costs: Costs) -> float:
    """What a ticket costs that a person answers."""
    return costs.person + costs.waiting


def in_time_order(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """Oldest first; those without a time come last, in the order given."""
    return tuple(sorted(judged, key=lambda one: one.label.created_at or _AFTER_ALL_OTHERS))


def _money(costs: Costs, *, resolved: bool, right: bool) -> float:
    if not resolved:
        return money_by_a_person(costs)
    # A wrong answer does harm, and then a person answers after all.
    return 0.0 if right else costs.wrong + money_by_a_person(costs)
