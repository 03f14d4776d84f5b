"""kbsupport audit verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json

group = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Check the log of who did what."
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="audit")


@group.command(
    "verify",
    epilog="Examples:\n\nkbsupport audit verify\n\n"
    "kbsupport audit verify --write-anchor elsewhere/audit.anchor\n\n"
    "kbsupport audit verify --anchor elsewhere/audit.anchor --json",
)
def verify(
    context: typer.Context,
    anchor: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hold the log against this anchor of an earlier day."),
    ] = None,
    write_anchor: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write how the log ends now; keep it elsewhere."),
    ] = None,
) -> None:
    """Check that no row was changed, taken out, put in or moved; exit 1 naming the first bad one.

    That the end was cut off shows only against an anchor. One that --write-anchor replaces is
    checked first, and stays if the log does not fit it.
    """
    chosen = of(context)
    with chosen.open() as app:
        checked = app.people.verify(anchor, write_anchor)
    if chosen.json:
        emit_json({"sound": checked.fault is None, "rows": checked.rows, "fault": checked.fault})
    elif checked.fault is None:
        emit(f"the audit log is sound: {checked.rows} rows")
    else:
        emit(f"the audit log is not sound: {checked.fault}; the {checked.rows} rows before it are")
    if checked.fault is not None:
        raise typer.Exit(1)
