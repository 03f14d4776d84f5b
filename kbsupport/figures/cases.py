"""Cases: what was asked, answered, handed over and said in one conversation; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from kbsupport.figures.definitions import AGAIN, SATISFIED, SILENCE
from kbsupport.model import Outcome, Reason
from kbsupport.store.facts import Asked, Facts, Handed, Held, Said, Spoken

_Row = TypeVar("_Row", Handed, Said)
# The assistant only passes these on, or keeps to itself what it would have done.
_RESPONSES = frozenset({Outcome.RESOLVE, Outcome.CLARIFY})
_DONE = frozenset({"answered", "closed"})
_SILENT = frozenset({str(Reason.WITH_A_PERSON), "shadow", "switched_off"})


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, or one question that belongs to none, and what became of it.

    `assumed` is what vendors call resolved, `again` that the customer wrote once more within 7
    days; both are told apart by how long a silence counts. `asks` is False for greetings alone.
    """

    key: str
    began: datetime
    channel: str | None
    tier: str
    topic: str | None
    intent: str | None
    customer_id: str | None
    asked: tuple[Asked, ...]
    handed: tuple[Handed, ...]
    spoken: tuple[Spoken, ...]
    said: tuple[Said, ...]
    answers: tuple[Asked, ...]
    last_asked: datetime
    asks: bool
    involved: bool
    with_people: bool
    answered_alone: bool
    asked_back: bool
    assumed: bool
    again: bool
    escalated_for: str | None
    first_response: timedelta | None
    resolution: timedelta | None

    @property
    def certified(self) -> bool:
        """Answered alone, and every answer under a certificate."""
        return self.answered_alone and all(one.certified for one in self.answers)

    @property
    def confirmed(self) -> bool:
        """The customer's newest word on an answer of the assistant is good."""
        return self.answered_alone and bool(self.said) and _good(self.said[-1])

    def answerer(self, at: datetime) -> str | None:
        """Who had answered last at a moment: a specialist, or None for the assistant."""
        by_people = [one for one in self.spoken if one.at <= at]
        by_us = [one.at for one in self.answers if one.at <= at]
        if by_people and (not by_us or by_people[-1].at >= by_us[-1]):
            return by_people[-1].by
        return None


def _real(one: Asked) -> bool:
    return one.outcome != Outcome.REPLY


def _good(said: Said) -> bool:
    return bool(said.helpful) if said.rating is None else said.rating >= SATISFIED


BY: Mapping[str, Callable[[Case], str | None]] = {
    "channel": lambda case: case.channel,
    "tier": lambda case: case.tier,
    "topic": lambda case: case.topic,
    "intent": lambda case: case.intent,
}


def cases_of(facts: Facts, silence: timedelta = SILENCE) -> tuple[Case, ...]:
    """Every case that began since the facts do, in order; greetings alone are none."""
    asked: dict[str, list[Asked]] = defaultdict(list)
    for one in facts.asked:
        asked[one.conversation_id or one.decision_id].append(one)
    held = {one.conversation_id: one for one in facts.tickets}
    handed, said = _by_ticket(facts.handed), _by_ticket(facts.said)
    spoken: dict[str, list[Spoken]] = defaultdict(list)
    for word in facts.spoken:
        spoken[word.conversation_id].append(word)
    made = []
    for key in {**asked, **held}:
        ticket, messages = held.get(key), tuple(asked.get(key, ()))
        if ticket is None and messages[0].conversation_id is not None:
            continue  # the conversation began before: it is a case of another period
        number = ticket.id if ticket else 0
        case = _case(
            key, messages, ticket, tuple(handed.get(number, ())), tuple(said.get(number, ())),
            tuple(spoken.get(key, ())), silence,
        )  # fmt: skip
        if case.asks:
            made.append(case)
    return _with_those_again(sorted(made, key=lambda case: (case.began, case.key)))


