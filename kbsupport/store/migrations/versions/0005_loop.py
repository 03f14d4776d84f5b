"""What people say about answers: feedback, reviews, opinions, alarms, closed gaps."""

import sqlalchemy as sa
from alembic import op

from kbsupport.store.dialects import Number

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _said()
    op.create_table(
        "alarm",
        sa.Column("id", Number, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("certificate", sa.String),
        sa.Column("said", sa.String, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "gap_closed",
        sa.Column("id", Number, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("article_id", sa.String, nullable=False, index=True),
        sa.Column("cluster", sa.JSON, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
    )


def _said() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", Number, primary_key=True),
        sa.Column("ticket_id", Number, sa.ForeignKey("ticket.id"), nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rating", sa.Integer),
        sa.Column("helpful", sa.Boolean),
        sa.Column("article_id", sa.String),
        sa.Column("comment", sa.String),
        sa.Column("by", sa.String),
    )
    op.create_table(
        "review",
        sa.Column("id", Number, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("decision_id", sa.String, nullable=False),
        sa.Column("ticket_id", Number),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("worth", sa.Float, nullable=False),
        sa.Column("proposed", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("drawn_with", sa.Float),
        sa.Column("certificate", sa.String),
        sa.Column("tier", sa.String),
        sa.Column("topic", sa.String),
    )
    op.create_index("ix_review_decision_kind", "review", ["decision_id", "kind"], unique=True)
    op.create_index("ix_review_state_worth", "review", ["state", "worth"])
    op.create_table(
        "opinion",
        sa.Column("id", Number, primary_key=True),
        sa.Column("review_id", Number, sa.ForeignKey("review.id"), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected", sa.String, nullable=False),
        sa.Column("accept_ids", sa.JSON, nullable=False),
        sa.Column("right", sa.Boolean),
        sa.Column("note", sa.String),
    )
    op.create_index("ix_opinion_review_by", "opinion", ["review_id", "by"], unique=True)
