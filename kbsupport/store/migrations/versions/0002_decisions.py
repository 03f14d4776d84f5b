"""Decisions, and the tickets that wait for a person."""

import sqlalchemy as sa
from alembic import op

from kbsupport.store.dialects import POSTGRESQL, Number

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of what was decided."""
    op.create_table(
        "decision",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation_id", Number),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("question", sa.JSON, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    if op.get_bind().dialect.name == POSTGRESQL:
        # SQLite numbers the rows of every table, and has this name for it.
        op.add_column("decision", sa.Column("rowid", Number, sa.Identity(), nullable=False))
    op.create_index("ix_decision_created_at", "decision", ["created_at"])
    op.create_table(
        "ticket",
        sa.Column("id", Number, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("customer_id", sa.String),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("question", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("decision_id", sa.String, nullable=False),
        sa.Column("brief", sa.JSON, nullable=False),
    )
    op.create_index("ix_ticket_created_at", "ticket", ["created_at"])
