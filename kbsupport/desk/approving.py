"""Who may: take an escalation, and give the yes that some answers need; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kbsupport.desk.rota import ANY, Need, Rota, review_for, reviewers, ruled
from kbsupport.errors import NotAllowed
from kbsupport.model import Approval, Escalation, Level, Specialist, Ticket

_LEVELS = list(Level)


@dataclass(frozen=True, slots=True)
class Yes:
    """The agreement that an answer waits for: why it does, and who may give it."""

    why: str
    by: tuple[str, ...]


def yes_needed(
    rota: Rota, ticket: Ticket, escalation: Escalation, text: str, asked_by: str
) -> Yes | None:
    """Whose agreement this answer needs before the customer reads it; None if nobody's."""
    review = review_for(rota, reason=ticket.reason, topic=escalation.topic, text=text)
    if review is None:
        return None
    may = tuple(one.id for one in reviewers(rota, review.speciality, asked_by))
    return Yes(f"an answer on {review.speciality} needs a second person", may)


def who_may_decide(
    rota: Rota, ticket: Ticket, escalation: Escalation, approval: Approval
) -> tuple[str, ...]:
    """Who may approve or reject what was asked for, by the rota as it is now."""
    needed = yes_needed(rota, ticket, escalation, approval.text, approval.asked_by)
    if needed is not None:
        return needed.by
    # The rule that asked for it is gone from the rota, and so is the speciality it named.
    return tuple({rota.lead.id} - {approval.asked_by})


def check_decider(
    rota: Rota, ticket: Ticket, escalation: Escalation, approval: Approval, by: str
) -> None:
    """Refuse a decision by whoever asked for it, and by whoever is no reviewer of such answers."""
    if by == approval.asked_by:
        raise NotAllowed(f"{approval.id} is your own answer; somebody else has to decide on it")
    may = who_may_decide(rota, ticket, escalation, approval)
    if by not in may:
        asked = ", ".join(may) or "a new reviewer, for the rota has none"
        raise NotAllowed(f"{by} may not decide on {approval.id} ({approval.why}); ask {asked}")


def why_not(one: Escalation, rota: Rota, by: str, now: datetime) -> str | None:
    """Why somebody may not take an escalation; None if they may. The lead may take any."""
    person = rota.find(by)
    if person is None:
        return f"{by} is not on the rota; add them to its file, or act as somebody who is"
    if person == rota.lead:
        return None
    named = ruled(rota, Need(one.topic, one.tier, one.language, one.level)).wanted
    overdue = one.step > 0 or one.first_due <= now
    topic = one.topic or "what has no topic"
    refusals = (
        (person.away, f"{by} is away; take that out of the rota first"),
        (
            named not in {None, by} and not overdue,
            f"it is for {named}, or the lead, until it is overdue",
        ),
        (named != by and not knows(person, one.topic), f"{topic} is not among {by}'s topics"),
        (not reaches(person, one.level), f"it needs the level {one.level}, {by} is {person.level}"),
    )
    return next((said for refused, said in refusals if refused), None)


def knows(specialist: Specialist, topic: str | None) -> bool:
    """Say whether somebody takes this topic."""
    return ANY in specialist.topics or topic in specialist.topics


def reaches(specialist: Specialist, level: Level) -> bool:
    """Say whether somebody is of this level or a higher one."""
    return _LEVELS.index(specialist.level) >= _LEVELS.index(level)
