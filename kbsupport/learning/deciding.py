"""What the system does with a label: the decision as the assistant would make it, unstored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kbsupport.evaluation.judged import Judged
from kbsupport.model import Outcome, Reason, Verdict
from kbsupport.store import labels as kept

if TYPE_CHECKING:
    from kbsupport.learning.seeing import Observer, Seen
    from kbsupport.standing import Standing


def decide_all(observer: Observer, seen: Sequence[Seen], standing: Standing) -> list[Judged]:
    """Each label as the assistant would decide it; those seen are in the judge's order."""
    return [_decide(observer, one, standing) for one in seen]


def as_last(judged: Judged) -> dict[str, Any]:
    """What is remembered as the label's last replay."""
    return {
        "outcome": str(judged.verdict.outcome),
        "article_id": judged.article_id,
        "probability": judged.probability,
        "right": judged.right,
    }


def differs(judged: Judged, last: Mapping[str, Any]) -> bool:
    """True if the customer would get something else than at the last replay."""
    other = last["article_id"] != judged.article_id
    return last["outcome"] != judged.verdict.outcome or (judged.resolved and other)


def note_decisions(observer: Observer, decided: Mapping[int, Judged]) -> None:
    """Remember by the ids of stored labels what the next replay is compared with."""
    with observer.database.write() as connection:
        kept.note_last(connection, {of: as_last(one) for of, one in decided.items()})


def _decide(observer: Observer, seen: Seen, standing: Standing) -> Judged:
    thought = observer.mind.decide(seen.signals, seen.found, seen.tier, standing)
    case, verdict = thought.case, thought.verdict
    assert case is not None
    if verdict.outcome is Outcome.RESOLVE and not observer.can_be_quoted(seen):
        rule = f"{case.order[0]} has nothing to quote"
        verdict = Verdict(Outcome.ESCALATE, Reason.NOTHING_TO_QUOTE, rule)
    return Judged(
        label=seen.label,
        tier=seen.tier,
        verdict=verdict,
        articles=case.order,
        probability=case.probability,
        decision_id=None,
        evidence=thought.evidence,
        signals=seen.signals,
    )
