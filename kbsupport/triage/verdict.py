"""Decide: answer, ask back, reply or hand over, and say by which rule; pure and total.

Every rule that can speak before the number does is in `BEFORE_THE_NUMBER`, in its order. What none
of them decides, the judge's probability decides against one threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from kbsupport.model import Evidence, Intent, Outcome, Reason, Signals, Verdict
from kbsupport.model.flat import Flat
from kbsupport.triage.certificate import Certificate
from kbsupport.triage.policy import SIGNALS, Policy


@dataclass(frozen=True, slots=True)
class Case(Flat):
    """What a verdict rests on beside evidence and signals; `order` names articles, best first.

    `held` is the reason for which people let nothing be answered alone, and `held_by` the words.

    `languages` are those the knowledge base speaks; none means that nobody knows. `answered` is
    True if an answer was given before in the same conversation.
    """

    tier: str
    order: tuple[str, ...]
    topic: str | None
    probability: float
    asked_back: bool
    verified: bool
    languages: tuple[str, ...]
    prior_threshold: float
    require_certificate: bool
    named: bool = False
    answered: bool = False
    held: str | None = None
    held_by: str = ""

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Case:
        """Read back what `to_dict` gave, for a replay."""
        named = {name: tuple(row[name]) for name in ("order", "languages")}
        return cls(**{**row, **named})


@dataclass(frozen=True, slots=True)
class _Asked:
    evidence: Evidence
    signals: Signals
    case: Case
    policy: Policy
    certificate: Certificate | None

    @property
    def verdict(self) -> Verdict:
        return _unless_held(self.case, _before_the_number(self) or _by_the_number(self))


def decide(
    evidence: Evidence,
    signals: Signals,
    case: Case,
    policy: Policy,
    certificate: Certificate | None,
) -> Verdict:
    """What to do with the question, and why; `certificate` is one that holds for this system."""
    return _Asked(evidence, signals, case, policy, certificate).verdict


def reaches_number(evidence: Evidence, signals: Signals, case: Case, policy: Policy) -> bool:
    """True if no rule speaks first, so that only the probability keeps it from being resolved."""
    return _before_the_number(_Asked(evidence, signals, case, policy, None)) is None


def what_would_change(
    evidence: Evidence,
    signals: Signals,
    case: Case,
    policy: Policy,
    certificate: Certificate | None,
) -> tuple[str, ...]:
    """Each single thing that would have led to another outcome, in plain words."""
    asked = _Asked(evidence, signals, case, policy, certificate)
    outcome = asked.verdict.outcome
    found = tuple(
        f"{said}, {_DONE[other.verdict.outcome]}"
        for said, other in _others(asked)
        if other.verdict.outcome is not outcome
    )
    return found or ("no single change would have led to another outcome",)


def without_switches(case: Case) -> Case:
    """The case as it would be if people held nothing back."""
    return replace(case, held=None, held_by="")


def _unless_held(case: Case, verdict: Verdict) -> Verdict:
    """Greetings and thanks are returned all the same: nobody needs a person for them."""
    if case.held is None or verdict.outcome not in {Outcome.RESOLVE, Outcome.CLARIFY}:
        return verdict
    done = _DONE[verdict.outcome]
    return _escalate(Reason(case.held), f"{case.held_by}; else {done}: {verdict.rule}")


def _escalate(reason: Reason, rule: str) -> Verdict:
    return Verdict(Outcome.ESCALATE, reason, rule)


def _ask_once(asked: _Asked, reason: Reason, rule: str) -> Verdict:
    if asked.case.asked_back:
        return _escalate(reason, f"{rule}, and something was asked back before")
    return Verdict(Outcome.CLARIFY, reason, rule)


def _unsound(asked: _Asked) -> Verdict | None:
    """A number that cannot be compared would pass or fail a rule by accident."""
    shares = {
        "probability": asked.case.probability,
        "prior_threshold": asked.case.prior_threshold,
    }
    others = _values(asked.signals)
    for name, value in _values(asked.evidence).items():
        bounded = name == "coverage" or name.endswith("_share")
        (shares if bounded else others)[name] = value
    bad = [name for name, value in shares.items() if not 0 <= value <= 1]
    bad += [
        name
        for name, value in others.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    if not bad:
        return None
    values = {**others, **shares}
    said = ", ".join(f"{name} is {values[name]}" for name in bad)
    return _escalate(Reason.UNSOUND_NUMBERS, f"{said}: nothing can be decided from that")


def _values(flat: Any) -> dict[str, Any]:
    # Not to_dict(): its deep copy would cost more than all rules together.
    return {field.name: getattr(flat, field.name) for field in fields(flat)}


def _empty(asked: _Asked) -> Verdict | None:
    if asked.signals.empty:
        return _escalate(Reason.EMPTY_QUESTION, "the message has no words")
    return None


def _wants_a_person(asked: _Asked) -> Verdict | None:
    if asked.signals.asks_for_person:
        return _escalate(Reason.ASKS_FOR_PERSON, "the message asks for a person")
    return None


def _answer_failed(asked: _Asked) -> Verdict | None:
    if asked.case.answered and asked.signals.not_helped:
        said = (
            "an answer was given before in this conversation, and the message says it did not help"
        )
        return _escalate(Reason.ANSWER_FAILED, said)
    return None


def _courtesy(asked: _Asked) -> Verdict | None:
    if asked.signals.thanks_only:
        return Verdict(Outcome.REPLY, Reason.THANKS, "the message only says thanks")
    if asked.signals.greeting_only:
        return Verdict(Outcome.REPLY, Reason.GREETING, "the message only greets")
    return None


def _always_escalated(asked: _Asked) -> Verdict | None:
    signals, policy, topic = asked.signals, asked.policy, asked.case.topic
    for name in policy.signals:
        if getattr(signals, name):
            said = f"the message reads as {name.replace('_', ' ')}"
            return _escalate(SIGNALS[name], f"{said}, which the policy leaves to a person")
    if topic is not None and topic in policy.topics:
        return _escalate(Reason.TOPIC, f"the policy leaves the topic {topic} to a person")
    sure = signals.intent_probability
    if signals.intent in policy.intents and sure >= policy.intent_probability:
        said = (
            f"the policy leaves {signals.intent} to a person, if it is that with a probability of"
        )
        return _escalate(Reason.INTENT, f"{said} {policy.intent_probability:.4f}; it is {sure:.4f}")
    return None


def _mood(asked: _Asked) -> Verdict | None:
    signals, policy, case = asked.signals, asked.policy, asked.case
    if case.topic is not None and case.topic in policy.automate:
        return None
    rules = policy.for_tier(case.tier)
    if rules.frustration is not None and signals.frustration >= rules.frustration:
        said = f"frustration is {signals.frustration:.4f}"
        return _escalate(Reason.UPSET, f"{said}; a person answers from {rules.frustration:.4f}")
    if rules.sentiment is not None and signals.sentiment <= rules.sentiment:
        said = f"sentiment is {signals.sentiment:.4f}"
        return _escalate(Reason.UPSET, f"{said}; a person answers from {rules.sentiment:.4f} down")
    if policy.complexity is not None and signals.complexity >= policy.complexity:
        said = f"complexity is {signals.complexity:.4f}"
        return _escalate(Reason.COMPLEX, f"{said}; a person answers from {policy.complexity:.4f}")
    return None


def _language(asked: _Asked) -> Verdict | None:
    language, sure = asked.signals.language, asked.signals.language_probability
    spoken = asked.case.languages
    if language is None or not spoken or language in spoken or sure < asked.policy.language_sure:
        return None
    rule = f"the message is in {language} ({sure:.4f}), the articles are in {', '.join(spoken)}"
    return _escalate(Reason.LANGUAGE, rule)


def _nothing_found(asked: _Asked) -> Verdict | None:
    if not asked.case.order:
        return _escalate(Reason.NO_PASSAGE, "nothing that may be shown was found")
    return None


def _several_questions(asked: _Asked) -> Verdict | None:
    count = asked.signals.questions
    if count >= asked.policy.questions:
        return _ask_once(
            asked, Reason.SEVERAL_QUESTIONS, f"the message asks {count} things at once"
        )
    return None


def _missing_detail(asked: _Asked) -> Verdict | None:
    missing = asked.signals.missing
    if missing:
        named = ", ".join(missing).replace("_", " ")
        return _ask_once(asked, Reason.MISSING_DETAIL, f"the message does not say: {named}")
    return None


def _unverified(asked: _Asked) -> Verdict | None:
    case, policy = asked.case, asked.policy
    needs = []
    if not case.verified:
        needs.append((policy.verified, "a verified identity"))
    if not (case.verified or case.named):
        needs.append((policy.named, "a customer who is known"))
    for those, what in needs:
        if case.topic is not None and case.topic in those.topics:
            return _escalate(Reason.UNVERIFIED, f"the topic {case.topic} needs {what}")
        if case.order[0] in those.articles:
            return _escalate(Reason.UNVERIFIED, f"{case.order[0]} needs {what}")
    return None


BEFORE_THE_NUMBER: tuple[Callable[[_Asked], Verdict | None], ...] = (
    _unsound,  # failed numbers
    _empty,
    _wants_a_person,
    _answer_failed,
    _courtesy,  # thanks, then a greeting: a template, never counted as resolved
    _always_escalated,  # signals, topics, intents
    _mood,  # frustration, sentiment, complexity; not for an automatable topic
    _language,
    _nothing_found,
    _several_questions,  # asked back once, then for a person
    _missing_detail,  # the same
    _unverified,
)


def _before_the_number(asked: _Asked) -> Verdict | None:
    for rule in BEFORE_THE_NUMBER:
        verdict = rule(asked)
        if verdict is not None:
            return verdict
    return None


def _by_the_number(asked: _Asked) -> Verdict:
    probability, threshold = asked.case.probability, _proven(asked)
    if threshold is not None and asked.certificate is not None:
        if probability >= threshold:
            rule = f"probability {probability:.4f} reaches the certified {threshold:.4f}"
            return Verdict(
                Outcome.RESOLVE, Reason.CERTIFIED_THRESHOLD, rule,
                certified=True, certificate=asked.certificate.id, threshold=threshold,
            )  # fmt: skip
        return _not_sure(asked, f"the certified {threshold:.4f}", threshold)
    if asked.case.require_certificate:
        return _escalate(Reason.UNCERTIFIED, _why_uncertified(asked))
    threshold = asked.case.prior_threshold
    if probability >= threshold:
        rule = f"probability {probability:.4f} reaches {threshold:.4f}, which nothing certifies"
        return Verdict(Outcome.RESOLVE, Reason.PRIOR_THRESHOLD, rule, threshold=threshold)
    return _not_sure(asked, f"{threshold:.4f}, which nothing certifies", threshold)


def _proven(asked: _Asked) -> float | None:
    if asked.certificate is None:
        return None
    bound = asked.certificate.bound_for(asked.case.tier, asked.case.topic)
    return None if bound is None else bound.threshold


def _why_uncertified(asked: _Asked) -> str:
    if asked.certificate is None:
        return "there is no certificate that holds, and one is required"
    by_topic = asked.certificate.by == "topic"
    named = f"the topic {asked.case.topic}" if by_topic else f"the tier {asked.case.tier}"
    return f"{asked.certificate.id} proves nothing for {named}, and a certificate is required"


def _not_sure(asked: _Asked, needed: str, threshold: float) -> Verdict:
    case, policy = asked.case, asked.policy
    rule = f"probability {case.probability:.4f} is below {needed}"
    first, second = asked.evidence.first_share, asked.evidence.second_share
    close = first + second >= policy.pair and second >= policy.second
    if close and len(case.order) > 1 and not case.asked_back:
        said = f"{case.order[0]} ({first:.4f}) and {case.order[1]} ({second:.4f}) are close"
        return Verdict(
            Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES, f"{rule}; {said}", threshold=threshold
        )
    return Verdict(Outcome.ESCALATE, Reason.BELOW_THRESHOLD, rule, threshold=threshold)


_DONE = {
    Outcome.RESOLVE: "it would have been answered",
    Outcome.CLARIFY: "something would have been asked back",
    Outcome.REPLY: "a greeting or thanks would have been returned",
    Outcome.ESCALATE: "it would have gone to a person",
}


def _others(asked: _Asked) -> Iterator[tuple[str, _Asked]]:
    """What was asked with one thing changed, and how to say it."""
    yield from _other_numbers(asked)
    yield "if people had not held answers back", replace(asked, case=without_switches(asked.case))
    signals, case = asked.signals, asked.case
    for name in (*SIGNALS, "empty", "asks_for_person", "thanks_only", "greeting_only"):
        if getattr(signals, name):
            said = f"if the message did not read as {name.replace('_', ' ')}"
            yield said, replace(asked, signals=_with(signals, name, value=False))
    plain = Signals()
    for name, said in _CALM.items():
        if getattr(signals, name) != getattr(plain, name):
            yield said, replace(asked, signals=_with(signals, name, value=getattr(plain, name)))
    if signals.questions > 1:
        yield "if it asked one thing only", replace(asked, signals=replace(signals, questions=1))
    for tier in asked.policy.tiers:
        if tier != case.tier:
            said = f"for a customer of the tier {tier}"
            yield said, replace(asked, case=replace(case, tier=tier))
    flags = {
        "verified": "if the customer's identity were verified",
        "named": "if the customer were known",
        "asked_back": "if nothing had been asked back before",
        "answered": "if nothing had been answered before",
        "require_certificate": "if no certificate were required",
    }
    for name, said in flags.items():
        better = name in {"verified", "named"}
        if getattr(case, name) is not better:
            yield said, replace(asked, case=_with(case, name, value=better))


_CALM = {
    "frustration": "without the frustration in it",
    "sentiment": "if its mood were neutral",
    "complexity": "if it were not so complex",
    "language": "if it were in a language of the articles",
    "missing": "if it held the missing details",
    "intent": f"if its intent were {Intent.UNKNOWN}",
}


def _other_numbers(asked: _Asked) -> Iterator[tuple[str, _Asked]]:
    proven = _proven(asked)
    threshold = asked.case.prior_threshold if proven is None else proven
    probability = asked.case.probability
    if probability < threshold:
        said = f"with a probability of {threshold:.4f} or more (it was {probability:.4f})"
        yield said, replace(asked, case=replace(asked.case, probability=threshold))
    elif threshold > 0:
        said = f"with a probability below {threshold:.4f} (it was {probability:.4f})"
        less = math.nextafter(threshold, 0)
        yield said, replace(asked, case=replace(asked.case, probability=less))


def _with(flat: Any, name: str, *, value: object) -> Any:
    return replace(flat, **{name: value})
