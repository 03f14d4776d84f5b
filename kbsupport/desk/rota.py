"""The rota: who may take what, when, how soon it is due, and whose yes an answer needs; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from pathlib import Path

from kbsupport.desk.hours import Hours, add_working, is_open, opens_next
from kbsupport.model import Level, Specialist

ANY = "*"
STRATEGIES = ("least_loaded", "round_robin")
DEFAULT_TIER = "default"
_LEVELS = list(Level)
_WALKED = 20


@dataclass(frozen=True, slots=True)
class Due:
    """How much working time of which hours a tier's first word and its answer may take."""

    first: timedelta
    solved: timedelta
    hours: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What escalations of these topics, tiers and languages need; nothing listed means any."""

    topics: frozenset[str]
    tiers: frozenset[str]
    languages: frozenset[str]
    level: Level | None = None
    to: str | None = None

    def holds(self, need: Need) -> bool:
        """Say whether it speaks of such an escalation."""
        asked = (
            (self.topics, need.topic), (self.tiers, need.tier), (self.languages, need.language),
        )  # fmt: skip
        return all(not listed or said in listed for listed, said in asked)


@dataclass(frozen=True, slots=True)
class Review:
    """Which answers wait for a reviewer of one speciality."""

    speciality: str
    reasons: frozenset[str]
    topics: frozenset[str]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What an escalation asks of whoever takes it; `wanted` is the person it is meant for."""

    topic: str | None
    tier: str
    language: str | None = None
    level: Level = Level.FRONTLINE
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Who should take it, or nobody yet, and why."""

    specialist: Specialist | None
    why: str


@dataclass(frozen=True)
class Rota:
    """Everything that the file says, checked; the lead can take whatever nobody else can."""

    specialists: tuple[Specialist, ...]
    hours: Mapping[str, Hours]
    due: Mapping[str, Due]
    lead: Specialist
    usual: timedelta
    strategy: str = STRATEGIES[0]
    rules: tuple[Rule, ...] = ()
    reviews: tuple[Review, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, specialist_id: str | None) -> Specialist | None:
        """The specialist of this id."""
        return next((s for s in self.specialists if s.id == specialist_id), None)

    def due_for(self, tier: str) -> Due:
        """The deadlines of a tier; one that is not listed gets the default, else the shortest."""
        shortest = min(self.due.values(), key=lambda due: (due.first, due.solved))
        return self.due.get(tier, self.due.get(DEFAULT_TIER, shortest))

    def deadlines(self, tier: str, at: datetime) -> tuple[datetime, datetime]:
        """When a customer of this tier must have heard from a person, and have the answer."""
        due = self.due_for(tier)
        hours = self.hours[due.hours]
        return add_working(hours, at, due.first), add_working(hours, at, due.solved)

    def on_shift(self, specialist: Specialist, now: datetime) -> bool:
        """Say whether somebody is at work."""
        return not specialist.away and is_open(self.hours[specialist.hours], now)


def read_rota(path: Path, tiers: Sequence[str] = ()) -> Rota:
    """The rota of one file; with `tiers`, one that names another tier is refused."""
    from kbsupport.desk.reading_rota import parse_rota, read_text

    return parse_rota(read_text(path), str(path), tiers)


def default_rota() -> Rota:
    """The rota that everybody starts with: one lead, who takes everything."""
    from kbsupport.desk.reading_rota import SHIPPED, parse_rota, shipped_text

    return parse_rota(shipped_text(), SHIPPED)


def ruled(rota: Rota, need: Need) -> Need:
    """The need with the rules applied: the highest level they ask for, the first person they name.

    Whoever is named is insisted on up to their own level, which the need takes over: an escalation
    that is raised further is no longer meant for them alone. Applied twice it changes nothing.
    """
    rules = [rule for rule in rota.rules if rule.holds(need)]
    level = max([need.level, *(rule.level for rule in rules if rule.level)], key=_LEVELS.index)
    for named in (need.wanted, *(rule.to for rule in rules)):
        person = rota.find(named)
        if person is not None and not person.away and _reaches(person, level):
            return replace(need, level=person.level, wanted=person.id)
    return replace(need, level=level, wanted=None)


def choose(
    rota: Rota, need: Need, loads: Mapping[str, int], now: datetime, last: str | None = None
) -> Choice:
    """Who takes an escalation now; `last` is who was chosen before, for a round robin."""
    need = ruled(rota, need)
    pool, said = _pool(rota, need)
    ready = [s for s in pool if rota.on_shift(s, now) and loads.get(s.id, 0) < s.capacity]
    if not ready:
        return Choice(None, f"{said}; {_why_nobody(rota, pool, now)}")
    if rota.strategy == "round_robin":
        chosen = min(ready, key=lambda s: (last is not None and s.id <= last, s.id))
        return Choice(chosen, f"{said}; {chosen.id}'s turn")
    chosen = min(ready, key=lambda s: (loads.get(s.id, 0) / s.capacity, s.id))
    held = loads.get(chosen.id, 0)
    return Choice(chosen, f"{said}; {chosen.id} has the most room, {held} of {chosen.capacity}")


def expected_wait(
    rota: Rota, need: Need, ahead: int, loads: Mapping[str, int], now: datetime
) -> timedelta:
    """How long until somebody begins on it, if all who may take it work one ticket at a time.

    What they hold and what stands `ahead` is finished first, a ticket in the rota's usual time and
    within their working hours.
    """
    pool, _ = _pool(rota, ruled(rota, need))
    free = []
    for place, person in enumerate(pool):
        hours = rota.hours[person.hours]
        begins = opens_next(hours, add_working(hours, now, rota.usual * loads.get(person.id, 0)))
        free.append((begins, place, hours))
    heapify(free)
    for _ in range(min(max(0, ahead), _WALKED)):
        begins, place, hours = free[0]
        heapreplace(free, (opens_next(hours, add_working(hours, begins, rota.usual)), place, hours))
    wait = max(free[0][0] - now, timedelta(0))
    # A very long queue is not walked to its end: what is left takes as long as what was.
    return wait * max(1.0, ahead / _WALKED)


def review_for(rota: Rota, *, reason: str, topic: str | None, text: str) -> Review | None:
    """Whose yes an answer needs before the customer reads it; None if nobody's."""
    lower = text.casefold()
    for review in rota.reviews:
        said = any(word in lower for word in review.words)
        if reason in review.reasons or topic in review.topics or said:
            return review
    return None


