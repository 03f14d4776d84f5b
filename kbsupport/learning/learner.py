"""The story of a set of labels: sort out, split, remember, fit, prove, and put it in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, NotProven
from kbsupport.evaluation.parts import Parts, SortedOut, sort_out, split
from kbsupport.evaluation.scores import auroc, calibration_error
from kbsupport.learning.deciding import decide_all, note_decisions
from kbsupport.learning.results import Calibration, Learnt
from kbsupport.learning.seeing import Observer, Seen
from kbsupport.learning.watching import reference
from kbsupport.model import Intent, Label, text_hash
from kbsupport.standing import (
    CERTIFICATE,
    INTENTS,
    JUDGE,
    REFERENCE,
    Standing,
    keep_artefacts,
)
from kbsupport.store import labels as kept
from kbsupport.triage.bounds import check_share
from kbsupport.triage.certificate import GROUPED_BY, Certificate, TierBound, issue
from kbsupport.triage.evidence import weigh
from kbsupport.triage.fitting import (
    Example,
    careful_threshold,
    cross_fitted,
    fit_judge,
    fit_ranking,
    ranked,
    spoken,
)
from kbsupport.triage.intent import fit_intents
from kbsupport.triage.proof import Scored, certify_tiers, plan_tests
from kbsupport.triage.verdict import reaches_number

if TYPE_CHECKING:
    from kbsupport.knowledge.indexing import Progress
    from kbsupport.triage.judge import Judge
    from kbsupport.triage.policy import Policy

# From here on a judge of one's own beats the prior one (benchmarks/judge.py).
FEWEST_TO_FIT = 50
CONFIDENCE = 0.95


class Learner:
    """Learns from labels, and proves on labels that it did not learn from."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._mind = observer, observer.mind

    def learn(
        self, labels: Sequence[Label], source: str, progress: Progress = lambda *_: None
    ) -> Learnt:
        """Keep labels as history: answers teach which article, escalations what none answers."""
        usable = self._usable(labels)
        former = self._mind.shelf.standing().certificate
        self._observer.keep(usable.labels, kept.HISTORY, source, progress, move=True)
        past = self._past()
        judge = self._mind.shelf.standing().judge_for(any_history=True)
        if len(past) >= FEWEST_TO_FIT and len({label.answerable for label in past}) > 1:
            with self._mind.library.steady():
                self.teach_intents(past, progress)
                judge = self.fit(past, progress).judge
            self._put_in_force(judge, None)
        answered = sum(label.answerable for label in usable.labels)
        ended = None if former is None or self._holds(former, judge) else former.id
        return Learnt(len(usable.labels), answered, usable, judge, ended)

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
        _check(risk, confidence, by)
        usable = self._usable(labels)
        risks = self._risks(usable.labels, risk, by, self._mind.shelf.standing().policy)
        parts = split(usable.labels, max(risks.values()), confidence, self._taught(), self._apart())
        if learn:
            self._observer.keep(parts.teach, kept.HISTORY, source, progress, move=True)
            self._observer.keep(parts.prove, kept.THRESHOLD, source, progress)
        with self._mind.library.steady():
            past = self._past()
            known = {text_hash(label.text) for label in past}
            fresh = [label for label in parts.teach if text_hash(label.text) not in known]
            self.teach_intents([*past, *fresh], progress)
            taught = self.fit([*past, *fresh], progress)
            proven = self._prove(taught, parts, risks, confidence, by, progress)
            bounds = proven.bounds
            given = {"risk": risk, "confidence": confidence, "by": by, "risks": risks}
            # What it takes to prove it again once the knowledge base has changed.
            again: dict[str, Any] = {"kept": learn, "share": parts.share}
            again["left_out"] = parts.left_out
            again["thresholds"] = {
                name: bound.threshold for name, bound in bounds.items() if bound.threshold
            }
            judge = _never_looser(proven.judge, bounds)
            judge = replace(judge, about={**judge.about, **given, **again})
            certificate, looked_like = None, None
            if any(bound.threshold is not None for bound in bounds.values()):
                certificate = self.certify(judge, bounds, parts.prove, source, parts.left_out)
                trial = self._trial(judge)
                looked_like = reference(self._mind, proven.seen, trial, certificate)
            self._put_in_force(judge, certificate, looked_like)
            if learn:
                self._note([*taught.seen, *proven.seen])
            return Calibration(certificate, bounds, risk, confidence, parts, usable, judge)

    def prove_again(
        self, trial: Standing, risk: float | None = None, progress: Progress = lambda *_: None
    ) -> tuple[Standing, Mapping[str, TierBound]]:
        """What calibration would prove under this policy and risk, from the stored labels alone.

        Nothing is put in force: the standing that comes back is for trying out.
        """
        about = self._mind.shelf.standing().judge_for(any_history=True).about
        by, confidence = about.get("by"), about.get("confidence", CONFIDENCE)
        _check(risk, confidence, by)
        proving = self._stored(kept.THRESHOLD)
        if not proving:
            raise NotProven(
                "no labels are kept to prove thresholds with; run: kbsupport calibrate FILE --learn"
            )
        prove = tuple(self._usable(proving).labels)
        risks = self._risks(prove, risk, by, trial.policy)
        parts = Parts(tuple(self._past()), prove, 0)
        taught = self.fit(parts.teach, progress, trial)
        proven = self._prove(taught, parts, risks, confidence, by, progress, trial)
        bounds = proven.bounds
        given = {"risk": risk, "confidence": confidence, "by": by, "risks": risks}
        judge = _never_looser(proven.judge, bounds)
        judge = replace(judge, about={**judge.about, **given})
        trial = replace(trial, judge=judge, certificate=None)
        if any(bound.threshold is not None for bound in bounds.values()):
            made = self.certify(judge, bounds, prove, "stored labels", 0, trial)
            trial = replace(trial, certificate=made)
        return trial, bounds

    def fit(
        self, labels: Sequence[Label], progress: Progress, standing: Standing | None = None
    ) -> Taught:
        """A judge of these labels, and each as it met it, without having learnt from it."""
        seen = self._observer.see(labels, progress, "looking")
        memory = self._mind.library.memory()
        prior = self._mind.shelf.standing().priors.for_history(any_history=memory.any_history)
        rows = [ranked(one.found, one.label.accepts) for one in seen]
        ranking = fit_ranking([row for row in rows if row is not None], prior.ranking)
        ordered = [self._observer.ordered(one, ranking, standing) for one in seen]
        examples = [_example(one) for one in ordered]
        right = [example.right for example in examples]
        start = replace(prior, ranking=ranking)
        if len(set(right)) < 2:  # noqa: PLR2004 - one class is no choice
            judge = replace(start, about={"labels": len(examples), "fitted": False})
            return Taught(judge, ordered, [spoken(judge, one) for one in examples])
        given = cross_fitted(examples, start)
        about: dict[str, Any] = {
            "labels": len(examples),
            "fitted": True,
            "auroc": round(auroc(given, right), 4),
            "calibration_error": round(calibration_error(given, right), 4),
        }
        judge = fit_judge(examples, start)
        careful = careful_threshold(given, right, start.threshold)
        return Taught(replace(judge, threshold=careful, about=about), ordered, given)

    def _prove(
        self,
        taught: Taught,
        parts: Parts,
        risks: Mapping[str, float],
        confidence: float,
        by: str | None,
        progress: Progress,
        standing: Standing | None = None,
    ) -> Proven:
        """Fix what is tested by the labels that taught, then test it on those that did not."""
        trial = self._trial(taught.judge, standing)
        fit = [
            self.scored(one, trial, by, score=score)
            for one, score in zip(taught.seen, taught.scores, strict=True)
        ]
        proving = [
            self._observer.ordered(one, taught.judge.ranking, trial)
            for one in self._observer.see(parts.prove, progress, "proving")
        ]
        rows = self.quotable(proving, [self.scored(one, trial, by) for one in proving])
        waiting = [row.group for row in rows if not row.stopped]
        plans = plan_tests(fit, waiting, risks, confidence, by)
        bounds = certify_tiers(plans, rows, risks, confidence, by, share=parts.share or 0.5)
        stored = {key: plan.to_dict() for key, plan in plans.items()}
        return Proven(replace(taught.judge, plans=stored), bounds, proving)

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

    def quotable(self, seen: Sequence[Seen], rows: Sequence[Scored]) -> list[Scored]:
        """Rows that would be resolved but for an article that cannot be quoted are stopped."""
        return [
            replace(row, stopped=row.stopped or not self._observer.can_be_quoted(one))
            for one, row in zip(seen, rows, strict=True)
        ]

    def certify(
        self,
        judge: Judge,
        bounds: Mapping[str, TierBound],
        proved: Sequence[Label],
        source: str,
        left_out: int,
        standing: Standing | None = None,
    ) -> Certificate:
        """Write down what was proven, for the system as it now stands with this judge."""
        moments = sorted(label.created_at for label in proved if label.created_at is not None)
        trial = self._trial(judge, standing)
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

    def _trial(self, judge: Judge, standing: Standing | None = None) -> Standing:
        return replace(standing or self._mind.shelf.standing(), judge=judge, certificate=None)

    def _holds(self, certificate: Certificate, judge: Judge) -> bool:
        standing, memory = self._mind.shelf.standing(), self._mind.library.memory()
        hashes = self._mind.hashes(standing, judge, memory)
        return standing.certificate is not None and certificate.holds_for(hashes) is None

    def _put_in_force(
        self, judge: Judge, certificate: Certificate | None, looked_like: Any = None
    ) -> None:
        shelf = self._mind.shelf
        # A certificate is never beside a judge that it was not issued for, not even for a moment.
        shelf.write(CERTIFICATE, None)
        shelf.write(JUDGE, {"judge": judge.to_dict(), "sha256": judge.hash})
        shelf.write(REFERENCE, looked_like)
        if certificate is not None:
            shelf.write(CERTIFICATE, certificate.to_dict())
        with self._observer.database.write() as connection:
            keep_artefacts(connection, shelf.standing(), judge)

    def teach_intents(self, labels: Sequence[Label], progress: Progress) -> None:
        """Put a model of the intents that these labels name in force, if they are enough."""
        told = [label for label in labels if label.intent in set(Intent)]
        vectors = self._observer.vectors(told, progress)
        model = fit_intents(
            vectors, [label.text for label in told], [str(label.intent) for label in told]
        )
        if model is not None:
            self._mind.shelf.write(INTENTS, model.to_dict())

    def _note(self, seen: Sequence[Seen]) -> None:
        decided = decide_all(self._observer, seen, self._mind.shelf.standing())
        with self._observer.database.read() as connection:
            ids = {one.text_hash: one.id for one in kept.load_labels(connection)}
        noted = {ids.get(text_hash(one.label.text)): one for one in decided}
        note_decisions(self._observer, {of: one for of, one in noted.items() if of is not None})

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
        return self._stored(kept.HISTORY)

    def _stored(self, role: kept.Role) -> list[Label]:
        with self._observer.database.read() as connection:
            return [one.label for one in kept.load_labels(connection, role)]

    def _apart(self) -> frozenset[str]:
        """Hashes of the texts kept to prove with: they never teach, or they would be used up."""
        return frozenset(text_hash(label.text) for label in self._stored(kept.THRESHOLD))

    def _taught(self) -> frozenset[str]:
        """Hashes of all texts that the system has seen: those cannot prove anything."""
        seen = {text_hash(q) for a in self._mind.library.articles() for q in a.seen_questions}
        return frozenset(seen | {text_hash(label.text) for label in self._past()})

    def _risks(
        self, labels: Sequence[Label], risk: float | None, by: str | None, policy: Policy
    ) -> dict[str, float]:
        """The risk of each tier, or topic: as given, else as the policy has it."""
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


def _never_looser(judge: Judge, bounds: Mapping[str, TierBound]) -> Judge:
    """The judge, by which no more is answered once its certificate has ended than before."""
    proven = [bound.threshold for bound in bounds.values() if bound.threshold is not None]
    return replace(judge, threshold=max([judge.threshold, *proven]))


def _check(risk: float | None, confidence: float, by: str | None) -> None:
    check_share("confidence", confidence)
    if risk is not None:
        check_share("risk", risk)
    if by is not None and by not in GROUPED_BY:
        raise ConfigError(f"--by is {by!r}; it can be {' or '.join(GROUPED_BY)}")


@dataclass(frozen=True, slots=True)
class Proven:
    """The judge with what was tested, what that proved, and the labels that it was tested on."""

    judge: Judge
    bounds: Mapping[str, TierBound]
    seen: list[Seen]


def _example(one: Seen) -> Example:
    best = one.found.matches[0].article_id if one.found.matches else None
    return Example(weigh(one.found, {}), one.signals, best, one.label.accepts(best))
