"""What to do next, by rules that name the numbers they rest on; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kbsupport.evaluation.wording import percent
from kbsupport.figures.metrics import Metrics
from kbsupport.figures.people import FEW, Work
from kbsupport.figures.trends import Trend
from kbsupport.store.facts import Facts

# What helps, by the reason for which most cases went to people.
_CURES = {
    "below_threshold": "Write what is asked and not answered: kbsupport gaps",
    "no_passage": "Write what is asked and not answered: kbsupport gaps",
    "nothing_to_quote": "Give the articles found a text that answers in its own words",
    "uncertified": "Label more, so that more can be certified: kbsupport review",
    "several_questions": "Leave it so: people answer two questions at once better",
    "asks_for_person": "Read a few: did an answer come before that did not help?",
    "suspended": "Audit, so that the certificate can hold again: kbsupport review",
    "quality": "Mend the articles in which the quality check found something",
    "failed": "Mend what failed; see the errors by part, and: kbsupport doctor",
    "upstream": "Mend the system that does not answer: kbsupport doctor",
}
_OVER = 0.1


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do, and why; the urgent ones come first."""

    what: str
    why: str
    urgent: bool = False

    def to_dict(self) -> dict[str, object]:
        """One row of `next` in `report daily --json`."""
        return {"what": self.what, "why": self.why, "urgent": self.urgent}


def advise(week: Metrics, facts: Facts, trends: tuple[Trend, ...]) -> tuple[Advice, ...]:
    """The most pressing first."""
    made = [*_now(week, facts), *_to_learn(week, facts), *_worse(trends), *_people(week)]
    return tuple(sorted(made, key=lambda one: not one.urgent))


def _now(week: Metrics, facts: Facts) -> Iterator[Advice]:
    for alarm in facts.alarms:
        if alarm.ended_at is None:
            yield Advice(
                "Look at the alarm: kbsupport review", f"{alarm.kind}: {alarm.said}", urgent=True
            )
    if week.queue.overdue:
        old = week.queue.oldest
        since = f"; the oldest waits since {old.opened_at:%Y-%m-%d %H:%M} UTC" if old else ""
        yield Advice(
            "Answer what is overdue: kbsupport desk list",
            f"{_counted(week.queue.overdue, 'escalation is', 'escalations are')} past a "
            f"deadline{since}",
            urgent=True,
        )
    for name, error in facts.unheard.items():
        yield Advice(f"Mend the {name}", f"it could not be told: {error}", urgent=True)


def _to_learn(week: Metrics, facts: Facts) -> Iterator[Advice]:
    reasons = [(reason, n) for reason, n in week.reasons if reason in _CURES]
    total = sum(n for _, n in week.reasons)
    if reasons and reasons[0][1] > _OVER * total:
        reason, n = reasons[0]
        yield Advice(
            _CURES[reason],
            f"{n} of {total} cases that people got came for {reason} ({percent(n / total)})",
        )
    if facts.open_reviews:
        yield Advice(
            "Answer the review queue: kbsupport review",
            f"{_counted(facts.open_reviews, 'review is', 'reviews are')} open; each makes the "
            "audited rate surer or teaches the assistant",
        )
    audited, assumed = week.figures["audited_correct"], week.figures["assumed"]
    if audited.value is None and week.figures["answered"].numerator:
        yield Advice(
            "Turn random audits on",
            "answers were given and none was audited: nobody knows how many of them were right",
        )
    elif audited.interval and assumed.value and audited.interval[1] < assumed.value:
        yield Advice(
            "Do not report the assumed rate",
            f"it says {percent(assumed.value)}, and audits prove at most "
            f"{percent(audited.interval[1])}: silent customers are not all content",
        )


def _worse(trends: tuple[Trend, ...]) -> Iterator[Advice]:
    bad = {
        "answered": "down", "csat": "down", "first_in_time": "down", "solved_in_time": "down",
        "recontact_adjusted": "down", "audited_correct": "down", "escalated": "up",
        "first_response_people": "up", "resolution_people": "up",
    }  # fmt: skip
    for one in trends:
        if bad.get(one.key) == one.change:
            yield Advice(
                f"Find out why: {one.name}", f"{one.change} from {one.before} to {one.now}"
            )


def _people(week: Metrics) -> Iterator[Advice]:
    full = [one for one in week.people if one.capacity is not None and one.open > one.capacity]
    free = [one for one in week.people if one.capacity is not None and not one.open]
    if full and free:
        yield Advice(
            f"Give some of the work of {_names(full)} to others",
            f"they have more open than agreed, and {_names(free)} nothing",
        )
    topics = [one for one in week.groups if one.by == "topic" and one.cases >= FEW]
    for group in topics[:FEW]:
        escalated, overall = group.shares["escalated"], week.figures["escalated"].value
        if escalated.interval and overall is not None and escalated.interval[0] > overall:
            yield Advice(
                f"Look at the topic {group.name}",
                f"{percent(escalated.value)} of its {group.cases} cases went to people, "
                f"{percent(overall)} of all",
            )


def _names(people: Iterable[Work]) -> str:
    return ", ".join(one.id for one in people)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
