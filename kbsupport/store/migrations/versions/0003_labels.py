"""Labels, artefacts, and decisions that can be made again."""

import sqlalchemy as sa
from alembic import op

from kbsupport.store.dialects import Number

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of what was learnt, and keep what each decision was made from."""
    op.add_column("decision", sa.Column("conversation_id", sa.String))
    op.add_column("decision", sa.Column("inputs", sa.JSON))
    op.create_index(
        "ix_decision_conversation",
        "decision",
        ["conversation_id", "created_at"],
        sqlite_where=sa.text("conversation_id IS NOT NULL"),
        postgresql_where=sa.text("conversation_id IS NOT NULL"),
    )
    op.create_table(
        "label",
        sa.Column("id", Number, primary_key=True),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_id", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("text_hash", sa.String, nullable=False),
        sa.Column("content_hash", sa.String, nullable=False),
        sa.Column("expected", sa.String, nullable=False),
        sa.Column("accept_ids", sa.JSON, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("last", sa.JSON),
    )
    op.create_index("ix_label_text_hash", "label", ["text_hash"], unique=True)
    op.create_index("ix_label_content_hash", "label", ["content_hash"])
    op.create_index("ix_label_role_learnt", "label", ["role", "learnt_at"])
    op.create_table(
        "artefact",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
