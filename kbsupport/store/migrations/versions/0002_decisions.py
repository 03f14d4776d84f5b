"""Decisions, and the tickets that wait for a person."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of what was decided."""
    op.create_table(
        "decision",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("generation_id", sa.Integer),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("question", sa.JSON, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("ix_decision_created_at", "decision", ["created_at"])
    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("customer_id", sa.String),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("question", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("decision_id", sa.String, nullable=False),
        sa.Column("brief", sa.JSON, nullable=False),
    )
    op.create_index("ix_ticket_created_at", "ticket", ["created_at"])
