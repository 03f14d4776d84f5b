"""kbsupport feedback: what a customer says about an answer."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command(
        "feedback",
        epilog='Examples:\n\nkbsupport feedback T-1 --rating 5 --comment "Quick, thanks"\n\n'
        "kbsupport feedback T-1 --not-helpful --article reset-password --customer c-1001",
    )(feedback)


def feedback(
    context: typer.Context,
    ticket_id: Annotated[str, typer.Argument(metavar="TICKET", help="The ticket it is about.")],
    rating: Annotated[int | None, typer.Option(help="From 1, bad, to 5, good.")] = None,
    helpful: Annotated[
        bool | None, typer.Option("--helpful/--not-helpful", help="Whether it helped.")
    ] = None,
    article: Annotated[
        str | None, typer.Option(metavar="ID", help="The article it is about, if only that.")
    ] = None,
    comment: Annotated[str | None, typer.Option(help="In the customer's words.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Who says so.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Your name for this feedback: sent twice, kept once.")
    ] = None,
) -> None:
    """Keep what a customer says about a ticket of theirs: a rating, or whether it helped."""
    chosen = of(context)
    with chosen.open() as app:
        given = app.loop.hearing.hear(
            ticket_id, by=customer, rating=rating, helpful=helpful, article_id=article,
            comment=comment, key=key,
        )  # fmt: skip
    if chosen.json:
        emit_json(given.to_dict())
    else:
        emit(f"kept with {given.ticket_id}")
