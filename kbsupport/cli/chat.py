"""kbsupport chat."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, tell
from kbsupport.model import Identity, Outcome, Reply

if TYPE_CHECKING:
    from kbsupport.app import App

_EPILOG = """Examples:

kbsupport chat

kbsupport chat --customer C-1001

printf 'hello\\nwhere is my parcel?\\n' | kbsupport chat --json"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("chat", epilog=_EPILOG)(chat)


def chat(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Id of the customer who writes.")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="Go on with this conversation instead of a new one.")
    ] = None,
    verified: Annotated[
        bool, typer.Option("--verified", help="The channel has made sure of who writes.")
    ] = False,
) -> None:
    """Hold a conversation: one message a line, until the input ends or a line says /bye.

    While a person has the conversation the assistant is silent; what the person writes is shown
    before your next line.
    """
    chosen = of(context)
    name = conversation or f"v-{uuid4().hex}"
    with chosen.open() as app:
        tell(f"Conversation {name}. End with /bye or Ctrl-D.", quiet=chosen.quiet)
        for line in _lines(chosen):
            _show_waiting(app, name, chosen)
            if not line:
                continue
            reply = app.ask(
                line,
                customer=customer,
                conversation_id=name,
                identity=Identity.VERIFIED if verified else None,
                channel="chat",
            )
            _show(reply, chosen)
        _show_waiting(app, name, chosen)


def _lines(chosen: Globals) -> list[str] | _Prompt:
    if sys.stdin.isatty() and not chosen.json:
        return _Prompt()
    said = [line.strip() for line in sys.stdin]
    return said[: said.index("/bye")] if "/bye" in said else said


class _Prompt:
    """Lines as they are typed."""

    def __iter__(self) -> _Prompt:
        return self

    def __next__(self) -> str:
        try:
            line = input("you: ").strip()
        except EOFError:
            raise StopIteration from None
        if line == "/bye":
            raise StopIteration
        return line


def _show_waiting(app: App, conversation: str, chosen: Globals) -> None:
    """What a person wrote since."""
    for message in app.people.unread(conversation):
        if chosen.json:
            emit_json(message.to_dict())
        else:
            emit(f"{message.by}: {message.text}")
        app.people.note_read(message)


def _show(reply: Reply, chosen: Globals) -> None:
    if chosen.json:
        emit_json(reply.to_dict())
        return
    emit(f"kbsupport: {reply.text}")
    if reply.verdict.outcome is Outcome.RESOLVE and reply.answer is not None:
        cited = reply.answer.citations[0]
        emit(f"  Source: {cited.title} ({cited.url or cited.article_id})")
    for notice in reply.notices:
        tell(f"note: {notice}", quiet=chosen.quiet)
