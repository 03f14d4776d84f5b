"""kbsupport demo: the sample knowledge base, indexed and asked."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, progress, tell
from kbsupport.errors import ConfigError
from kbsupport.model import Reply

# One for each outcome, and one for each kind of caution.
QUESTIONS = (
    ("How do I reset my password?", "standard"),
    ("can i pay with paypal", "standard"),
    ("What does the blinking blue light mean?", "standard"),
    ("thanks, it works now!", "standard"),
    ("There is an odd charge of 12.80 on my statement from you, explain please", "premium"),
    ("I want to talk to a real person please", "enterprise"),
)


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("demo", epilog="Examples:\n\nkbsupport demo\n\nkbsupport demo --json")(demo)


def demo(context: typer.Context) -> None:
    """Index a sample knowledge base and ask it.

    Eighty articles of an invented company, six questions, every outcome.
    """
    chosen = of(context)
    if chosen.home is not None and (chosen.home / "index").exists():
        raise ConfigError(f"{chosen.home} holds an index already; give the demo a home of its own")
    with tempfile.TemporaryDirectory() as passing:
        home = chosen.home or Path(passing)
        _show(Globals(home, chosen.config, chosen.json, chosen.quiet))


def _show(chosen: Globals) -> None:
    articles = sample_folder() / "articles"
    tell(f"Indexing {articles} into {chosen.home} …", quiet=chosen.quiet)
    with chosen.open() as app:
        with progress(quiet=chosen.quiet) as show:
            changes = app.index([articles], progress=show)
        tell(
            f"{len(changes.added)} articles, {changes.embedded} texts embedded, "
            f"{changes.seconds:.1f} s\n",
            quiet=chosen.quiet,
        )
        for text, tier in QUESTIONS:
            reply = app.ask(text, tier=tier)
            if chosen.json:
                emit_json(reply.to_dict())
            else:
                emit(_exchange(text, tier, reply))


def _exchange(text: str, tier: str, reply: Reply) -> str:
    lines = [f"{tier} customer: {text}", *(f"  {line}" for line in reply.text.splitlines())]
    if reply.answer is not None:
        cited = reply.answer.citations[0]
        lines.append(f"  Source: {cited.title} ({cited.url or cited.article_id})")
    lines.append(f"  [{reply.verdict.outcome}: {reply.verdict.reason}; {reply.verdict.rule}]\n")
    return "\n".join(lines)


def sample_folder() -> Path:
    """The sample data: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "sample"
    return inside if inside.is_dir() else package.parent / "data"
