"""What the doors keep: keys, requests done once, waiting conversations, webhooks."""

import sqlalchemy as sa
from alembic import op

from kbsupport.store.dialects import Number

revision = "0006"
down_revision = "0005"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _access()
    _waiting()
    _webhooks()
    _bells()


def _access() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("customer_id", sa.String, index=True),
        sa.Column("specialist_id", sa.String),
        sa.Column("visitors", sa.Boolean, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
        sa.Column("last_used_at", _MOMENT),
    )
    op.create_table(
        "entry",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("caller", sa.JSON, nullable=False),
        sa.Column("conversation_id", sa.String),
        sa.Column("expires_at", _MOMENT, nullable=False, index=True),
    )
    op.create_table(
        "request",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("asked", sa.String, nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False, index=True),
        sa.Column("customer_id", sa.String),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.String),
    )


def _waiting() -> None:
    op.create_table(
        "waiting",
        sa.Column("conversation_id", sa.String, sa.ForeignKey("conversation.id"), primary_key=True),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("ready_at", _MOMENT, nullable=False),
        sa.Column("leased_until", _MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("cause", Number),
        sa.Column("given", sa.JSON, nullable=False),
    )
    op.create_index("ix_waiting_ready", "waiting", ["ready_at"])


def _webhooks() -> None:
    op.create_table(
        "endpoint",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("secrets", sa.JSON, nullable=False),
        sa.Column("types", sa.JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("after", Number, nullable=False),
        sa.Column("failing_since", _MOMENT),
        sa.Column("not_before", _MOMENT),
        sa.Column("disabled_at", _MOMENT),
        sa.Column("why_disabled", sa.String),
    )
    op.create_table(
        "dispatch",
        sa.Column("id", Number, primary_key=True),
        sa.Column("endpoint_id", sa.String, sa.ForeignKey("endpoint.id"), nullable=False),
        sa.Column("event_id", Number, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", _MOMENT),
        sa.Column("last_status", sa.Integer),
        sa.Column("error", sa.String),
        sa.Column("done_at", _MOMENT),
    )
    op.create_index(
        "ix_dispatch_endpoint_event", "dispatch", ["endpoint_id", "event_id"], unique=True
    )
    op.create_index(
        "ix_dispatch_waiting", "dispatch", ["endpoint_id", "next_attempt_at"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip


def _bells() -> None:
    op.create_table(
        "bell",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("system", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("signed", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
    )
    op.create_table(
        "ring",
        sa.Column("system", sa.String, primary_key=True),
        sa.Column("number", sa.String, primary_key=True),
        sa.Column("rung_at", _MOMENT, nullable=False),
        sa.Column("next_attempt_at", _MOMENT, nullable=False, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.String),
    )
