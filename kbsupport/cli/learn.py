"""kbsupport learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, progress, tell

_EPILOG = """Examples:

kbsupport learn solved-tickets.jsonl

kbsupport learn solved-tickets.jsonl --json"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("learn", epilog=_EPILOG)(learn)


def learn(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Labelled tickets (JSON lines).")],
) -> None:
    """Learn from solved tickets: which article answered them, and what none could answer.

    They are remembered as questions; nothing a customer wrote becomes article text.
    """
    chosen = of(context)
    with chosen.open() as app, progress(quiet=chosen.quiet) as show:
        learnt = app.learn(file, progress=show)
    if chosen.json:
        emit_json(learnt.to_dict())
    else:
        emit(learnt.line())
    for note in learnt.notes():
        tell(f"note: {note}")
    if learnt.partial:
        raise typer.Exit(1)
