"""How long customers waited, and what was in time; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from kbsupport.figures.cases import Case
from kbsupport.figures.rates import Figure, Spread, share, spread
from kbsupport.store.facts import Handed


def times(cases: Sequence[Case]) -> tuple[Spread, ...]:
    """Time to first response and to resolution, of all cases and of those that people had."""
    people = [case for case in cases if case.with_people]
    took = (one.milliseconds for case in cases for one in case.asked)
    return (
        spread("first_response", _known(case.first_response for case in cases)),
        spread("first_response_people", list(waits(people))),
        spread("resolution", _known(case.resolution for case in cases)),
        spread("resolution_people", _known(case.resolution for case in people)),
        spread("assistant_seconds", [one / 1000 for one in took if one is not None]),
    )


def waits(cases: Iterable[Case]) -> Iterator[timedelta]:
    """How long each handed-over case waited for a person's first message."""
    for case in cases:
        if case.handed and case.spoken:
            opened = case.handed[0].opened_at
            yield case.spoken[0].at - opened


def in_time(handed: Sequence[Handed], now: datetime) -> tuple[Figure, Figure]:
    """Which escalations kept the first deadline, and which the last."""
    first = [kept for one in handed if (kept := _kept(one, one.first_due, now)) is not None]
    last = [kept for one in handed if (kept := _kept(one, one.due, now)) is not None]
    return (
        share("first_in_time", sum(first), len(first)),
        share("solved_in_time", sum(last), len(last)),
    )


def _kept(one: Handed, due: datetime, now: datetime) -> bool | None:
    """None while it is neither answered nor due, and for what was called off."""
    if one.answered_at is not None:
        return one.answered_at <= due
    return False if due <= now and one.state not in {"closed", "handed_back"} else None


def _known(lengths: Iterable[timedelta | None]) -> list[timedelta]:
    return [one for one in lengths if one is not None]
