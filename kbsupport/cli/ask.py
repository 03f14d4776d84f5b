"""kbsupport ask."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, read_stdin, tell, tell_error
from kbsupport.cli.sent import uploads
from kbsupport.errors import UnknownTier
from kbsupport.model import Audience, Identity, Outcome, Reply, Verdict

_EPILOG = """Examples:

kbsupport ask "How long do I have to return an item?"

kbsupport ask "What is the API limit?" --tier enterprise --json

cat mail.txt | kbsupport ask -

kbsupport ask --batch tickets.jsonl > decisions.jsonl"""

_BROKEN_PART = 3


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("ask", epilog=_EPILOG)(ask)


def ask(
    context: typer.Context,
    text: Annotated[
        str | None,
        typer.Argument(help="The question, or - to read it from stdin.", show_default=False),
    ] = None,
    batch: Annotated[
        Path | None, typer.Option(help="A file of tickets (JSON lines), or - for stdin.")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Id of the customer who asks.")] = None,
    tier: Annotated[str | None, typer.Option(help="Tier of the customer who asks.")] = None,
    language: Annotated[str | None, typer.Option(help="Only articles of this language.")] = None,
    product: Annotated[str | None, typer.Option(help="Only articles on this product.")] = None,
    audience: Annotated[
        Audience, typer.Option(help="internal also finds internal articles.")
    ] = Audience.PUBLIC,
    conversation: Annotated[
        str | None, typer.Option(help="The conversation this goes on with, or begins.")
    ] = None,
    verified: Annotated[
        bool, typer.Option("--verified", help="The channel has made sure of who asks.")
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="Your name for this message: sent twice, answered once.")
    ] = None,
    attach: Annotated[list[Path] | None, typer.Option(help="A file that comes with it.")] = None,
    passages: Annotated[int | None, typer.Option(min=1, max=50, help="How many to show.")] = None,
    tickets: Annotated[
        bool, typer.Option("--tickets", help="Open tickets for a batch's escalations.")
    ] = False,
) -> None:
    """Ask a question, or decide a file of tickets."""
    chosen = of(context)
    if (text is None) == (batch is None):
        raise typer.BadParameter("give a question (or - for stdin), or --batch FILE")
    settings = {"triage": {"passages": passages}} if passages else None
    from kbsupport.app import open_app

    # Starting makes very many objects and no garbage; looking for some costs a tenth of the time.
    gc.disable()
    with open_app(chosen.home, chosen.config, settings) as app:
        if tier is not None and tier not in app.settings.customers.tiers:
            raise UnknownTier(tier, app.settings.customers.tiers)
        # A policy that cannot be read is said at once, not with every question it hands over.
        app.shelf.standing()
        if batch is not None:
            from kbsupport.cli.batch import Asker, decide_all

            gc.enable()
            asker = Asker(customer, tier, language, product, audience, open_tickets=tickets)
            raise typer.Exit(decide_all(app, batch, asker, quiet=chosen.quiet))
        question = _stdin() if text == "-" else str(text)
        reply = app.ask(
            question,
            customer=customer,
            tier=tier,
            language=language,
            product=product,
            audience=audience,
            conversation_id=conversation,
            identity=Identity.VERIFIED if verified else None,
            channel="cli",
            key=key,
            uploads=uploads(attach or ()),
        )
    _show(reply, chosen)


def _stdin() -> str:
    # A mail may come in any encoding; what cannot be read is replaced, never refused.
    return read_stdin().decode("utf-8", "replace")


def _show(reply: Reply, chosen: Globals) -> None:
    if chosen.json:
        emit_json(reply.to_dict())
    else:
        emit(_page(reply))
    for notice in reply.notices:
        tell(f"note: {notice}", quiet=chosen.quiet)
    if reply.error is not None:
        tell_error(reply.error)
        raise typer.Exit(_BROKEN_PART)


def _page(reply: Reply) -> str:
    lines = [reply.text]
    if reply.answer is not None:
        cited = reply.answer.citations[0]
        url = f" <{cited.url}>" if cited.url else ""
        lines += ["", f"Source: {cited.title} ({cited.article_id}){url}"]
    verdict = reply.verdict
    lines += ["", f"[{verdict.outcome}: {verdict.reason}; {verdict.rule}]"]
    lines.append(f"[decision {reply.decision_id}]")
    if verdict.outcome is Outcome.RESOLVE:
        lines.append(proven(verdict))
    return "\n".join(lines)


def proven(verdict: Verdict) -> str:
    """What stands behind an answer, in one line."""
    if verdict.certified:
        return f"[certified: {verdict.certificate}, threshold {verdict.threshold:.4f}]"
    return "[not certified: nothing proves how often such answers are wrong; kbsupport calibrate]"
