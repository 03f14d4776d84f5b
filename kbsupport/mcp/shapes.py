"""What the tools give back; the SDK makes schemas of these, and takes slots for defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A piece of an article, to the letter."""

    section: str
    text: str


@dataclass(frozen=True)
class Hit:
    """An article that was found; `uri` is where it can be read whole."""

    article_id: str
    uri: str
    title: str
    url: str | None
    score: float
    passages: list[Piece]


@dataclass(frozen=True)
class Hits:
    """Articles, best first; `notices` say what could not be looked at."""

    articles: list[Hit]
    notices: list[str]


@dataclass(frozen=True)
class Cited:
    """Where an answer stands, to the letter."""

    article_id: str
    uri: str
    title: str
    url: str | None
    section: str
    quote: str


@dataclass(frozen=True)
class Decided:
    """What was decided, what the customer would read, and from where it is quoted.

    `outcome` is resolve, clarify, reply or escalate; `certified` says that a bound on wrong
    answers was proven for such answers.
    """

    decision_id: str
    outcome: str
    reason: str
    reply: str
    probability: float
    certified: bool
    citations: list[Cited]
    notices: list[str]


@dataclass(frozen=True)
class Why:
    """A decision in plain words."""

    decision_id: str
    question: str
    outcome: str
    reason: str
    article_id: str | None
    probability: float
    certified: bool
    words: list[str]
    would_change: list[str]


@dataclass(frozen=True)
class Said:
    """One message of a ticket."""

    seq: int
    author: str
    text: str
    at: str


@dataclass(frozen=True)
class Internal:
    """What only staff read of a ticket."""

    customer_id: str | None
    tier: str
    topic: str | None
    reason: str
    decision_id: str
    owner: str | None


@dataclass(frozen=True)
class TicketShown:
    """Where a ticket stands, and the last of what was said; `left_out` counts what came before."""

    ticket_id: str
    state: str
    created_at: str
    closed_at: str | None
    question: str
    language: str | None
    messages: list[Said]
    left_out: int
    internal: Internal | None


@dataclass(frozen=True)
class Waiting:
    """One escalation; `position` is its place in the queue, null once somebody has it."""

    escalation_id: str
    ticket_id: str
    state: str
    position: int | None
    priority: float
    topic: str | None
    tier: str
    due: str
    owner: str | None
    reason: str
    question: str


@dataclass(frozen=True)
class Queue:
    """The most pressing escalations, and how many there are in all."""

    escalations: list[Waiting]
    total: int


@dataclass(frozen=True)
class Drafted:
    """A draft that was kept; nobody but colleagues sees it."""

    escalation_id: str
    ticket_id: str
    state: str
    draft: str
