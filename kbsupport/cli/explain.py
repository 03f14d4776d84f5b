"""kbsupport explain."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json

_EPILOG = """Examples:

kbsupport explain d-0123456789abcdef0123456789abcdef

kbsupport explain d-0123456789abcdef0123456789abcdef --json"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("explain", epilog=_EPILOG)(explain)


def explain(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="The decision_id that ask printed.")],
) -> None:
    """Say in plain words why it was decided so, and what would have changed it."""
    chosen = of(context)
    with chosen.open() as app:
        explained = app.explain(decision)
    if chosen.json:
        emit_json(explained.to_dict())
    else:
        emit("\n".join(explained.lines()))
