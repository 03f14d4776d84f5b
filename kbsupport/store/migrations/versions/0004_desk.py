"""Customers, conversations, and the desk: messages, escalations, approvals, events, audit."""

import sqlalchemy as sa
from alembic import op

from kbsupport.store.dialects import POSTGRESQL, Number

revision = "0004"
down_revision = "0003"

_APPEND_ONLY = """
CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
# PostgreSQL triggers call a function, and there is a third way to take rows away.
_REFUSAL = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
"""
_REFUSED = """
CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
"""


# Tickets of before get a conversation that begins with their question, and are due at once: an
# open ticket without either would wait for ever.
_EARLIER_TICKETS = (
    """
INSERT INTO conversation (id, channel, customer_id, identity, created_at, seq)
SELECT 'v-ticket-' || id, 'cli', customer_id,
       CASE WHEN customer_id IS NULL THEN 'anonymous' ELSE 'named' END, created_at, 1 FROM ticket
""",
    """
INSERT INTO message (conversation_id, seq, author, text, created_at, decision_id, delivery,
                     attempts, attachments)
SELECT 'v-ticket-' || id, 1, 'customer', question, created_at, decision_id, 'none', 0, '[]'
FROM ticket
""",
    "UPDATE ticket SET conversation_id = 'v-ticket-' || id, next_action_at = created_at",
)

# A migration knows no rota: whoever waited is overdue, and the next sweep looks after them.
_EARLIER_ESCALATIONS = """
INSERT INTO escalation (ticket_id, state, opened_at, tier, level, urgent, priority, why_priority,
                        first_due, due, next_action_at, step, version)
SELECT id, 'queued', created_at, tier, 'frontline', FALSE, 1.0, 'it waited before there was a desk',
       created_at, created_at, created_at, 0, 1
FROM ticket WHERE state = 'queued'
"""


def upgrade() -> None:
    _tickets()
    _conversations()
    for statement in _EARLIER_TICKETS:
        op.execute(statement)
    _escalations()
    op.execute(_EARLIER_ESCALATIONS)
    _what_happened()
    op.create_table(
        "customer",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )


def _tickets() -> None:
    for name, kind in (
        ("conversation_id", sa.String),
        ("topic", sa.String),
        ("language", sa.String),
        ("owner", sa.String),
        ("next_action_at", sa.DateTime(timezone=True)),
        ("closed_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("ticket", sa.Column(name, kind))
    op.add_column("ticket", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
    op.create_index("ix_ticket_conversation_id", "ticket", ["conversation_id"], unique=True)
    op.create_index("ix_ticket_customer_id", "ticket", ["customer_id"])
    op.create_index("ix_ticket_state_next", "ticket", ["state", "next_action_at"])


def _conversations() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("customer_id", sa.String),
        sa.Column("identity", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
    )
    op.create_index("ix_conversation_customer_id", "conversation", ["customer_id"])
    op.create_table(
        "message",
        sa.Column("id", Number, primary_key=True),
        sa.Column("conversation_id", sa.String, sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("by", sa.String),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision_id", sa.String),
        sa.Column("key", sa.String, unique=True),
        sa.Column("delivery", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("attachments", sa.JSON, nullable=False),
    )
    op.create_index(
        "ix_message_conversation_seq", "message", ["conversation_id", "seq"], unique=True
    )
    op.create_index(
        "ix_message_pending",
        "message",
        ["next_attempt_at"],
        sqlite_where=sa.text("delivery = 'pending'"),
        postgresql_where=sa.text("delivery = 'pending'"),
    )


def _escalations() -> None:
    op.create_table(
        "escalation",
        sa.Column("id", Number, primary_key=True),
        sa.Column("ticket_id", Number, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("topic", sa.String),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("language", sa.String),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("why_priority", sa.String, nullable=False),
        sa.Column("first_due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_action_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("wanted", sa.String),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("draft", sa.String),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_escalation_ticket_id", "escalation", ["ticket_id"])
    op.create_index("ix_escalation_state_next", "escalation", ["state", "next_action_at"])
    op.create_index("ix_escalation_owner_state", "escalation", ["owner", "state"])
    op.create_table(
        "approval",
        sa.Column("id", Number, primary_key=True),
        sa.Column("escalation_id", Number, sa.ForeignKey("escalation.id"), nullable=False),
        sa.Column("ticket_id", Number, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("decided_by", sa.String),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("note", sa.String),
    )
    op.create_index("ix_approval_escalation_id", "approval", ["escalation_id"])


def _what_happened() -> None:
    op.create_table(
        "event",
        sa.Column("id", Number, primary_key=True),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticket_id", Number),
        sa.Column("cause", Number),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("ix_event_ticket_id", "event", ["ticket_id"])
    op.create_table(
        "subscriber",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("last_event_id", Number, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.String),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("asked", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", Number, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    _lock_audit()


def _lock_audit() -> None:
    if op.get_bind().dialect.name == POSTGRESQL:
        op.execute(_REFUSAL)
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            op.execute(_REFUSED.format(verb=verb))
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(_APPEND_ONLY.format(verb=verb))
