"""What the labels that proved a certificate looked like, so that a change is noticed later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kbsupport.watch.reference import Observed, observed, reference_of

if TYPE_CHECKING:
    from kbsupport.learning.seeing import Seen
    from kbsupport.mind import Mind
    from kbsupport.standing import Standing
    from kbsupport.triage.certificate import Certificate


def reference(
    mind: Mind, proved: Sequence[Seen], trial: Standing, certificate: Certificate
) -> dict[str, Any]:
    """The reference of a certificate, fit to be kept beside it."""
    rows = [row for row in (_row(mind, one, trial) for one in proved) if row is not None]
    tiers = trial.policy.tiers
    entries = mind.library.open().catalog.entries
    known = {
        "tier": tiers,
        "topic": {entry.topic for entry in entries if entry.topic is not None},
        "article": {entry.article_id for entry in entries},
    }
    return {"certificate": certificate.id, **reference_of(rows, known)}


def _row(mind: Mind, one: Seen, trial: Standing) -> Observed | None:
    thought = mind.decide(one.signals, one.found, one.tier, trial)
    case = thought.case
    if case is None:
        return None
    return observed(
        one.label.id,
        thought.evidence,
        one.signals,
        probability=case.probability,
        tier=case.tier,
        article=case.order[0] if case.order else None,
        topic=case.topic,
    )
