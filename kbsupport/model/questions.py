"""What was asked, by whom, and what a search finds for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter

from kbsupport.model.articles import Article, Audience
from kbsupport.model.customers import Identity
from kbsupport.model.flat import Flat


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sends along."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """The messages as which a question is stored already, and the event that told of the last.

    `failures` is how often deciding it came to nothing before.
    """

    messages: tuple[int, ...]
    cause: int | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, by whom, and what it may see.

    `identity` is what the channel knows; None means named where there is a `customer_id`. `key` is
    the sender's own name for this message: sent twice, it is answered once.
    """

    text: str
    id: str | int | None = None
    customer_id: str | None = None
    tier: str | None = None
    language: str | None = None
    product: str | None = None
    audience: Audience = Audience.PUBLIC
    conversation_id: str | None = None
    identity: Identity | None = None
    channel: str = "cli"
    key: str | None = None
    uploads: tuple[Upload, ...] = ()
    kept: Kept | None = None
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def message_key(channel: str, sender: str | None, key: str | None) -> str | None:
    """The name under which a message is kept once: two senders may use the same key."""
    return None if key is None else f"{channel}/{sender or ''}/{key}"


@dataclass(frozen=True, slots=True)
class Passage(Flat):
    """A chunk of text found for a question, with its scores."""

    article_id: str
    section: str
    text: str
    start: int
    end: int
    term_score: float
    vector_score: float


@dataclass(frozen=True, slots=True)
class Channels(Flat):
    """What each way of looking says about one article: a score each, or a weight each."""

    vector_best: float = 0.0
    vector_mean: float = 0.0
    vector_about: float = 0.0
    terms: float = 0.0
    spelling: float = 0.0
    passage_terms: float = 0.0
    recall: float = 0.0
    seen_best: float = 0.0
    seen_mean: float = 0.0
    seen_likeness: float = 0.0

    def values(self) -> tuple[float, ...]:
        """The numbers in the order of the fields."""
        found: tuple[float, ...] = _VALUES(self)
        return found


CHANNELS: tuple[str, ...] = Channels.__slots__
_VALUES = attrgetter(*CHANNELS)


@dataclass(frozen=True, slots=True)
class Match:
    """An article found for a question: how it ranks, and by which evidence."""

    article_id: str
    version: int
    score: float
    channels: Channels
    topic: str | None = None

    @property
    def term_score(self) -> float:
        """How much of the question the article speaks of, 0…1."""
        return self.channels.terms

    @property
    def vector_score(self) -> float:
        """The cosine of its nearest chunk."""
        return self.channels.vector_best


@dataclass(frozen=True, slots=True)
class Unanswered(Flat):
    """How near the question is to those that history shows nobody could answer from articles."""

    recall: float = 0.0
    best: float = 0.0
    mean: float = 0.0
    likeness: float = 0.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The different words of a question: how many, how many the best article holds, and none."""

    words: int = 0
    held: int = 0
    unknown: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gives: articles in order, the best passages of the first ones, coverage."""

    generation: int | None
    matches: tuple[Match, ...] = ()
    titles: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    article: Article | None = None
    coverage: Coverage = Coverage()
    unanswered: Unanswered = Unanswered()
    notices: tuple[str, ...] = ()
