"""All figures of one period, over all cases and over groups of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.desk.stats import Stats, tally
from kbsupport.figures.cases import BY, Case, cases_of, narrowed, within
from kbsupport.figures.definitions import SILENCE
from kbsupport.figures.funnel import funnel, outcomes, satisfaction
from kbsupport.figures.people import Work, work_of
from kbsupport.figures.rates import Figure, Spread, mean_interval, spread
from kbsupport.figures.times import in_time, times
from kbsupport.model import Delivery, Specialist
from kbsupport.store.facts import Facts, read_facts

if TYPE_CHECKING:
    from kbsupport.store.database import Database

NOT_KEPT = "not known"
_NUMBERS = re.compile(r"\d+")
_LONGEST = 140


@dataclass(frozen=True, slots=True)
class Mood:
    """How customers felt at the start and at the end, of cases with two messages or more."""

    n: int
    start: float | None
    end: float | None
    interval: tuple[float, float] | None  # of the change

    def to_dict(self) -> dict[str, Any]:
        """`sentiment` in `metrics --json`."""
        low, high = self.interval or (None, None)
        rounded = [None if x is None else round(x, 4) for x in (self.start, self.end, low, high)]
        return dict(
            zip(("start", "end", "change_low", "change_high"), rounded, strict=True), n=self.n
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong in one part, and how often."""

    part: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Day:
    """How many cases began on one day, and what became of them."""

    day: date
    alone: int
    asked_back: int
    people: int


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of one channel, tier, topic or intent."""

    by: str
    name: str
    cases: int
    shares: Mapping[str, Figure]
    wait: Spread


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of the cases that began in a period, as known at a moment."""

    since: datetime
    until: datetime
    now: datetime
    cases: int
    funnel: tuple[Figure, ...]
    outcomes: tuple[Figure, ...]
    satisfaction: tuple[Figure, ...]
    in_time: tuple[Figure, ...]
    times: tuple[Spread, ...]
    reasons: tuple[tuple[str, int], ...]
    mood: Mood
    people: tuple[Work, ...]
    groups: tuple[Group, ...]
    faults: tuple[Fault, ...]
    days: tuple[Day, ...]
    hours: tuple[int, ...]
    queue: Stats
    silence: timedelta = SILENCE
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def figures(self) -> Mapping[str, Figure]:
        """Every share by its key."""
        every = (*self.funnel, *self.outcomes, *self.satisfaction, *self.in_time)
        return {one.key: one for one in every}

    @property
    def spreads(self) -> Mapping[str, Spread]:
        """Every time by its key."""
        return {one.key: one for one in self.times}

    @property
    def skipped(self) -> int:
        """How many lengths of time were negative, and left out."""
        return sum(one.negative for one in self.times)

    def to_dict(self) -> dict[str, Any]:
        """`metrics --json`."""
        queue = self.queue.to_dict()
        return {
            "since": self.since.isoformat(), "until": self.until.isoformat(),
            "at": self.now.isoformat(), "silence_hours": self.silence.total_seconds() / 3600,
            "where": {name: list(wanted) for name, wanted in self.where.items()},
            "cases": self.cases,
            "funnel": [one.to_dict() for one in self.funnel],
            "outcomes": [one.to_dict() for one in self.outcomes],
            "escalations": [{"reason": r, "cases": n} for r, n in self.reasons],
            "times": [one.to_dict() for one in self.times],
            "sla": [one.to_dict() for one in self.in_time],
            "csat": [one.to_dict() for one in self.satisfaction],
            "sentiment": self.mood.to_dict(),
            "people": [one.to_dict() for one in self.people],
            "groups": [
                {"by": one.by, "name": one.name, "cases": one.cases,
                 **{key: figure.to_dict() for key, figure in one.shares.items()},
                 "first_response": one.wait.to_dict()}
                for one in self.groups
            ],
            "errors": [
                {"part": one.part, "what": one.what, "count": one.count} for one in self.faults
            ],
            "days": [
                {"day": one.day.isoformat(), "answered_alone": one.alone,
                 "asked_back": one.asked_back, "people": one.people}
                for one in self.days
            ],
            "queue": {key: queue[key] for key in _QUEUE},
        }  # fmt: skip


_QUEUE = ("waiting", "assigned", "waiting_for_approval", "overdue", "oldest")
_BY_GROUP = (
    "answered", "recontact_adjusted", "audited_correct", "escalated", "csat",
)  # fmt: skip


def metrics_of(
    database: Database,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    rota: Sequence[Specialist] = (),
    where: Mapping[str, Collection[str]] | None = None,
    silence: timedelta = SILENCE,
) -> Metrics:
    """The figures of one period, read from the database."""
    with database.read() as connection:
        facts = read_facts(connection, since, now)
    return measure(
        facts, cases_of(facts, silence), since, until, rota=rota, where=where, silence=silence
    )