def narrowed(cases: Iterable[Case], where: Mapping[str, Collection[str]]) -> tuple[Case, ...]:
    """The cases of these channels, tiers, topics or intents."""
    return tuple(
        case
        for case in cases
        if all((BY[name](case) or "") in wanted for name, wanted in where.items() if wanted)
    )


def within(cases: Iterable[Case], since: datetime, until: datetime) -> tuple[Case, ...]:
    """The cases that began in a period."""
    return tuple(case for case in cases if since <= case.began < until)


def _case(
    key: str,
    asked: tuple[Asked, ...],
    ticket: Held | None,
    handed: tuple[Handed, ...],
    said: tuple[Said, ...],
    spoken: tuple[Spoken, ...],
    silence: timedelta,
) -> Case:
    real = [one for one in asked if _real(one)]
    first = real[0] if real else asked[0] if asked else None
    answers = tuple(one for one in real if one.outcome == Outcome.RESOLVE)
    escalated = [one.reason for one in real if one.outcome == Outcome.ESCALATE]
    with_people = bool(handed or spoken or escalated)
    alone = bool(answers) and not with_people
    began = asked[0].at if asked else ticket.began if ticket else None
    whose = ticket or first
    assert began is not None
    assert whose is not None
    done = alone if ticket is None else ticket.state in _DONE
    return Case(
        key=key,
        began=began,
        channel=whose.channel,
        tier=whose.tier,
        topic=whose.topic,
        intent=first.intent if first else None,
        customer_id=whose.customer_id,
        asked=asked,
        handed=handed,
        spoken=spoken,
        said=said,
        answers=answers,
        last_asked=max((one.at for one in asked), default=began),
        asks=bool(handed or real),
        involved=any(one.reason not in _SILENT for one in real),
        with_people=with_people,
        answered_alone=alone,
        asked_back=not with_people and bool(real) and real[-1].outcome == Outcome.CLARIFY,
        assumed=any(_quiet_after(one, real, handed, silence) for one in answers),
        again=_came_back(real, silence),
        escalated_for=next((one for one in escalated if one != Reason.WITH_A_PERSON), None),
        first_response=_first_response(began, real, spoken),
        resolution=_resolution(began, answers, spoken) if done else None,
    )


def _quiet_after(
    answer: Asked, real: Sequence[Asked], handed: Sequence[Handed], silence: timedelta
) -> bool:
    """The customer wrote no more for so long, and no person had it till then."""
    until = answer.at + silence
    if any(answer.at < one.at <= until for one in real):
        return False
    return not any(one.opened_at <= until for one in handed)


def _came_back(real: Sequence[Asked], silence: timedelta) -> bool:
    """To the same conversation, after the silence, within 7 days."""
    return any(
        before.outcome == Outcome.RESOLVE and silence < after.at - before.at <= AGAIN
        for before, after in pairwise(real)
    )


def _first_response(
    began: datetime, real: Sequence[Asked], spoken: Sequence[Spoken]
) -> timedelta | None:
    # A decision is dated by the message that it answers.
    responses = [
        one.at + timedelta(milliseconds=one.milliseconds or 0.0)
        for one in real
        if one.outcome in _RESPONSES
    ]
    responses += [one.at for one in spoken[:1]]
    return min(responses) - began if responses else None


def _resolution(
    began: datetime, answers: Sequence[Asked], spoken: Sequence[Spoken]
) -> timedelta | None:
    ends = [one.at for one in answers] + [one.at for one in spoken]
    return max(ends) - began if ends else None


def _by_ticket(rows: Iterable[_Row]) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.ticket_id].append(row)
    return found


def _with_those_again(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, each told whether its customer opened another one on the same topic soon."""
    begun: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for case in cases:
        if case.customer_id and case.topic:
            begun[case.customer_id, case.topic].append(case.began)
    made = []
    for case in cases:
        same = begun.get((case.customer_id or "", case.topic or ""), [])
        after = bisect_right(same, case.began)
        soon = after < len(same) and same[after] - case.last_asked <= AGAIN
        made.append(replace(case, again=True) if soon else case)
    return tuple(made)
