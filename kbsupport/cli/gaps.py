"""kbsupport gaps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, progress, tell

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.cli.options import Globals

_EPILOG = """Examples:

kbsupport gaps

kbsupport gaps tickets.jsonl --most 15

kbsupport gaps --draft 1

kbsupport gaps --after billing/gift-cards"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("gaps", epilog=_EPILOG)(gaps)


def gaps(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Tickets (JSON lines); without it, those that went to people."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many of each kind to show.")] = 10,
    draft: Annotated[
        int | None,
        typer.Option(min=1, help="Print the draft of the missing article of this number."),
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="ARTICLE", help="Say what this article bought.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --after: learn and keep nothing.")
    ] = False,
) -> None:
    """Say what people ask and nobody's article answers, the most asked first.

    Missing, contradictory, there but not found, or left to people by a rule. Labels in the file
    are not read; a `reply` is what people wrote back.
    """
    chosen = of(context)
    if dry_run and after is None:
        raise typer.BadParameter("--dry-run needs --after: finding gaps keeps nothing anyway")
    if draft is not None and after is not None:
        raise typer.BadParameter("--draft and --after do not go together; ask for one")
    with chosen.open() as app:
        if after is not None:
            _after(app, chosen, after, file, keep=not dry_run)
        else:
            _find(app, chosen, file, most, draft)


def _find(app: App, chosen: Globals, file: Path | None, most: int, draft: int | None) -> None:
    with progress(quiet=chosen.quiet) as show:
        found = app.loop.gaps.find(file, progress=show)
    if draft is not None:
        drafts = found.drafts()
        if draft > len(drafts):
            raise typer.BadParameter(f"--draft {draft}: there are {len(drafts)} missing articles")
        outline = drafts[draft - 1]
        emit_json(outline.to_dict()) if chosen.json else emit("\n".join(outline.lines()))
    elif chosen.json:
        emit_json(found.to_dict())
    else:
        emit("\n".join(found.lines(most)))


def _after(app: App, chosen: Globals, article: str, file: Path | None, *, keep: bool) -> None:
    with progress(quiet=chosen.quiet) as show:
        made = app.loop.gaps.after(article, file, keep=keep, progress=show)
    if chosen.json:
        emit_json(made.bought.to_dict())
    else:
        emit("\n".join(made.bought.lines()))
    for note in made.notes():
        tell(f"note: {note}", quiet=chosen.quiet)
