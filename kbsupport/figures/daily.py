"""The report of a day: what came, what became of it, against last week, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.figures.advice import Advice, advise
from kbsupport.figures.cases import cases_of
from kbsupport.figures.definitions import AGAIN, SILENCE
from kbsupport.figures.metrics import Metrics, measure
from kbsupport.figures.trends import Trend, trends
from kbsupport.model import Alarm, Specialist
from kbsupport.store.facts import Facts, read_facts
from kbsupport.store.gaps import ClosedGap

if TYPE_CHECKING:
    from kbsupport.store.database import Database

_DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Daily:
    """One day, the seven days that end with it, and the seven before."""

    day: date
    today: Metrics
    week: Metrics
    before: Metrics
    both: Metrics
    trends: tuple[Trend, ...]
    advice: tuple[Advice, ...]
    alarms: tuple[Alarm, ...]
    gaps: tuple[ClosedGap, ...]
    open_reviews: int
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """`report daily --json`."""
        return {
            "day": self.day.isoformat(), "remark": self.remark,
            "today": self.today.to_dict(), "week": self.week.to_dict(),
            "week_before": self.before.to_dict(),
            "trends": [one.to_dict() for one in self.trends],
            "next": [one.to_dict() for one in self.advice],
            "alarms": [one.to_dict() for one in self.alarms],
            "gaps_closed": [
                {"at": one.at.isoformat(), "article_id": one.article_id,
                 "cluster": dict(one.cluster), "before": dict(one.before),
                 "after": dict(one.after)}
                for one in self.gaps
            ],
            "open_reviews": self.open_reviews,
        }  # fmt: skip


def daily_of(
    database: Database,
    day: date,
    now: datetime,
    *,
    rota: Sequence[Specialist] = (),
    silence: timedelta = SILENCE,
    remark: str = "",
) -> Daily:
    """The report of one day (UTC), as known at a moment; `remark` stands below its title."""
    with database.read() as connection:
        facts = read_facts(connection, _begin(day) + _DAY - 2 * WEEK - AGAIN, now)
    return compose(facts, day, rota=rota, silence=silence, remark=remark)


def compose(
    facts: Facts,
    day: date,
    *,
    rota: Sequence[Specialist] = (),
    silence: timedelta = SILENCE,
    remark: str = "",
) -> Daily:
    """The same from facts; pure."""
    cases = cases_of(facts, silence)
    end = _begin(day) + _DAY

    def period(since: datetime, until: datetime) -> Metrics:
        return measure(facts, cases, since, until, rota=rota, silence=silence)

    week, before = period(end - WEEK, end), period(end - 2 * WEEK, end - WEEK)
    changed = trends(week, before)
    return Daily(
        day=day,
        today=period(end - _DAY, end),
        week=week,
        before=before,
        both=period(end - 2 * WEEK, end),
        trends=changed,
        advice=advise(week, facts, changed),
        alarms=facts.alarms,
        gaps=facts.gaps,
        open_reviews=facts.open_reviews,
        remark=remark,
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
