"""kbsupport desk: take over escalations, answer them, agree to answers, move the overdue on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table, read_stdin, tell
from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from kbsupport.model import Escalation

_WIDE = 50

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Work on what was handed over to people.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="An escalation, as `desk list` names it.")]
ApprovalId = Annotated[
    str, typer.Argument(metavar="ID", help="An approval, as `desk brief` names it.")
]
Text = Annotated[
    str | None, typer.Argument(metavar="[TEXT]", help="What to write; - reads it from stdin.")
]
By = Annotated[
    str,
    typer.Option(
        "--as", metavar="SPECIALIST", envvar="KBSUPPORT_SPECIALIST", help="Who you are on the rota."
    ),
]
Maybe = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="SPECIALIST", envvar="KBSUPPORT_SPECIALIST", help="Who you are on the rota."
    ),
]
Note = Annotated[str | None, typer.Option("--note", help="A word to colleagues.")]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Send it though the check says not to; that is kept.")
]
File = Annotated[Path | None, typer.Option("--file", help="Read the text from this file.")]


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="desk")


@group.command(
    "list",
    epilog="Examples:\n\nkbsupport desk list\n\nkbsupport desk list --mine --as maria --json",
)
def list_escalations(
    context: typer.Context,
    by: Maybe = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what --as has, or may take.")] = False,
) -> None:
    """List what waits for a person, the most pressing first, and what people are at."""
    if mine and not by:
        raise ConfigError("--mine needs to know who you are; add --as SPECIALIST")
    chosen = of(context)
    with chosen.open() as app:
        rows = app.desk.list(by if mine else None)
    if chosen.json:
        emit_json([row.to_dict() for row in rows])
        return
    table = [("id", "ticket", "state", "priority", "due", "tier", "topic", "who", "question")]
    for row in rows:
        one = row.escalation
        words = " ".join(row.ticket.question.split())
        short = words if len(words) <= _WIDE else words[: _WIDE - 1] + "…"
        who = one.owner or (f"({one.wanted})" if one.wanted else "")
        table.append((
            one.id, one.ticket_id, one.state.replace("_", " "), f"{one.priority:.2f}",
            _at(one.next_action_at), one.tier, one.topic or "", who, short,
        ))  # fmt: skip
    emit(plain_table(table) if len(table) > 1 else "nothing waits for a person")


@group.command(
    "claim",
    epilog="Examples:\n\nkbsupport desk claim E-1 --as maria\n\n"
    "KBSUPPORT_SPECIALIST=maria kbsupport desk claim E-1",
)
def claim(context: typer.Context, escalation_id: Id, by: By) -> None:
    """Take an escalation; of several who try at once, one gets it."""
    chosen = of(context)
    with chosen.open() as app:
        made = app.desk.claim(escalation_id, by)
    _told(context, made, f"{made.id} is yours; read it first: kbsupport desk brief {made.id}")


@group.command(
    "brief",
    epilog="Examples:\n\nkbsupport desk brief E-1\n\nkbsupport desk brief E-1 --json",
)
def brief(context: typer.Context, escalation_id: Id, by: Maybe = None) -> None:
    """Show all that is known of an escalation: question, history, customer, a reply to send."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.people.brief(escalation_id, by)
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit("\n".join(found.lines()))


@group.command(
    "draft",
    epilog='Examples:\n\nkbsupport desk draft E-1 "We are looking at it." --as maria\n\n'
    "kbsupport desk draft E-1 --file reply.txt --as maria",
)
def draft(
    context: typer.Context, escalation_id: Id, by: By, text: Text = None, file: File = None
) -> None:
    """Keep a reply that is not ready; the customer does not see it."""
    written = _written(text, file)
    chosen = of(context)
    with chosen.open() as app:
        made = app.desk.draft(escalation_id, by, written)
    _told(context, made, f"the draft of {made.id} is kept")


@group.command(
    "answer",
    epilog='Examples:\n\nkbsupport desk answer E-1 "The refund was sent." --as maria\n\n'
    "kbsupport desk answer E-1 --file reply.txt --as maria --key 7f3a",
)
def answer(
    context: typer.Context,
    escalation_id: Id,
    by: By,
    text: Text = None,
    file: File = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Your name for this call: twice does it once.")
    ] = None,
    anyway: Anyway = False,
) -> None:
    """Answer the customer, or ask for the yes that this answer needs.

    What holds somebody's data or a secret, leads elsewhere or says nothing is not sent, and says
    so; of a promise or a rude word you are warned.
    """
    written = _written(text, file)
    chosen = of(context)
    with chosen.open() as app:
        done, checked = app.people.answer(escalation_id, by, written, key, anyway=anyway)
    if checked.findings:
        tell(f"note: {checked.said}", quiet=chosen.quiet)
    if chosen.json:
        emit_json(done.to_dict() | {"checked": checked.to_dict()})
    elif done.approval_id:
        emit(f"{done.approval_id} waits for {done.approver or 'a yes'}: {done.why}")
    else:
        emit(f"{done.ticket_id} is answered")


