"""kbsupport replay."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json

_EPILOG = """Examples:

kbsupport replay d-0123456789abcdef0123456789abcdef

kbsupport replay d-0123456789abcdef0123456789abcdef --search --json"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("replay", epilog=_EPILOG)(replay)


def replay(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="The decision_id that ask printed.")],
    search: Annotated[
        bool, typer.Option("--search", help="Also search again in its generation's chunks.")
    ] = False,
) -> None:
    """Decide again from the stored evidence, bit for bit; exit 1 if anything differs."""
    chosen = of(context)
    with chosen.open() as app:
        replayed = app.replay(decision, search=search)
    if chosen.json:
        emit_json(replayed.to_dict())
    else:
        emit("\n".join(replayed.lines()))
    if not replayed.same:
        raise typer.Exit(1)
