"""What the system does with a label, told from whether that is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.model import Label, Outcome
from kbsupport.store import labels as kept

if TYPE_CHECKING:
    from kbsupport.learning.seeing import Observer, Seen
    from kbsupport.standing import Standing


@dataclass(frozen=True, slots=True)
class Decided:
    """A label and its decision, of which nothing was stored."""

    label: Label
    outcome: Outcome
    article_id: str | None
    probability: float

    @property
    def resolved(self) -> bool:
        """True if the customer would get an answer and no person would look."""
        return self.outcome is Outcome.RESOLVE

    @property
    def right(self) -> bool:
        """True if the best article answers it."""
        return self.label.accepts(self.article_id)

    @property
    def wrong(self) -> bool:
        """True if the customer would get an answer that is not right."""
        return self.resolved and not self.right

    def to_dict(self) -> dict[str, Any]:
        """What is remembered as the label's last replay."""
        return {
            "outcome": str(self.outcome),
            "article_id": self.article_id,
            "probability": self.probability,
            "right": self.right,
        }

    def differs_from(self, last: Mapping[str, Any]) -> bool:
        """True if the customer would get something else than at the last replay."""
        other = last["article_id"] != self.article_id
        return last["outcome"] != self.outcome or (self.resolved and other)


def decide_all(observer: Observer, seen: Sequence[Seen], standing: Standing) -> list[Decided]:
    """Each label as the assistant would decide it; those seen are in the judge's order."""
    return [_decide(observer, one, standing) for one in seen]


def note_decisions(observer: Observer, decided: Mapping[int, Decided]) -> None:
    """Remember by the ids of stored labels what the next replay is compared with."""
    with observer.database.write() as connection:
        kept.note_last(connection, {of: one.to_dict() for of, one in decided.items()})


def _decide(observer: Observer, seen: Seen, standing: Standing) -> Decided:
    thought = observer.mind.decide(seen.signals, seen.found, seen.tier, standing)
    outcome, case = thought.verdict.outcome, thought.case
    assert case is not None
    if outcome is Outcome.RESOLVE and not observer.can_be_quoted(seen):
        outcome = Outcome.ESCALATE  # as the assistant does with nothing to quote
    best = case.order[0] if case.order else None
    return Decided(seen.label, outcome, best, case.probability)