@group.command(
    "approve",
    epilog="Examples:\n\nkbsupport desk approve A-1 --as lena\n\n"
    'kbsupport desk approve A-1 "The refund of 20 was sent." --as lena --note "no sum before"',
)
def approve(
    context: typer.Context,
    approval_id: ApprovalId,
    by: By,
    text: Text = None,
    file: File = None,
    note: Note = None,
    anyway: Anyway = False,
) -> None:
    """Agree to an answer and send it; with a text, that is sent instead."""
    written = None if text is None and file is None else _written(text, file)
    chosen = of(context)
    with chosen.open() as app:
        if written is not None:
            app.people.inspector.pass_edit(approval_id, written, anyway=anyway)
            note = f"{note or ''} (sent whatever the check said)".strip() if anyway else note
        made = app.desk.approve(approval_id, by, written, note)
    if chosen.json:
        emit_json(made.to_dict())
    else:
        emit(f"{made.id} is approved; {made.ticket_id} is answered")


@group.command(
    "reject",
    epilog='Examples:\n\nkbsupport desk reject A-1 --as lena --note "past the 30 days"',
)
def reject(
    context: typer.Context,
    approval_id: ApprovalId,
    by: By,
    note: Annotated[str, typer.Option("--note", help="Why not, for whoever wrote it.")],
) -> None:
    """Refuse an answer; whoever wrote it has it again, with your note."""
    chosen = of(context)
    with chosen.open() as app:
        made = app.desk.reject(approval_id, by, note)
    if chosen.json:
        emit_json(made.to_dict())
    else:
        emit(f"{made.id} is rejected; {made.asked_by} has {made.escalation_id} again")


@group.command(
    "hand-back",
    epilog='Examples:\n\nkbsupport desk hand-back E-1 --as maria --note "it is in the article"',
)
def hand_back(context: typer.Context, escalation_id: Id, by: By, note: Note = None) -> None:
    """Give the conversation back to the assistant, which speaks again from here on."""
    chosen = of(context)
    with chosen.open() as app:
        made = app.desk.hand_back(escalation_id, by, note or "")
    _told(context, made, f"{made.ticket_id} is with the assistant again")


@group.command("release", epilog="Examples:\n\nkbsupport desk release E-1 --as maria")
def release(context: typer.Context, escalation_id: Id, by: By) -> None:
    """Put an escalation back into the queue, for colleagues."""
    chosen = of(context)
    with chosen.open() as app:
        made = app.desk.release(escalation_id, by)
    _told(context, made, f"{made.id} waits in the queue again")


@group.command("sweep", epilog="Examples:\n\nkbsupport desk sweep\n\nkbsupport desk sweep --json")
def sweep(context: typer.Context) -> None:
    """Move the overdue on: remind, reassign, next level, lead; each once. Run it every minute."""
    chosen = of(context)
    with chosen.open() as app:
        swept, unheard = app.people.sweep(), app.people.unheard()
    if chosen.json:
        emit_json(swept.to_dict())
    else:
        emit("\n".join(swept.lines()))
    for said in unheard:
        tell(f"note: {said}; it is tried again with a later sweep", quiet=chosen.quiet)


@group.command("stats", epilog="Examples:\n\nkbsupport desk stats\n\nkbsupport desk stats --json")
def stats(context: typer.Context) -> None:
    """Show what waits, how old it is, and what was answered in time, by whom and on what."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.desk.stats()
    if chosen.json:
        emit_json(found.to_dict())
        return
    old = found.oldest
    oldest = f"; the oldest, {old.id}, since {_at(old.opened_at)}" if old else ""
    emit(
        f"{found.waiting} waiting{oldest}\n"
        f"{found.assigned} assigned, {found.waiting_for_approval} waiting for approval, "
        f"{found.overdue} overdue\n"
        f"{found.total.answered} answered: {found.total.first_in_time} before the first deadline, "
        f"{found.total.in_time} before the last; {found.handed_back} handed back"
    )
    for title, rows in (("specialist", found.specialists), ("topic", found.topics)):
        if rows:
            table = [(title, "open", "answered", "in time")]
            table += [(n, str(t.open), str(t.answered), str(t.in_time)) for n, t in rows.items()]
            emit("\n" + plain_table(table))


def _told(context: typer.Context, made: Escalation, words: str) -> None:
    if of(context).json:
        emit_json(made.to_dict())
    else:
        emit(words)


def _written(text: str | None, file: Path | None) -> str:
    if (text is None) == (file is None):
        raise ConfigError("write the text after the id, or name a file with --file; one of them")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} cannot be read as UTF-8 text: {error}") from error
    return read_stdin().decode("utf-8", "replace") if text == "-" else str(text)


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
