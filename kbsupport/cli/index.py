"""kbsupport index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, progress, tell
from kbsupport.model import Changes

_EPILOG = """Examples:

kbsupport index docs/articles

kbsupport index help-center-export.json faq.jsonl --exclude withdrawn.txt

kbsupport index docs/articles --dry-run --json

kbsupport index --rebuild"""


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("index", epilog=_EPILOG)(index)


def index(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders, articles, .jsonl files or help-centre exports.", show_default=False
        ),
    ] = None,
    exclude: Annotated[
        Path | None, typer.Option(help="A file of article ids to leave out, one a line.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build Chroma anew from the database; no PATH.")
    ] = False,
) -> None:
    """Index PATHs as the whole knowledge base.

    What an earlier run indexed and these no longer hold is removed.
    """
    chosen = of(context)
    if rebuild == bool(paths):
        raise typer.BadParameter("give one or more PATHs, or --rebuild alone")
    with chosen.open() as app, progress(quiet=chosen.quiet) as show:
        if rebuild:
            changes = app.rebuild(show)
        else:
            left_out = _ids(exclude)
            changes = app.index(paths or [], exclude=left_out, dry_run=dry_run, progress=show)
    if chosen.json:
        emit_json(changes.to_dict())
    else:
        emit(_sentence(changes, dry_run=dry_run))
    for notice in changes.notices:
        tell(f"note: {notice}", quiet=chosen.quiet)
    for failure in changes.failed:
        where = failure.path if failure.line is None else f"{failure.path}:{failure.line}"
        tell(f"not read: {where}: {failure.reason}")
    if changes.failed:
        raise typer.Exit(1)


def _ids(path: Path | None) -> list[str]:
    from kbsupport.errors import ConfigError

    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--exclude {path} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def _sentence(changes: Changes, *, dry_run: bool) -> str:
    counts = (
        f"{len(changes.added)} added, {len(changes.changed)} changed, "
        f"{len(changes.removed)} removed, {changes.unchanged} unchanged"
    )
    if dry_run:
        return f"would be: {counts}"
    live = f"generation {changes.generation}" if changes.generation else "nothing published"
    return f"{counts}; {changes.embedded} texts embedded; {live}; {changes.seconds:.1f} s"
