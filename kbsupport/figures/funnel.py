"""Every definition of "resolved" side by side, over the same cases; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from kbsupport.figures.cases import Case
from kbsupport.figures.definitions import AGAIN, SATISFIED, SILENCE
from kbsupport.figures.rates import CONFIDENCE, Figure, exact, share
from kbsupport.store.facts import Audited

FUNNEL = (
    "involvement", "answered", "assumed", "recontact_adjusted", "confirmed", "verified",
    "audited_correct",
)  # fmt: skip
_GONE = "gone"
_WAITING = "open"


def funnel(
    cases: Sequence[Case],
    audited: Iterable[Audited],
    proven: Mapping[str, float],
    now: datetime,
    silence: timedelta = SILENCE,
) -> tuple[Figure, ...]:
    """The seven shares; a case is judged once its customer had the time to write again."""
    old = [case for case in cases if case.last_asked + silence <= now]
    young = len(cases) - len(old)
    alone = [case for case in old if case.answered_alone]
    assumed = [case for case in old if case.assumed]
    again = [case for case in assumed if not case.again]
    certified = [case for case in alone if case.certified]

    def of_old(key: str, some: Sequence[Case], note: str = "") -> Figure:
        return share(key, len(some), len(old), note, young)

    return (
        share("involvement", sum(case.involved for case in cases), len(cases)),
        of_old("answered", alone),
        of_old("assumed", assumed),
        of_old("recontact_adjusted", again, _may_come(assumed, now)),
        of_old("confirmed", [case for case in alone if case.confirmed], _spoke(alone)),
        of_old("verified", certified, _promised(certified, proven)),
        audited_correct(alone, len(old), audited, young),
    )


def outcomes(
    cases: Sequence[Case], now: datetime, silence: timedelta = SILENCE
) -> tuple[Figure, ...]:
    """What became of those that were not answered alone."""
    old = [case for case in cases if case.last_asked + silence <= now]
    young = len(cases) - len(old)
    return (
        share("asked_back", sum(case.asked_back for case in old), len(old), left_out=young),
        share("escalated", sum(case.with_people for case in old), len(old), left_out=young),
    )


def audited_correct(
    alone: Sequence[Case], of: int, audited: Iterable[Audited], young: int = 0
) -> Figure:
    """The share answered alone times the share right among random audits.

    Where audits were drawn more often at one time than at another, each counts for as many answers
    as it stands for, and the interval is that of as many equal ones (Kish).
    """
    ours = {one.decision_id for case in alone for one in case.answers}
    looked_at = [
        one for one in audited if one.decision_id in ours and one.state not in {_GONE, _WAITING}
    ]
    if not looked_at:
        return Figure("audited_correct", 0, of, None, None, "no audit was made", young)
    weights = [1 / (one.drawn_with or 1.0) for one in looked_at]
    good = sum(w for w, one in zip(weights, looked_at, strict=True) if one.right) / sum(weights)
    equal = sum(weights) ** 2 / sum(w * w for w in weights)
    # Each of the two at half the error, so that both hold together.
    half = 1 - (1 - CONFIDENCE) / 2
    limits = zip(exact(len(alone), of, half), exact(good * equal, equal, half), strict=True)
    low, high = (answered * right for answered, right in limits)
    value = good * len(alone) / of
    said = f"{sum(bool(one.right) for one in looked_at)} of {len(looked_at)} audits right"
    return Figure(
        "audited_correct", round(of * value, 1), of, value, (low, high), said, young
    )  # fmt: skip


def satisfaction(cases: Sequence[Case]) -> tuple[Figure, ...]:
    """CSAT, of all, of the assistant, of people; and how many rated at all."""
    given = [
        (said.rating, case.answerer(said.at))
        for case in cases
        for said in case.said
        if said.rating is not None
    ]
    rated = sum(any(said.rating is not None for said in case.said) for case in cases)

    def happy(key: str, ratings: Sequence[int]) -> Figure:
        return share(key, sum(one >= SATISFIED for one in ratings), len(ratings))

    return (
        happy("csat", [rating for rating, _ in given]),
        happy("csat_assistant", [rating for rating, by in given if by is None]),
        happy("csat_people", [rating for rating, by in given if by is not None]),
        share("rated", rated, len(cases)),
    )


def _may_come(assumed: Sequence[Case], now: datetime) -> str:
    young = sum(case.last_asked + AGAIN > now for case in assumed)
    nameless = sum(case.customer_id is None for case in assumed)
    notes = []
    if young:
        notes.append(f"{young} may still come again within 7 days")
    if nameless:
        notes.append(f"{nameless} of people without a customer id, who cannot be recognised")
    return "; ".join(notes)


def _spoke(alone: Sequence[Case]) -> str:
    return f"{sum(bool(case.said) for case in alone)} of {len(alone)} customers said anything"


def _promised(certified: Sequence[Case], proven: Mapping[str, float]) -> str:
    used = {one.certificate or "" for case in certified for one in case.answers}
    risks = [proven[name] for name in used if name in proven]
    if not risks:
        return ""
    return f"proven: of such answers at most {max(risks):.0%} are wrong"
