"""kbsupport ticket: list, show, reply, close, reopen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, plain_table
from kbsupport.cli.sent import uploads

if TYPE_CHECKING:
    from kbsupport.model import Message, Ref, Ticket

_WIDE = 60
_Id = Annotated[str, typer.Argument(metavar="ID")]
_By = Annotated[
    str, typer.Option("--as", help="Who does this.", envvar="KBSUPPORT_SPECIALIST")
]  # fmt: skip

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at conversations and where they stand; write as the customer; close and reopen.",
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="ticket")


@group.command("list", epilog="Examples:\n\nkbsupport ticket list\n\nkbsupport ticket list --json")
def list_tickets(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Those answered and closed, too.")
    ] = False,
) -> None:
    """List the open tickets, the oldest first."""
    chosen = of(context)
    with chosen.open() as app:
        waiting = app.people.tickets(all_states=everything)
    if chosen.json:
        emit_json([ticket.to_dict() for ticket in waiting])
        return
    rows = [("id", "since", "state", "tier", "reason", "question")]
    for t in waiting:
        since = t.created_at.strftime("%Y-%m-%d %H:%M")
        words = " ".join(t.question.split())
        short = words if len(words) <= _WIDE else words[: _WIDE - 1] + "…"
        rows.append((t.id, since, str(t.state), t.tier, t.reason, short))
    emit(plain_table(rows) if len(rows) > 1 else "no ticket waits")


@group.command(
    "show", epilog="Examples:\n\nkbsupport ticket show T-1\n\nkbsupport ticket show T-1 --json"
)
def show_ticket(context: typer.Context, ticket_id: _Id) -> None:
    """Show a ticket with all that was said on it and what was found for it."""
    chosen = of(context)
    with chosen.open() as app:
        ticket, said = app.people.ticket(ticket_id), app.people.history(ticket_id)
        there = app.people.mirrored(ticket.id)
    if chosen.json:
        elsewhere = {"system": there.system, "id": there.id} if there else None
        messages = [message.to_dict() for message in said]
        emit_json(ticket.to_dict() | {"elsewhere": elsewhere, "messages": messages})
        return
    emit("\n".join((*_head(ticket, there), *(_turn(message) for message in said))))
    for passage in ticket.brief.get("passages", [])[:3]:
        where = " > ".join(filter(None, (passage["article_id"], passage["section"])))
        emit(f"\nFound: {where}\n{passage['text']}")


@group.command(
    "reply",
    epilog='Examples:\n\nkbsupport ticket reply T-1 "It still does not work."',
)
def reply(
    context: typer.Context,
    ticket_id: _Id,
    text: Annotated[str, typer.Argument(help="What the customer writes.")],
    key: Annotated[
        str | None, typer.Option(help="Your name for this message: sent twice, taken once.")
    ] = None,
    attach: Annotated[list[Path] | None, typer.Option(help="A file that comes with it.")] = None,
) -> None:
    """Go on with a ticket's conversation as its customer: the assistant or a person answers."""
    chosen = of(context)
    with chosen.open() as app:
        ticket = app.people.ticket(ticket_id)
        said = app.ask(
            text,
            customer=ticket.customer_id,
            tier=ticket.tier,
            conversation_id=ticket.conversation_id,
            channel="cli",
            key=key,
            uploads=uploads(attach or ()),
        )
    if chosen.json:
        emit_json(said.to_dict())
    else:
        emit(f"{said.text}\n\n[{said.verdict.outcome}: {said.verdict.reason}]")


@group.command("close", epilog="Examples:\n\nkbsupport ticket close T-1 --as lead")
def close(context: typer.Context, ticket_id: _Id, by: _By = "staff") -> None:
    """Close a ticket, and its escalation with it."""
    chosen = of(context)
    with chosen.open() as app:
        _say(app.desk.close(ticket_id, by), chosen)


@group.command("reopen", epilog="Examples:\n\nkbsupport ticket reopen T-1 --as lead")
def reopen(context: typer.Context, ticket_id: _Id, by: _By = "staff") -> None:
    """Put an answered or closed ticket back in the queue, for a person."""
    chosen = of(context)
    with chosen.open() as app:
        _say(app.desk.reopen(ticket_id, by), chosen)


def _say(ticket: Any, chosen: Globals) -> None:
    if chosen.json:
        emit_json(ticket.to_dict())
    else:
        emit(f"{ticket.id} is {str(ticket.state).replace('_', ' ')}")


def _head(ticket: Ticket, there: Ref | None) -> tuple[str, ...]:
    since = ticket.created_at.strftime("%Y-%m-%d %H:%M UTC")
    who = f"{ticket.customer_id or 'nobody named'} ({ticket.tier})"
    stands = str(ticket.state).replace("_", " ")
    has = f", {ticket.owner} has it" if ticket.owner else ""
    also = f" · {there.system} {there.id}" if there else ""
    rule = ticket.brief.get("rule", "")
    first = f"{ticket.id} · since {since} · {who} · {stands}{has}{also}"
    return (first, f"{ticket.reason}: {rule}", "")


def _turn(message: Message) -> str:
    when = message.created_at.strftime("%m-%d %H:%M")
    who = message.by or str(message.author)
    files = "".join(
        f"\n  [{one.name}, {one.kind}, {one.size} bytes]" for one in message.attachments
    )
    late = "" if message.delivery in {"none", "sent"} else f" [{message.delivery}]"
    return f"{when} {message.author} {who}{late}\n  {message.text}{files}\n".replace("\n  \n", "\n")