def measure(
    facts: Facts,
    cases: Sequence[Case],
    since: datetime,
    until: datetime,
    *,
    rota: Sequence[Specialist] = (),
    where: Mapping[str, Collection[str]] | None = None,
    silence: timedelta = SILENCE,
) -> Metrics:
    """The figures of the cases that began in a period, judged by the same silence; pure."""
    wanted = {name: tuple(sorted(values)) for name, values in (where or {}).items() if values}
    ours = within(narrowed(cases, wanted), since, until)
    now = facts.now
    handed = [one for case in ours for one in case.handed]
    decided = [one for one in facts.decided if since <= one.at < until]
    seen = times(ours)
    return Metrics(
        since=since,
        until=until,
        now=now,
        cases=len(ours),
        funnel=funnel(ours, facts.audited, facts.proven, now, silence),
        outcomes=outcomes(ours, now, silence),
        satisfaction=satisfaction(ours),
        in_time=in_time(handed, now),
        times=seen,
        reasons=_reasons(ours),
        mood=_mood(ours),
        people=work_of(ours, facts.at_work, decided, rota, now),
        groups=tuple(
            _group(by, name, some, facts, silence)
            for by in BY
            for name, some in _split(ours, by).items()
        ),
        faults=_faults(ours, facts, sum(one.negative for one in seen)),
        days=_days(ours, since, until),
        hours=_hours(ours),
        queue=tally((), facts.waiting, facts.at_work, now),
        silence=silence,
        where=wanted,
    )


def _reasons(cases: Sequence[Case]) -> tuple[tuple[str, int], ...]:
    counted = Counter(reason for case in cases if (reason := case.escalated_for) is not None)
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0])))


def _mood(cases: Sequence[Case]) -> Mood:
    pairs = [
        (case.asked[0].sentiment, case.asked[-1].sentiment) for case in cases if len(case.asked) > 1
    ]
    if not pairs:
        return Mood(0, None, None, None)
    n = len(pairs)
    start, end = (sum(pair[side] for pair in pairs) / n for side in (0, 1))
    return Mood(n, start, end, mean_interval([after - before for before, after in pairs]))


def _split(cases: Sequence[Case], by: str) -> dict[str, list[Case]]:
    """Cases by name, the largest group first."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(BY[by](case) or NOT_KEPT, []).append(case)
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))


def _group(by: str, name: str, cases: Sequence[Case], facts: Facts, silence: timedelta) -> Group:
    every = (
        *funnel(cases, facts.audited, facts.proven, facts.now, silence),
        *outcomes(cases, facts.now, silence),
        *satisfaction(cases),
    )
    wait = spread("first_response", [one.first_response for one in cases if one.first_response])
    shares = {one.key: one for one in every if one.key in _BY_GROUP}
    return Group(by, name, len(cases), shares, wait)


def _faults(cases: Sequence[Case], facts: Facts, negative: int) -> tuple[Fault, ...]:
    """Errors by part: the same words with other numbers are the same error."""
    counted: Counter[tuple[str, str]] = Counter()
    for case in cases:
        for one in case.asked:
            if one.error is not None:
                counted["assistant", _same(one.error)] += 1
            counted.update(("notices", _same(text)) for text in one.notices)
        failed = sum(word.delivery == Delivery.FAILED for word in case.spoken)
        counted["messages", "could not be delivered"] += failed
    counted["clock", "lengths of time below nothing, left out"] += negative
    # A subscriber that fails now fails for everybody.
    counted.update((name, _same(error)) for name, error in facts.unheard.items())
    found = [Fault(part, what, count) for (part, what), count in counted.items() if count]
    return tuple(sorted(found, key=lambda one: (-one.count, one.part, one.what)))


def _same(text: str) -> str:
    return _NUMBERS.sub("#", " ".join(text.split()))[:_LONGEST]


def _days(cases: Sequence[Case], since: datetime, until: datetime) -> tuple[Day, ...]:
    """Every day of the period, in UTC, also those without a case."""
    found: dict[date, list[Case]] = {}
    for case in cases:
        found.setdefault(case.began.date(), []).append(case)
    count = max(1, (until - since + timedelta(days=1) - timedelta.resolution).days)
    return tuple(
        Day(
            day,
            sum(case.answered_alone for case in found.get(day, ())),
            sum(case.asked_back for case in found.get(day, ())),
            sum(case.with_people for case in found.get(day, ())),
        )
        for day in (since.date() + timedelta(days=n) for n in range(count))
    )


def _hours(cases: Sequence[Case]) -> tuple[int, ...]:
    counted = Counter(case.began.hour for case in cases)
    return tuple(counted[hour] for hour in range(24))
