"""kbsupport events."""

from __future__ import annotations

import contextlib
import select
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, tell

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.model import Event

_EPILOG = """Examples:

kbsupport events --ticket T-1

kbsupport events --after 120 --json

kbsupport events --follow"""

_DEFAULT = 100
_BATCH = 500
_PAUSE = 0.25


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("events", epilog=_EPILOG)(show_events)


def show_events(
    context: typer.Context,
    after: Annotated[int, typer.Option(min=0, help="Only those after this number.")] = 0,
    ticket: Annotated[str | None, typer.Option(help="Only those of this ticket.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many: 100, or no limit with --follow.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what happens next, until Ctrl-C.")
    ] = False,
) -> None:
    """Show what happened, in order, each event with the one that caused it."""
    chosen = of(context)
    most = limit if limit or follow else _DEFAULT
    with chosen.open() as app:
        wanted = None if ticket is None else app.people.ticket(ticket).id
        found = _events(app, after, wanted, follow=follow)
        last = None
        for event in islice(found, most):
            last = event.id
            if chosen.json:
                emit_json(event.to_dict())
            else:
                emit(_line(event))
        if not follow and last is not None and next(found, None) is not None:
            tell(f"there are more: kbsupport events --after {last}", quiet=chosen.quiet)


def _events(app: App, after: int, ticket: str | None, *, follow: bool) -> Iterator[Event]:
    while True:
        batch = app.people.events(after, _BATCH)
        for event in batch:
            after = event.id
            if ticket is None or event.ticket_id == ticket:
                yield event
        if not batch:
            if not follow or _nobody_reads():
                return
            time.sleep(_PAUSE)


def _nobody_reads() -> bool:
    """True once the pipe's reader is gone: with nothing to print, no write would fail and tell."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)
        return any(state & (select.POLLERR | select.POLLNVAL) for _, state in watched.poll(0))
    return False


def _line(event: Event) -> str:
    at = event.at.strftime("%Y-%m-%d %H:%M:%S")
    cause = "" if event.cause is None else f"after {event.cause}"
    body = " ".join(f"{name}={value}" for name, value in event.body.items())
    columns = f"{event.id:>6}  {at}  {event.type:<18}  {event.ticket_id or '':<8}  {cause:<12}"
    return f"{columns}  {body}".rstrip()