def reviewers(rota: Rota, speciality: str, asked_by: str) -> tuple[Specialist, ...]:
    """Who may say yes: whoever has this speciality, and the lead, but never who asks."""
    return tuple(
        s
        for s in rota.specialists
        if s.id != asked_by and (speciality in s.approves or s == rota.lead)
    )


def _pool(rota: Rota, need: Need) -> tuple[list[Specialist], str]:
    """Whoever could take it at some time, and in words how they were found."""
    wanted = rota.find(need.wanted)
    if wanted is not None:
        return [wanted], f"meant for {wanted.id}"
    topic = need.topic or "no topic"
    able = [
        s
        for s in rota.specialists
        if s != rota.lead and not s.away and _reaches(s, need.level)
        and (ANY in s.topics or need.topic in s.topics)
    ]  # fmt: skip
    if need.level is Level.LEAD or not able:
        return [rota.lead], f"{topic} at {need.level} level is for the lead"
    fluent = [s for s in able if need.language is None or need.language in s.languages]
    said = f"{topic} at {need.level} level"
    if fluent:
        return fluent, said if need.language is None else f"{said} in {need.language}"
    return able, f"{said}, where nobody speaks {need.language}"


def _why_nobody(rota: Rota, pool: Sequence[Specialist], now: datetime) -> str:
    at_work = sorted(s.id for s in pool if rota.on_shift(s, now))
    off = sorted(s.id for s in pool if s.id not in at_work)
    said = [f"{', '.join(at_work)} full"] if at_work else []
    if off:
        opens = min(opens_next(rota.hours[s.hours], now) for s in pool if s.id in off)
        said.append(f"{', '.join(off)} off shift until {opens:%a %d %b %H:%M} UTC")
    return ", ".join(said)


def _reaches(specialist: Specialist, level: Level) -> bool:
    return _LEVELS.index(specialist.level) >= _LEVELS.index(level)
