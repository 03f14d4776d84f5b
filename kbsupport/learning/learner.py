"""The story of a set of labels: sort out, split, remember, fit, prove, and put it in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError
from kbsupport.evaluation.parts import Parts, SortedOut, sort_out, split
from kbsupport.evaluation.scores import auroc, calibration_error
from kbsupport.learning.results import Calibration, Learnt
from kbsupport.learning.seeing import Observer, Seen
from kbsupport.model import Intent, Label, text_hash
from kbsupport.standing import CERTIFICATE, INTENTS, JUDGE, Standing, keep_artefacts
from kbsupport.store import labels as kept
from kbsupport.triage.bounds import check_share
from kbsupport.triage.certificate import Certificate, TierBound, issue
from kbsupport.triage.evidence import weigh
from kbsupport.triage.fitting import (
    Example,
    cross_fitted,
    fit_judge,
    fit_ranking,
    ranked,
    spoken,
)
from kbsupport.triage.intent import fit_intents
from kbsupport.triage.proof import Scored, certify_tiers, plan_tests
from kbsupport.triage.thresholds import Plan
from kbsupport.triage.verdict import reaches_number

if TYPE_CHECKING:
    from kbsupport.knowledge.indexing import Progress
    from kbsupport.triage.judge import Judge

# From here on a judge of one's own beats the prior one (benchmarks/judge.py).
FEWEST_TO_FIT = 50


class Learner:
    """Learns from labels, and proves on labels that it did not learn from."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._mind = observer, observer.mind

    def learn(
        self, labels: Sequence[Label], source: str, progress: Progress = lambda *_: None
    ) -> Learnt:
        """Keep labels as history: answers teach which article, escalations what none answers."""
        usable = self._usable(labels)
        self._observer.keep(usable.labels, kept.HISTORY, source, progress, move=True)
        past = self._past()
        judge = self._mind.shelf.standing().judge_for(any_history=True)
        if len(past) >= FEWEST_TO_FIT and len({label.answerable for label in past}) > 1:
            judge = self.fit(past, progress).judge
            self._put_in_force(judge, None)
        answered = sum(label.answerable for label in usable.labels)
        return Learnt(len(usable.labels), answered, usable, judge)

    def calibrate(
        self,
        labels: Sequence[Label],
        source: str,
        *,
        risk: float | None,
        confidence: float,
        learn: bool = False,
        by: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> Calibration:
        """Fit on one part of the labels, prove on the other, and put both in force."""
        check_share("confidence", confidence)
        if risk is not None:
            check_share("risk", risk)
        usable = self._usable(labels)
        risks = self._risks(usable.labels, risk, by)
        parts = split(usable.labels, max(risks.values()), confidence, self._taught())
        if learn:
            self._observer.keep(parts.teach, kept.HISTORY, source, progress, move=True)
            self._observer.keep(parts.prove, kept.THRESHOLD, source, progress)
        past = self._past()
        known = {text_hash(label.text) for label in past}
        fresh = [label for label in parts.teach if text_hash(label.text) not in known]
        taught = self.fit([*past, *fresh], progress)
        judge, bounds = self._prove(taught, parts, risks, confidence, by, progress)
        given = {"risk": risk, "confidence": confidence, "by": by, "risks": risks}
        judge = replace(judge, about={**judge.about, **given})
        certificate = None
        if any(bound.threshold is not None for bound in bounds.values()):
            certificate = self.certify(judge, bounds, parts.prove, source, parts.left_out)
        self._put_in_force(judge, certificate)
        return Calibration(certificate, bounds, risk, confidence, parts, usable, judge)

    def fit(self, labels: Sequence[Label], progress: Progress) -> Taught:
        """A judge of these labels, and each as it met it, without having learnt from it."""
        self._fit_intents(labels, progress)
        seen = self._observer.see(labels, progress, "looking")
        memory = self._mind.library.memory()
        prior = self._mind.shelf.standing().priors.for_history(any_history=memory.any_history)
        rows = [ranked(one.found, one.label.accepts) for one in seen]
        ranking = fit_ranking([row for row in rows if row is not None], prior.ranking)
        ordered = [self._observer.ordered(one, ranking) for one in seen]
        examples = [_example(one) for one in ordered]
        right = [example.right for example in examples]
        start = replace(prior, ranking=ranking)
        if len(set(right)) < 2:  # noqa: PLR2004 - one class is no choice
            about = {"labels": len(examples), "fitted": False}
            judge = replace(start, about=about)
            return Taught(judge, ordered, [spoken(judge, one) for one in examples])
        given = cross_fitted(examples, start)
        about: dict[str, Any] = {
            "labels": len(examples),
            "fitted": True,
            "auroc": round(auroc(given, right), 4),
            "calibration_error": round(calibration_error(given, right), 4),
        }
        return Taught(replace(fit_judge(examples, start), about=about), ordered, given)

    def _prove(
        self,
        taught: Taught,
        parts: Parts,
        risks: Mapping[str, float],
        confidence: float,
        by: str | None,
        progress: Progress,
    ) -> tuple[Judge, Mapping[str, TierBound]]:
        """Fix what is tested by the labels that taught, then test it on those that did not."""
        trial = self._trial(taught.judge)
        fit = [
            self.scored(one, trial, by, score=score)
            for one, score in zip(taught.seen, taught.scores, strict=True)
        ]
        proving = [
            self._observer.ordered(one, taught.judge.ranking)
            for one in self._observer.see(parts.prove, progress, "proving")
        ]
        rows = [self.scored(one, trial, by) for one in proving]
        waiting = [row.group for row in rows if not row.stopped]
        plans = plan_tests(fit, waiting, risks, confidence, by)
        rows = self.quotable(proving, rows, plans)
        bounds = certify_tiers(plans, rows, risks, confidence, by, share=parts.share or 0.5)
        stored = {key: plan.to_dict() for key, plan in plans.items()}
        return replace(taught.judge, plans=stored), bounds

    def scored(
        self, one: Seen, trial: Standing, by: str | None, score: float | None = None
    ) -> Scored:
        """One label as a row of the proof."""
        thought = self._mind.decide(one.signals, one.found, one.tier, trial)
        case = thought.case
        assert case is not None
        best = case.order[0] if case.order else None
        return Scored(
            score=case.probability if score is None else score,
            right=one.label.accepts(best),
            answerable=one.label.answerable,
            group=(case.topic or "") if by == "topic" else one.tier,
            stopped=not reaches_number(thought.evidence, one.signals, case, trial.policy),
        )

    def quotable(
        self, seen: Sequence[Seen], rows: Sequence[Scored], plans: Mapping[str, Plan]
    ) -> list[Scored]:
        """Rows that would be resolved but for an article that cannot be quoted are stopped."""
        lowest = min((t for plan in plans.values() for t in plan.thresholds), default=2.0)
        return [
            replace(row, stopped=True)
            if not row.stopped and row.score >= lowest and not self._observer.can_be_quoted(one)
            else row
            for one, row in zip(seen, rows, strict=True)
        ]

    def certify(
        self,
        judge: Judge,
        bounds: Mapping[str, TierBound],
        proved: Sequence[Label],
        source: str,
        left_out: int,
    ) -> Certificate:
        """Write down what was proven, for the system as it now stands with this judge."""
        moments = sorted(label.created_at for label in proved if label.created_at is not None)
        trial = self._trial(judge)
        return issue(
            bounds,
            risk=judge.about["risk"],
            confidence=judge.about["confidence"],
            by=judge.about["by"],
            labels={
                "source": source,
                "from": moments[0].isoformat() if moments else None,
                "to": moments[-1].isoformat() if moments else None,
                "count": len(proved),
                "left_out": left_out,
            },
            hashes=self._mind.hashes(trial, judge, self._mind.library.memory()),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _trial(self, judge: Judge) -> Standing:
        return replace(self._mind.shelf.standing(), judge=judge, certificate=None)

    def _put_in_force(self, judge: Judge, certificate: Certificate | None) -> None:
        shelf = self._mind.shelf
        # A certificate is never beside a judge that it was not issued for, not even for a moment.
        shelf.write(CERTIFICATE, None)
        shelf.write(JUDGE, {"judge": judge.to_dict(), "sha256": judge.hash})
        if certificate is not None:
            shelf.write(CERTIFICATE, certificate.to_dict())
        with self._observer.database.write() as connection:
            keep_artefacts(connection, shelf.standing(), judge)

    def _fit_intents(self, labels: Sequence[Label], progress: Progress) -> None:
        told = [label for label in labels if label.intent in set(Intent)]
        vectors = self._observer.vectors(told, progress)
        model = fit_intents(
            vectors, [label.text for label in told], [label.intent for label in told]
        )
        if model is not None:
            self._mind.shelf.write(INTENTS, model.to_dict())

    def _usable(self, labels: Sequence[Label]) -> SortedOut:
        known = frozenset(a.id for a in self._mind.library.articles() if a.published)
        usable = sort_out(labels, known)
        if not usable.labels:
            raise ConfigError(
                "no label can be used: those that are answerable name no article of the knowledge "
                "base; see: kbsupport articles list"
            )
        return usable

    def _past(self) -> list[Label]:
        with self._observer.database.read() as connection:
            return [one.label for one in kept.load_labels(connection, kept.HISTORY)]

    def _taught(self) -> frozenset[str]:
        """Hashes of all texts that the system has seen: those cannot prove anything."""
        seen = {text_hash(q) for a in self._mind.library.articles() for q in a.seen_questions}
        return frozenset(seen | {text_hash(label.text) for label in self._past()})

    def _risks(
        self, labels: Sequence[Label], risk: float | None, by: str | None
    ) -> dict[str, float]:
        """The risk of each tier, or topic: as given, else as the policy has it."""
        policy = self._mind.shelf.standing().policy
        default = self._mind.rules.default_tier
        if by == "tier" and not any(label.tier for label in labels):
            raise ConfigError("--by tier: no label names a tier; leave --by out")
        if by == "topic":
            topics = sorted({a.topic for a in self._mind.library.articles() if a.topic})
            if not topics:
                raise ConfigError("--by topic: no article has a topic; leave --by out")
            return dict.fromkeys(topics, policy.for_tier(default).risk if risk is None else risk)
        tiers = dict.fromkeys([*policy.tiers, *(label.tier or default for label in labels)])
        return {tier: policy.for_tier(tier).risk if risk is None else risk for tier in tiers}


@dataclass(frozen=True, slots=True)
class Taught:
    """A fitted judge, what taught it, and what it says of each without having seen it."""

    judge: Judge
    seen: list[Seen]
    scores: list[float]


def _example(one: Seen) -> Example:
    best = one.found.matches[0].article_id if one.found.matches else None
    return Example(weigh(one.found, {}), one.signals, best, one.label.accepts(best))
