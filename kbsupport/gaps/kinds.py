"""Which kind of gap a question belongs to, by stated rules on what is known of it; pure."""

from __future__ import annotations

from enum import StrEnum

from kbsupport.gaps.asked import Looked
from kbsupport.model import Outcome, Reason

# Below it, it is three times as likely that the best article does not answer as that it does.
LIKELY = 0.25
# From here on the message is about the customer's own order or bill: see triage/own_case.py.
OWN_CASE = 0.6

_NO_QUESTION = frozenset({Reason.SPAM, Reason.EMPTY_QUESTION, Reason.GREETING, Reason.THANKS})
_SEVERAL = frozenset({Reason.SEVERAL_QUESTIONS, Reason.MISSING_DETAIL})
# Only these say that no article was sure enough; every other reason is a rule that spoke first.
_UNSURE = frozenset(
    {
        Reason.BELOW_THRESHOLD,
        Reason.UNCERTIFIED,
        Reason.NO_PASSAGE,
        Reason.NOTHING_TO_QUOTE,
        Reason.TWO_CLOSE_ARTICLES,
    }
)


class Kind(StrEnum):
    """What stands between these questions and an answer."""

    MISSING = "missing"
    NOT_FOUND = "not_found"
    CONTRADICTORY = "contradictory"
    POLICY = "policy"


class Aside(StrEnum):
    """Why a question belongs to no gap."""

    ANSWERED = "answered"
    NO_QUESTION = "no_question"
    SEVERAL = "several_questions"
    ALONE = "alone"


def kind_of(one: Looked) -> Kind | Aside:
    """The kind of one question by itself; that articles contradict each other shows in several."""
    if one.outcome is Outcome.RESOLVE:
        return Aside.ANSWERED
    if one.outcome is Outcome.REPLY or one.reason in _NO_QUESTION or one.instructions:
        return Aside.NO_QUESTION
    if one.reason in _SEVERAL:
        return Aside.SEVERAL
    if one.reason not in _UNSURE or one.own_case >= OWN_CASE:
        return Kind.POLICY
    if one.rests is not None:
        return Kind.NOT_FOUND
    # What people wrote and no article says outweighs a guess about the articles.
    sure = one.reply is None and one.probability >= LIKELY
    return Kind.NOT_FOUND if sure else Kind.MISSING


def rule_of(one: Looked) -> str:
    """The rule that keeps a question from being answered, as a key to put its like together."""
    return "own_case" if one.reason in _UNSURE else str(one.reason)
