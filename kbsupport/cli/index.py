"""kbsupport index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, progress, tell
from kbsupport.model import Changes, Check, Renewed

_EPILOG = """Examples:

kbsupport index docs/articles

kbsupport index help-center-export.json faq.jsonl --exclude withdrawn.txt

kbsupport index docs/articles --dry-run --json

kbsupport index --rebuild

In a knowledge base's own CI, nothing goes live that would answer a labelled ticket wrongly; the
ones that would be are named, and the exit code is 1:

kbsupport index docs/articles --check tickets.jsonl --max-wrong 0 --json"""


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
    check: Annotated[
        Path | None,
        typer.Option(metavar="TICKETS", help="Publish only if these labels are answered well."),
    ] = None,
    max_wrong: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="How many of them may be answered wrongly.  [0]"),
    ] = None,
) -> None:
    """Index PATHs as the whole knowledge base.

    What an earlier run indexed and these no longer hold is removed. Stored labels are replayed on
    what is new, and the certificate is renewed or withdrawn.
    """
    chosen = of(context)
    if rebuild == bool(paths):
        raise typer.BadParameter("give one or more PATHs, or --rebuild alone")
    if check is not None and (rebuild or dry_run):
        raise typer.BadParameter("--check publishes or not; leave out --rebuild and --dry-run")
    if max_wrong is not None and check is None:
        raise typer.BadParameter("--max-wrong needs --check TICKETS")
    with chosen.open() as app, progress(quiet=chosen.quiet) as show:
        if rebuild:
            changes = app.rebuild(show)
        else:
            changes = app.index(
                paths or [],
                exclude=_ids(exclude),
                dry_run=dry_run,
                check=check,
                max_wrong=max_wrong or 0,
                progress=show,
            )
    _show(changes, chosen, dry_run=dry_run)
    if changes.failed or _refused(changes):
        raise typer.Exit(1)


def _show(changes: Changes, chosen: Globals, *, dry_run: bool) -> None:
    if chosen.json:
        emit_json(changes.to_dict())
    else:
        emit(_sentence(changes, dry_run=dry_run))
    for notice in changes.notices:
        tell(f"note: {notice}", quiet=chosen.quiet)
    for failure in changes.failed:
        where = failure.path if failure.line is None else f"{failure.path}:{failure.line}"
        tell(f"not read: {where}: {failure.reason}")
    if changes.check is not None and _refused(changes):
        _tell_refusal(changes.check)


def _refused(changes: Changes) -> bool:
    return changes.check is not None and not changes.check.holds


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
    if _refused(changes):
        counts, live = f"would be: {counts}", "nothing published"
    said = [counts, f"{changes.embedded} texts embedded", live, f"{changes.seconds:.1f} s"]
    if changes.check is not None:
        said.append(_checked(changes.check))
    if changes.replayed is not None:
        said.append(_replayed(changes.replayed))
    return "; ".join(said)


def _checked(check: Check) -> str:
    return (
        f"{check.labels} labels checked: {check.resolved} answered, {len(check.wrong_ones)} of "
        f"them wrongly, {check.max_wrong} may be"
    )


def _replayed(replayed: Renewed) -> str:
    said = (
        f"{replayed.labels} stored labels replayed: {replayed.flips} decided otherwise, "
        f"{replayed.became_wrong} became wrong, {replayed.became_right} became right"
    )
    certificate = {
        "renewed": f"renewed as {replayed.id}",
        "withdrawn": "withdrawn",
        "none": "none",
    }
    return f"{said}; certificate {certificate[replayed.certificate]}"


def _tell_refusal(check: Check) -> None:
    for one in check.wrong_ones:
        right = ", ".join(one.accept_ids) or "none: a person should answer"
        tell(f"wrong: {one.id}: answered with {one.article_id}; right would be {right}")
    tell(
        f"not published: {len(check.wrong_ones)} labels would be answered wrongly, "
        f"{check.max_wrong} may be; mend the articles or the labels, or raise --max-wrong"
    )
