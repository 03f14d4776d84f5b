"""Prove the thresholds in force again, on another generation, with the labels kept for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kbsupport.learning.watching import reference
from kbsupport.model import text_hash
from kbsupport.triage.proof import certify_tiers
from kbsupport.triage.thresholds import Plan

if TYPE_CHECKING:
    from kbsupport.learning.learner import Learner
    from kbsupport.learning.seeing import Observer, Seen
    from kbsupport.standing import Standing
    from kbsupport.triage.certificate import Certificate, TierBound
    from kbsupport.triage.judge import Judge

_KEEP = "run `kbsupport calibrate FILE --learn`, which keeps them"


@dataclass(frozen=True, slots=True)
class Proof:
    """A certificate, or why there is none and what to do about it."""

    certificate: Certificate | None
    why: str = ""
    looked_like: dict[str, Any] | None = None


def prove_anew(learner: Learner, observer: Observer, kept: Sequence[Seen], source: str) -> Proof:
    """The same judge and the same plan, tested where the observer looks, and never more loosely."""
    standing = replace(observer.mind.shelf.standing(), certificate=None)
    judge = standing.judge
    obstacle = _obstacle(standing, observer.mind.rules.default_tier)
    if judge is None or obstacle:
        return Proof(None, obstacle)
    # A text that an article now quotes as its seen question has been learnt: it proves nothing.
    asked = {text_hash(q) for a in observer.mind.library.articles() for q in a.seen_questions}
    fair = [one for one in kept if text_hash(one.text) not in asked]
    bounds = _bounds(learner, standing, judge, fair)
    if not any(bound.threshold is not None for bound in bounds.values()):
        return Proof(None, _unproven(bounds))
    left_out = int(judge.about["left_out"]) + len(kept) - len(fair)
    labels = [one.label for one in fair]
    made = learner.certify(judge, bounds, labels, source, left_out)
    return Proof(made, looked_like=reference(observer.mind, fair, standing, made))


def _bounds(
    learner: Learner, standing: Standing, judge: Judge, fair: Sequence[Seen]
) -> Mapping[str, TierBound]:
    about = judge.about
    risks, by = about["risks"], about["by"]
    plans = {key: Plan.from_dict(row) for key, row in judge.plans.items()}
    rows = [learner.scored(one, standing, by) for one in fair]
    # A topic that is new since the plan was made has no test of its own.
    rows = [row if row.group in risks else replace(row, group="") for row in rows]
    rows = learner.quotable(fair, rows)
    share = about["share"] or 0.5
    # Edited articles never loosen what is in force: only a calibration does.
    return certify_tiers(
        plans, rows, risks, about["confidence"], by, share=share, floors=about["thresholds"]
    )


def _obstacle(standing: Standing, default_tier: str) -> str:
    """Why nothing can be proven whatever the labels say; empty if nothing stands in the way."""
    judge = standing.judge
    if judge is None or "kept" not in judge.about:
        return "the judge in force was never calibrated; run `kbsupport calibrate FILE --learn`"
    if not judge.about["kept"]:
        return f"the labels that proved it were not kept; {_KEEP}"
    about, policy = judge.about, standing.policy
    if about["risk"] is None:
        tiers = {name: default_tier if about["by"] == "topic" else name for name in about["risks"]}
        allowed = {name: policy.for_tier(tier).risk for name, tier in tiers.items()}
        if allowed != about["risks"]:
            return "the policy allows other risks now; run `kbsupport calibrate FILE --learn`"
    return ""


def _unproven(bounds: Mapping[str, TierBound]) -> str:
    said = "; ".join(
        f"{name}: {bound.wrong} of {bound.n} answers would be wrong, "
        f"about {bound.missing} more labels are needed"
        for name, bound in bounds.items()
    )
    return (
        f"the labels kept for it do not prove it there ({said}); mend the articles and index "
        "again, or run `kbsupport calibrate FILE --learn` with more labels"
    )
