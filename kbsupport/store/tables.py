"""Rows: what lasts. They never leave a session; functions that read them return values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from kbsupport.store.dialects import Number


class ArticleVersionRow(SQLModel, table=True):
    """One version of one article; versions are added and never changed."""

    __tablename__ = "article_version"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
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
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    version_id: int = Field(foreign_key="article_version.id", sa_type=Number)
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
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
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
    generation_id: int = Field(primary_key=True, foreign_key="generation.id", sa_type=Number)
    version_id: int = Field(primary_key=True, foreign_key="article_version.id", sa_type=Number)
    source: str


class PointerRow(SQLModel, table=True):
    """Which generation is live: one row, flipped in one transaction."""

    __tablename__ = "pointer"
    name: str = Field(primary_key=True)
    generation_id: int = Field(foreign_key="generation.id", sa_type=Number)


class DecisionRow(SQLModel, table=True):
    """What was decided for one question, and everything it was decided from."""

    __tablename__ = "decision"
    id: str = Field(primary_key=True)
    created_at: datetime = Field(index=True)
    generation_id: int | None = Field(default=None, sa_type=Number)
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
            sqlite_where=sql("conversation_id IS NOT NULL"),
            postgresql_where=sql("conversation_id IS NOT NULL"),
        ),
    )


class TicketRow(SQLModel, table=True):
    """A conversation's question as a unit of work."""

    __tablename__ = "ticket"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    created_at: datetime = Field(index=True)
    state: str
    customer_id: str | None = Field(default=None, index=True)
    tier: str
    question: str
    reason: str
    decision_id: str
    brief: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    conversation_id: str | None = Field(default=None, unique=True, index=True)
    topic: str | None = None
    language: str | None = None
    owner: str | None = None
    next_action_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 1
    __table_args__ = (Index("ix_ticket_state_next", "state", "next_action_at"),)


class ConversationRow(SQLModel, table=True):
    """A thread on a channel; `seq` is that of its last message."""

    __tablename__ = "conversation"
    id: str = Field(primary_key=True)
    channel: str
    customer_id: str | None = Field(default=None, index=True)
    identity: str
    created_at: datetime
    seq: int = 0


class MessageRow(SQLModel, table=True):
    """One turn, in or out; `key` is the sender's own name for it."""

    __tablename__ = "message"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    conversation_id: str = Field(foreign_key="conversation.id")
    seq: int
    author: str
    by: str | None = None
    text: str
    created_at: datetime
    decision_id: str | None = None
    key: str | None = Field(default=None, unique=True)
    delivery: str
    attempts: int = 0
    next_attempt_at: datetime | None = None
    attachments: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    __table_args__ = (
        Index("ix_message_conversation_seq", "conversation_id", "seq", unique=True),
        Index(
            "ix_message_pending",
            "next_attempt_at",
            sqlite_where=sql("delivery = 'pending'"),
            postgresql_where=sql("delivery = 'pending'"),
        ),
    )


class EscalationRow(SQLModel, table=True):
    """A ticket that was handed over to people."""

    __tablename__ = "escalation"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    ticket_id: int = Field(foreign_key="ticket.id", index=True, sa_type=Number)
    state: str
    opened_at: datetime
    topic: str | None = None
    tier: str
    level: str
    language: str | None = None
    urgent: bool
    priority: float
    why_priority: str
    first_due: datetime
    due: datetime
    next_action_at: datetime
    owner: str | None = None
    wanted: str | None = None
    step: int = 0
    claimed_at: datetime | None = None
    answered_at: datetime | None = None
    draft: str | None = None
    version: int = 1
    __table_args__ = (
        Index("ix_escalation_state_next", "state", "next_action_at"),
        Index("ix_escalation_owner_state", "owner", "state"),
    )


class ApprovalRow(SQLModel, table=True):
    """An answer that waits for somebody else's yes."""

    __tablename__ = "approval"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    escalation_id: int = Field(foreign_key="escalation.id", index=True, sa_type=Number)
    ticket_id: int = Field(foreign_key="ticket.id", sa_type=Number)
    why: str
    text: str
    asked_by: str
    asked_at: datetime
    state: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None


class EventRow(SQLModel, table=True):
    """Something that happened: ids, never texts."""

    __tablename__ = "event"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    type: str
    at: datetime
    ticket_id: int | None = Field(default=None, index=True, sa_type=Number)
    cause: int | None = Field(default=None, sa_type=Number)
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class SubscriberRow(SQLModel, table=True):
    """How far a subscriber has read the events."""

    __tablename__ = "subscriber"
    name: str = Field(primary_key=True)
    last_event_id: int = Field(default=0, sa_type=Number)
    attempts: int = 0
    next_attempt_at: datetime | None = None
    error: str | None = None


class AuditRow(SQLModel, table=True):
    """Who did what, chained by hashes; triggers refuse every change of a row."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    at: str
    actor: str
    action: str
    subject: str
    body: str
    hash: str


class KeyRow(SQLModel, table=True):
    """What came of a write that has a key, so that calling twice does it once."""

    __tablename__ = "idempotency"
    key: str = Field(primary_key=True)
    asked: str
    at: datetime
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class CustomerRow(SQLModel, table=True):
    """A customer as imported."""

    __tablename__ = "customer"
    id: str = Field(primary_key=True)
    tier: str
    imported_at: datetime
    details: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class LabelRow(SQLModel, table=True):
    """A labelled ticket: history to learn from, or kept apart to find thresholds with."""

    __tablename__ = "label"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
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
