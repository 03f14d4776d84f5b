"""kbsupport ticket list and show."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table

_WIDE = 60

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at the questions that wait for a person.",
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="ticket")


@group.command("list", epilog="Examples:\n\nkbsupport ticket list\n\nkbsupport ticket list --json")
def list_tickets(context: typer.Context) -> None:
    """List the waiting tickets, the oldest first."""
    chosen = of(context)
    with chosen.open() as app:
        waiting = app.tickets()
    if chosen.json:
        emit_json([ticket.to_dict() for ticket in waiting])
        return
    rows = [("id", "since", "tier", "reason", "question")]
    for t in waiting:
        since = t.created_at.strftime("%Y-%m-%d %H:%M")
        words = " ".join(t.question.split())
        short = words if len(words) <= _WIDE else words[: _WIDE - 1] + "…"
        rows.append((t.id, since, t.tier, t.reason, short))
    emit(plain_table(rows) if len(rows) > 1 else "no ticket waits")


@group.command(
    "show", epilog="Examples:\n\nkbsupport ticket show T-1\n\nkbsupport ticket show T-1 --json"
)
def show_ticket(
    context: typer.Context, ticket_id: Annotated[str, typer.Argument(metavar="ID")]
) -> None:
    """Show a ticket with what was found for it."""
    chosen = of(context)
    with chosen.open() as app:
        ticket = app.ticket(ticket_id)
    if chosen.json:
        emit_json(ticket.to_dict())
        return
    since = ticket.created_at.strftime("%Y-%m-%d %H:%M UTC")
    who = f"{ticket.customer_id or 'nobody named'} ({ticket.tier})"
    emit(f"{ticket.id} · since {since} · {who} · {ticket.reason}: {ticket.brief['rule']}")
    emit(f"\n{ticket.question}\n\nFound:")
    for passage in ticket.brief["passages"][:3]:
        where = " > ".join(filter(None, (passage["article_id"], passage["section"])))
        emit(f"\n{where}\n{passage['text']}")
