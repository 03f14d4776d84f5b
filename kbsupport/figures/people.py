"""How each specialist is doing, and what to improve, by rules that name numbers; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from kbsupport.evaluation.wording import percent
from kbsupport.figures.cases import Case
from kbsupport.figures.definitions import AGAIN, SATISFIED
from kbsupport.figures.rates import Figure, Spread, percentile, share, spread
from kbsupport.figures.times import in_time
from kbsupport.model import Escalation, Outcome, Specialist
from kbsupport.store.facts import Decided, Handed

# Fewer answers than this say nothing about a person.
FEW = 5
# From this many times the usual time of the desk, somebody is called slower.
_SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Work:
    """One specialist in a period; `ratings` and `mean_rating` are of tickets they answered last."""

    id: str
    name: str
    open: int
    capacity: int | None
    answered: int
    to_claim: Spread
    to_answer: Spread
    first_in_time: Figure
    in_time: Figure
    first_contact: Figure
    ratings: int
    mean_rating: float | None
    satisfied: Figure
    refused: int
    improve: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """One row of `people` in `metrics --json`."""
        rating = None if self.mean_rating is None else round(self.mean_rating, 2)
        return {
            "id": self.id, "name": self.name, "open": self.open, "capacity": self.capacity,
            "answered": self.answered, "to_claim": self.to_claim.to_dict(),
            "to_answer": self.to_answer.to_dict(), "first_in_time": self.first_in_time.to_dict(),
            "solved_in_time": self.in_time.to_dict(), "first_contact": self.first_contact.to_dict(),
            "ratings": self.ratings, "mean_rating": rating, "satisfied": self.satisfied.to_dict(),
            "refused_answers": self.refused, "improve": list(self.improve),
        }  # fmt: skip


def work_of(
    cases: Sequence[Case],
    at_work: Sequence[Escalation],
    decided: Sequence[Decided],
    rota: Sequence[Specialist],
    now: datetime,
) -> tuple[Work, ...]:
    """Everybody who has, or answered, anything, the busiest first; and the rest of the rota."""
    handed: dict[str, list[tuple[Handed, Case]]] = defaultdict(list)
    ratings: dict[str, list[int]] = defaultdict(list)
    for case in cases:
        for one in case.handed:
            if one.owner is not None:
                handed[one.owner].append((one, case))
        for said in case.said:
            if said.rating is not None and (by := case.answerer(said.at)) is not None:
                ratings[by].append(said.rating)
    load = Counter(one.owner for one in at_work if one.owner)
    refused = Counter(one.asked_by for one in decided if one.state == "rejected")
    known = {person.id: person for person in rota}
    everybody = [
        _work(who, known.get(who), handed[who], ratings[who], load[who], refused[who], now)
        for who in {**known, **handed, **load}
    ]
    desk = _desk(everybody)
    with_advice = [_advised(one, desk) for one in everybody]
    return tuple(sorted(with_advice, key=lambda one: (-one.answered, -one.open, one.id)))


def _work(
    id: str,
    person: Specialist | None,
    handed: Sequence[tuple[Handed, Case]],
    ratings: Sequence[int],
    load: int,
    refused: int,
    now: datetime,
) -> Work:
    answered = [(one, case) for one, case in handed if one.answered_at is not None]
    first, last = in_time([one for one, _ in handed], now)
    once = sum(_once(one, case) for one, case in answered)
    return Work(
        id=id,
        name=person.name if person else id,
        open=load,
        capacity=person.capacity if person else None,
        answered=len(answered),
        to_claim=spread(
            "to_claim",
            [one.claimed_at - one.opened_at for one, _ in handed if one.claimed_at],
        ),
        to_answer=spread("to_answer", [_took(one) for one, _ in answered]),
        first_in_time=first,
        in_time=last,
        first_contact=share("first_contact", once, len(answered)),
        ratings=len(ratings),
        mean_rating=sum(ratings) / len(ratings) if ratings else None,
        satisfied=share("csat_people", sum(one >= SATISFIED for one in ratings), len(ratings)),
        refused=refused,
    )


def _took(one: Handed) -> timedelta:
    assert one.answered_at is not None
    return one.answered_at - (one.claimed_at or one.opened_at)


def _once(one: Handed, case: Case) -> bool:
    assert one.answered_at is not None
    until = one.answered_at + AGAIN
    again = (a for a in case.asked if a.outcome != Outcome.REPLY)
    return not any(one.answered_at < a.at <= until for a in again)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everybody together: what one person is held against."""

    answered: int
    late: int
    judged: int
    once: int
    happy: int
    ratings: int
    usual: float | None


def _desk(everybody: Sequence[Work]) -> _Desk:
    usual = sorted(one.to_answer.p50 for one in everybody if one.to_answer.p50 is not None)
    return _Desk(
        answered=sum(one.answered for one in everybody),
        late=sum(one.in_time.denominator - int(one.in_time.numerator) for one in everybody),
        judged=sum(one.in_time.denominator for one in everybody),
        once=sum(int(one.first_contact.numerator) for one in everybody),
        happy=sum(int(one.satisfied.numerator) for one in everybody),
        ratings=sum(one.ratings for one in everybody),
        usual=percentile(usual, 0.5) if usual else None,
    )


def _advised(one: Work, desk: _Desk) -> Work:
    return replace(one, improve=tuple(_advice(one, desk)))


def _advice(one: Work, desk: _Desk) -> list[str]:
    """What to improve, each with the numbers it rests on; nothing where these are too few."""
    said = []
    if one.capacity is not None and one.open > one.capacity:
        said.append(
            f"has {one.open} open, more than the {one.capacity} agreed: give some to others"
        )
    if one.answered < FEW:
        return said or ([f"too few answers to tell ({one.answered})"] if one.answered else [])
    others = _rest(desk.judged - desk.late, desk.judged, one.in_time)
    if _below(one.in_time, others):
        said.append(
            f"solved {percent(one.in_time.value)} in time, the others {percent(others)}: look at "
            "what waits longest, and at the load"
        )
    if one.to_answer.p50 is not None and desk.usual and one.to_answer.p50 > _SLOWER * desk.usual:
        said.append(
            f"an answer takes {length(one.to_answer.p50)} (median), at the desk usually "
            f"{length(desk.usual)}: see whether the topics are harder or the hours too few"
        )
    rest = desk.answered - one.answered
    if _below(
        one.first_contact, (desk.once - one.first_contact.numerator) / rest if rest else None
    ):
        said.append(
            f"{percent(one.first_contact.value)} solved at first contact, fewer than the others: "
            "read the answers after which customers wrote again"
        )
    if one.ratings >= FEW and _below(one.satisfied, _rest(desk.happy, desk.ratings, one.satisfied)):
        said.append(f"{percent(one.satisfied.value)} satisfied, fewer than with the others")
    if one.refused:
        said.append(f"a reviewer refused {one.refused} of the answers: go through the notes")
    return said


def _rest(count: int, of: int, without: Figure) -> float | None:
    """The share among everybody else."""
    others = of - without.denominator
    return (count - without.numerator) / others if others else None


def _below(figure: Figure, others: float | None) -> bool:
    """Clearly below: not even the upper end of the interval reaches the others."""
    return others is not None and figure.interval is not None and figure.interval[1] < others


def length(seconds: float | None) -> str:
    """A time as people read it."""
    if seconds is None:
        return "–"
    for size, unit, digits in ((86400, "d", 1), (3600, "h", 1), (60, "min", 0)):
        if seconds >= size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
