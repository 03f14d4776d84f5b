"""Rows of the doors: keys, requests done once, messages that wait to be decided, webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from kbsupport.store.dialects import Number


class ApiKeyRow(SQLModel, table=True):
    """A key of the doors; of its secret only a keyed hash is kept."""

    __tablename__ = "api_key"
    id: str = Field(primary_key=True)
    name: str
    role: str
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    hash: str
    created_at: datetime
    customer_id: str | None = Field(default=None, index=True)
    specialist_id: str | None = None
    visitors: bool = False
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class EntryRow(SQLModel, table=True):
    """A pass that opens one socket once, by the hash of its secret."""

    __tablename__ = "entry"
    hash: str = Field(primary_key=True)
    caller: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    conversation_id: str | None = None
    expires_at: datetime = Field(index=True)


class RequestRow(SQLModel, table=True):
    """A request that came with a key of its own: in flight, or with what was answered."""

    __tablename__ = "request"
    key: str = Field(primary_key=True)
    asked: str
    begun_at: datetime = Field(index=True)
    customer_id: str | None = None
    status: int | None = None
    body: str | None = None


class WaitingRow(SQLModel, table=True):
    """A conversation with messages that nothing was decided for yet."""

    __tablename__ = "waiting"
    conversation_id: str = Field(primary_key=True, foreign_key="conversation.id")
    since: datetime
    ready_at: datetime
    leased_until: datetime | None = None
    attempts: int = 0
    cause: int | None = Field(default=None, sa_type=Number)
    given: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    __table_args__ = (Index("ix_waiting_ready", "ready_at"),)


class EndpointRow(SQLModel, table=True):
    """Somebody else's address that is told what happens here."""

    __tablename__ = "endpoint"
    id: str = Field(primary_key=True)
    url: str
    secrets: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    types: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime
    after: int = Field(default=0, sa_type=Number)
    failing_since: datetime | None = None
    not_before: datetime | None = None
    disabled_at: datetime | None = None
    why_disabled: str | None = None


class DispatchRow(SQLModel, table=True):
    """One event on its way to one endpoint."""

    __tablename__ = "dispatch"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    endpoint_id: str = Field(foreign_key="endpoint.id")
    event_id: int = Field(sa_type=Number)
    state: str
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_status: int | None = None
    error: str | None = None
    done_at: datetime | None = None
    __table_args__ = (
        Index("ix_dispatch_endpoint_event", "endpoint_id", "event_id", unique=True),
        Index(
            "ix_dispatch_waiting",
            "endpoint_id",
            "next_attempt_at",
            sqlite_where=sql("state = 'waiting'"),
            postgresql_where=sql("state = 'waiting'"),
        ),
    )


class BellRow(SQLModel, table=True):
    """An address of ours at which another help desk rings; of its secret a keyed hash is kept."""

    __tablename__ = "bell"
    id: str = Field(primary_key=True)
    system: str
    hash: str
    signed: bool = False
    created_at: datetime
    ended_at: datetime | None = None


class RingRow(SQLModel, table=True):
    """A ticket of another help desk that has to be read there."""

    __tablename__ = "ring"
    system: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    rung_at: datetime
    next_attempt_at: datetime = Field(index=True)
    attempts: int = 0
    error: str | None = None
