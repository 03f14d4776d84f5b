"""kbsupport articles list and show."""

from __future__ import annotations

from typing import Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table

group = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the articles that are indexed."
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="articles")


@group.command(
    "list", epilog="Examples:\n\nkbsupport articles list\n\nkbsupport articles list --json"
)
def list_articles(context: typer.Context) -> None:
    """List every article, drafts too."""
    chosen = of(context)
    with chosen.open() as app:
        articles = app.articles()
    if chosen.json:
        brief = ("id", "title", "topic", "audience", "tiers", "language", "published", "updated")
        emit_json([{key: a.to_dict()[key] for key in brief} for a in articles])
        return
    rows = [("id", "title", "topic", "seen by")]
    for a in articles:
        seen_by = ", ".join(a.tiers) if a.tiers else str(a.audience)
        rows.append((a.id, a.title, a.topic or "", seen_by if a.published else "draft"))
    emit(plain_table(rows))


@group.command(
    "show",
    epilog="Examples:\n\nkbsupport articles show billing/failed-payment\n\n"
    "kbsupport articles show billing/failed-payment --json",
)
def show_article(
    context: typer.Context, article_id: Annotated[str, typer.Argument(metavar="ID")]
) -> None:
    """Show one article as it is indexed; offsets in citations count into this text."""
    chosen = of(context)
    with chosen.open() as app:
        article = app.article(article_id)
    if chosen.json:
        emit_json(article.to_dict())
    else:
        emit(f"{article.title} ({article.id})\n\n{article.text}")
