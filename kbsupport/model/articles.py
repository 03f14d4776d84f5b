"""Help articles, their pieces, and what an index run did with them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Audience(StrEnum):
    """Who may read an article."""

    PUBLIC = "public"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of an article's text under one heading path; `start` is the heading's own line."""

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Article:
    """One help article, whatever its format, cleaned."""

    id: str
    title: str
    text: str
    sections: tuple[Section, ...] = ()
    seen_questions: tuple[str, ...] = ()
    topic: str | None = None
    tags: tuple[str, ...] = ()
    audience: Audience = Audience.PUBLIC
    tiers: tuple[str, ...] = ()
    language: str | None = None
    product: str | None = None
    url: str | None = None
    author: str | None = None
    updated: str | None = None
    published: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The article as `articles show --json` prints it."""
        shown = asdict(self)
        del shown["sections"]
        return shown

    def _repr_html_(self) -> str:
        body = html.escape(self.text).replace("\n", "<br>")
        return f"<h3>{html.escape(self.title)}</h3><p><code>{html.escape(self.id)}</code></p>{body}"


class ChunkKind(StrEnum):
    """A piece of the text, one seen question, the title alone; navigation is kept, not indexed."""

    PASSAGE = "passage"
    NAVIGATION = "navigation"
    QUESTION = "question"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an article as indexed; `words` is what the indexes read."""

    article_id: str
    kind: ChunkKind
    ordinal: int
    section: tuple[str, ...]
    start: int
    end: int
    words: str
    content_hash: str


class Readable(Protocol):
    """What says who may read an article, with its text or without."""

    @property
    def audience(self) -> Audience: ...
    @property
    def tiers(self) -> tuple[str, ...]: ...
    @property
    def language(self) -> str | None: ...
    @property
    def product(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles a question may see."""

    audience: Audience = Audience.PUBLIC
    tier: str | None = None
    language: str | None = None
    product: str | None = None

    def admits(self, article: Readable) -> bool:
        """True if this question may be shown what is published of the article."""
        return (
            (self.audience is Audience.INTERNAL or article.audience is Audience.PUBLIC)
            and (not article.tiers or self.tier in article.tiers)
            and (self.language is None or article.language in (None, self.language))
            and (self.product is None or article.product in (None, self.product))
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """An article that could not be read, and why."""

    path: str
    line: int | None
    reason: str
    article_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """One entry of `failed`."""
        return {"path": self.path, "line": self.line, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Renewed:
    """What stored labels say of a new generation; `certificate`: renewed, withdrawn or none.

    `labels` were decided again; those that never were before cannot flip. `id` is that of the
    certificate now in force.
    """

    labels: int
    flips: int
    became_wrong: int
    became_right: int
    certificate: str
    id: str | None

    def to_dict(self) -> dict[str, Any]:
        """The value of `replayed`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A labelled ticket that would get a wrong answer."""

    id: str
    article_id: str | None
    accept_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What labelled tickets said of a generation before it was published, or kept from it.

    `published` is true if this run made a new generation live.
    """

    labels: int
    resolved: int
    max_wrong: int
    published: bool
    wrong_ones: tuple[Mistake, ...]

    @property
    def holds(self) -> bool:
        """True if no more are wrong than may be."""
        return len(self.wrong_ones) <= self.max_wrong

    def to_dict(self) -> dict[str, Any]:
        """The value of `check`."""
        return {
            "labels": self.labels,
            "resolved": self.resolved,
            "wrong": len(self.wrong_ones),
            "max_wrong": self.max_wrong,
            "published": self.published,
            "wrong_ones": [
                {"id": one.id, "article_id": one.article_id, "accept_ids": list(one.accept_ids)}
                for one in self.wrong_ones
            ],
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """What an index run did."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    embedded: int
    failed: tuple[Failure, ...]
    generation: int | None
    seconds: float
    notices: tuple[str, ...] = ()
    replayed: Renewed | None = None
    check: Check | None = None

    def to_dict(self) -> dict[str, Any]:
        """`index --json`."""
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "removed": len(self.removed),
            "unchanged": self.unchanged,
            "embedded": self.embedded,
            "failed": [f.to_dict() for f in self.failed],
            "generation": self.generation,
            "seconds": self.seconds,
            "articles": {
                "added": list(self.added),
                "changed": list(self.changed),
                "removed": list(self.removed),
            },
            "notices": list(self.notices),
            "replayed": self.replayed.to_dict() if self.replayed else None,
            "check": self.check.to_dict() if self.check else None,
        }

    def _repr_html_(self) -> str:
        counts = {**self.to_dict(), "failed": len(self.failed)}
        names = ("added", "changed", "removed", "unchanged", "embedded", "failed")
        rows = "".join(f"<tr><th>{name}</th><td>{counts[name]}</td></tr>" for name in names)
        return f"<table>{rows}</table>"
