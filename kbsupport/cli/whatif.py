"""kbsupport whatif."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, progress, tell

_EPILOG = """Examples:

kbsupport whatif tickets.jsonl --risk 0.02

kbsupport whatif tickets.jsonl --policy stricter.toml

kbsupport whatif tickets.jsonl --cost wrong=60 --cost person=4.5"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("whatif", epilog=_EPILOG)(whatif)


def whatif(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Labelled tickets (JSON lines).")],
    risk: Annotated[
        float | None, typer.Option(help="Another risk for all tiers, proven on the labels kept.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Another policy file.")] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(help="wrong=…, person=… or waiting=…: money per ticket.", show_default=False),
    ] = None,
) -> None:
    """Say which tickets another risk, policy or cost would decide otherwise, and what it saves.

    Nothing is put in force.
    """
    chosen = of(context)
    if risk is None and policy is None and not cost:
        raise typer.BadParameter("give --risk, --policy or --cost: what is to be changed")
    costs = _costs(cost or [])
    with chosen.open() as app, progress(quiet=chosen.quiet) as show:
        trial = app.whatif(file, risk=risk, policy=policy, costs=costs, progress=show)
        notices = app.mind.notices()
    if chosen.json:
        emit_json(trial.to_dict() | {"notices": list(notices)})
    else:
        emit("\n".join(trial.lines()))
    for note in (*notices, *trial.notes()):
        tell(f"note: {note}", quiet=chosen.quiet)


def _costs(given: Sequence[str]) -> dict[str, float]:
    costs = {}
    for one in given:
        name, _, amount = one.partition("=")
        try:
            costs[name.strip()] = float(amount)
        except ValueError:
            raise typer.BadParameter(f"--cost {one}: write it like wrong=30") from None
    return costs
