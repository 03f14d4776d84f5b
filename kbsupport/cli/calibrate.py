"""kbsupport calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, progress, tell, tell_error

_EPILOG = """Examples:

kbsupport calibrate tickets.jsonl

kbsupport calibrate tickets.jsonl --risk 0.05 --confidence 0.95

kbsupport calibrate tickets.jsonl --learn --by tier --json"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("calibrate", epilog=_EPILOG)(calibrate)


def calibrate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Labelled tickets (JSON lines).")],
    risk: Annotated[
        float | None,
        typer.Option(help="Share of answers that may be wrong, for all tiers; else by policy."),
    ] = None,
    confidence: Annotated[float, typer.Option(help="How sure the bound must be.")] = 0.95,
    learn: Annotated[
        bool, typer.Option("--learn", help="Also keep the labels as history.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(help="tier or topic: prove each with its own labels.", show_default=False),
    ] = None,
) -> None:
    """Fit the judge on one part of the labels, and prove thresholds on the other.

    The certificate bounds how often an answer given without a person is wrong.
    """
    chosen = of(context)
    with chosen.open() as app, progress(quiet=chosen.quiet) as show:
        policy = app.shelf.standing().policy
        found = app.calibrate(
            file, risk=risk, confidence=confidence, learn=learn, by=by, progress=show
        )
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit("\n".join(found.lines()))
    for note in found.notes(policy):
        tell(f"note: {note}")
    if found.certificate is None:
        tell_error(found.cure())
        raise typer.Exit(1)
