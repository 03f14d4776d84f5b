"""Rows of what people say about answers: feedback, reviews, opinions, alarms, closed gaps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from kbsupport.store.dialects import Number


class FeedbackRow(SQLModel, table=True):
    """What a customer said about a ticket or about one article; nobody is asked twice."""

    __tablename__ = "feedback"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    ticket_id: int = Field(foreign_key="ticket.id", index=True, sa_type=Number)
    at: datetime
    rating: int | None = None
    helpful: bool | None = None
    article_id: str | None = None
    comment: str | None = None
    by: str | None = None


class ReviewRow(SQLModel, table=True):
    """A question that people should look at again: a random audit, or a label to confirm.

    `drawn_with` is the share of answers that were audited when this one was drawn.
    """

    __tablename__ = "review"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    kind: str
    decision_id: str
    ticket_id: int | None = Field(default=None, sa_type=Number)
    asked_at: datetime
    why: str
    worth: float
    proposed: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: str
    resolved_at: datetime | None = None
    drawn_with: float | None = None
    certificate: str | None = None
    tier: str | None = None
    topic: str | None = None
    __table_args__ = (
        Index("ix_review_decision_kind", "decision_id", "kind", unique=True),
        Index("ix_review_state_worth", "state", "worth"),
    )


class OpinionRow(SQLModel, table=True):
    """What one person says about a review; `right` tells of an audit whether the answer was."""

    __tablename__ = "opinion"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    review_id: int = Field(foreign_key="review.id", sa_type=Number)
    by: str
    at: datetime
    expected: str
    accept_ids: list[str] = Field(sa_column=Column(JSON, nullable=False))
    right: bool | None = None
    note: str | None = None
    __table_args__ = (Index("ix_opinion_review_by", "review_id", "by", unique=True),)


class AlarmRow(SQLModel, table=True):
    """Something that no longer holds; `said` is what a person reads."""

    __tablename__ = "alarm"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    at: datetime
    kind: str
    certificate: str | None = None
    said: str
    body: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    ended_at: datetime | None = None


class GapRow(SQLModel, table=True):
    """A gap that an article closed, and what it bought."""

    __tablename__ = "gap_closed"
    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    at: datetime
    article_id: str = Field(index=True)
    cluster: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    before: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    after: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
