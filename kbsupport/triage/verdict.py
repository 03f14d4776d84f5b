"""Decide by a plain rule, until a fitted judge takes its place; pure and total."""

from __future__ import annotations

from dataclasses import dataclass

from kbsupport.model import Evidence, Outcome, Reason, Signals, Verdict


@dataclass(frozen=True, slots=True)
class Policy:
    """How many passages to look at, and which share of the question the article must speak of."""

    passages: int
    coverage: float
    default_tier: str


def decide(evidence: Evidence, signals: Signals, order: tuple[str, ...], policy: Policy) -> Verdict:
    """What to do with the question; `order` names the articles found, best first."""
    return _by_message(signals) or _by_evidence(evidence, order, policy)


def _by_message(signals: Signals) -> Verdict | None:
    if signals.empty:
        return Verdict(Outcome.ESCALATE, Reason.EMPTY_QUESTION, "the message has no words")
    if signals.asks_for_person:
        return Verdict(Outcome.ESCALATE, Reason.ASKS_FOR_PERSON, "the message asks for a person")
    if signals.thanks_only:
        return Verdict(Outcome.REPLY, Reason.THANKS, "the message only says thanks")
    if signals.greeting_only:
        return Verdict(Outcome.REPLY, Reason.GREETING, "the message only greets")
    return None


def _by_evidence(evidence: Evidence, order: tuple[str, ...], policy: Policy) -> Verdict:
    if not order:
        return Verdict(Outcome.ESCALATE, Reason.NO_PASSAGE, "nothing that may be shown was found")
    needed, found = policy.coverage, evidence.coverage
    covered = f"it speaks of {found:.2f} of what was asked, by weight of words"
    agree = evidence.rankings_agree and evidence.best_by_terms == order[0]
    if found < needed:
        rule = f"{covered}; {needed:.2f} is needed"
        return Verdict(Outcome.ESCALATE, Reason.WORDS_NOT_COVERED, rule)
    if agree:
        rule = f"terms and vectors both put {order[0]} first; {covered}"
        return Verdict(Outcome.RESOLVE, Reason.RANKINGS_AGREE, rule)
    first_two = set(order[:2])
    if len(first_two) > 1 and {evidence.best_by_terms, evidence.best_by_vectors} == first_two:
        rule = f"terms and vectors each put one of {order[0]} and {order[1]} first"
        return Verdict(Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES, rule)
    rule = f"terms put {evidence.best_by_terms} first, vectors {evidence.best_by_vectors}"
    return Verdict(Outcome.ESCALATE, Reason.RANKINGS_DISAGREE, rule)
