"""Rows: what lasts. They never leave a session; functions that read them return values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel


class ArticleVersionRow(SQLModel, table=True):
    """One version of one article; versions are added and never changed."""

    __tablename__ = "article_version"
    id: int | None = Field(default=None, primary_key=True)
    article_id: str = Field(index=True)
    content_hash: str
    title: str
    text: str
    details: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime
    __table_args__ = (Index("ix_version_article_hash", "article_id", "content_hash"),)


class SourceRow(SQLModel, table=True):
    """A file that was read without fault, so that it need not be read again while unchanged."""

    __tablename__ = "source"
    name: str = Field(primary_key=True)
    fingerprint: str
    reader: str
    versions: list[int] = Field(sa_column=Column(JSON, nullable=False))


class ChunkRow(SQLModel, table=True):
    """A piece of one article version, as one splitter cut it."""

    __tablename__ = "chunk"
    id: int | None = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="article_version.id")
    splitter: str
    kind: str
    ordinal: int
    section: list[str] = Field(sa_column=Column(JSON, nullable=False))
    start: int
    end: int
    words: str
    content_hash: str
    __table_args__ = (
        Index("ix_chunk_version_splitter", "version_id", "splitter"),
        Index("ix_chunk_content_hash", "content_hash"),
    )


class EmbeddingRow(SQLModel, table=True):
    """The float32 vector of one text, by one embedder; equal texts share it."""

    __tablename__ = "embedding"
    content_hash: str = Field(primary_key=True)
    embedder: str = Field(primary_key=True)
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class GenerationRow(SQLModel, table=True):
    """One immutable build of the index."""

    __tablename__ = "generation"
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
    embedder: str
    dimension: int
    splitter: str
    chunks: int = 0
    state: str
    manifest: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class MemberRow(SQLModel, table=True):
    """An article version that belongs to a generation, and the source it was read from."""

    __tablename__ = "member"
    generation_id: int = Field(primary_key=True, foreign_key="generation.id")
    version_id: int = Field(primary_key=True, foreign_key="article_version.id")
    source: str


class PointerRow(SQLModel, table=True):
    """Which generation is live: one row, flipped in one transaction."""

    __tablename__ = "pointer"
    name: str = Field(primary_key=True)
    generation_id: int = Field(foreign_key="generation.id")


class DecisionRow(SQLModel, table=True):
    """What was decided for one question, and everything it was decided from."""

    __tablename__ = "decision"
    id: str = Field(primary_key=True)
    created_at: datetime = Field(index=True)
    generation_id: int | None = None
    conversation_id: str | None = None
    outcome: str
    reason: str
    question: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    inputs: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    __table_args__ = (
        # Most questions belong to no conversation and pay nothing for this one.
        Index(
            "ix_decision_conversation",
            "conversation_id",
            "created_at",
            sqlite_where=text("conversation_id IS NOT NULL"),
        ),
    )


class TicketRow(SQLModel, table=True):
    """A question that waits for a person."""

    __tablename__ = "ticket"
    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = Field(index=True)
    state: str
    customer_id: str | None = None
    tier: str
    question: str
    reason: str
    decision_id: str
    brief: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class LabelRow(SQLModel, table=True):
    """A labelled ticket: history to learn from, or kept apart to find thresholds with."""

    __tablename__ = "label"
    id: int | None = Field(default=None, primary_key=True)
    learnt_at: datetime
    given_id: str
    text: str
    text_hash: str = Field(unique=True, index=True)
    content_hash: str = Field(index=True)
    expected: str
    accept_ids: list[str] = Field(sa_column=Column(JSON, nullable=False))
    details: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    role: str
    source: str
    last: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    __table_args__ = (Index("ix_label_role_learnt", "role", "learnt_at"),)


class ArtefactRow(SQLModel, table=True):
    """A judge, policy or certificate that decided something once, by its hash."""

    __tablename__ = "artefact"
    hash: str = Field(primary_key=True)
    kind: str
    created_at: datetime
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
