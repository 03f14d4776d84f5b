"""kbsupport review: the queue of labels to confirm and of answers to audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table, tell
from kbsupport.errors import ConfigError, KbSupportError

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.model import Review

_WIDE = 60

group = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Confirm labels, the most useful first; audit answers; learn what was agreed on.",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="A review, as `review list` names it.")]
By = Annotated[
    str, typer.Option("--as", metavar="WHO", envvar="KBSUPPORT_SPECIALIST", help="Who you are.")
]
Note = Annotated[str | None, typer.Option("--note", help="A word to the others.")]
Articles = Annotated[
    list[str] | None,
    typer.Option("--article", metavar="ID", help="An article that answers it; may be repeated."),
]


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="review")


@group.callback()
def shown_by_default(context: typer.Context) -> None:
    """Confirm labels, the most useful first; audit answers; learn what was agreed on."""
    if context.invoked_subcommand is None:
        _show_queue(context, audits_only=False, weigh=True)


@group.command(
    "list",
    epilog="Examples:\n\nkbsupport review list\n\nkbsupport review list --audits --json\n\n"
    "kbsupport review list --no-weigh",
)
def list_reviews(
    context: typer.Context,
    audits: Annotated[
        bool, typer.Option("--audits", help="Only the answers that were drawn for an audit.")
    ] = False,
    weigh: Annotated[
        bool,
        typer.Option(
            "--weigh/--no-weigh", help="Whether to weigh anew which label would settle most doubt."
        ),
    ] = True,
) -> None:
    """List what waits for an opinion: what is disputed, then the most useful first."""
    _show_queue(context, audits_only=audits, weigh=weigh)


@group.command(
    "show", epilog="Examples:\n\nkbsupport review show R-1\n\nkbsupport review show R-1 --json"
)
def show(context: typer.Context, review_id: Id) -> None:
    """Show one with its question, what was sent, and what others said of it."""
    chosen = of(context)
    with chosen.open() as app:
        found, stored = app.loop.reviews.show(review_id)
        texts = _shown(stored)
    if chosen.json:
        emit_json(found.to_dict() | texts)
        return
    emit(f"{found.id} · {found.kind} · {found.state} · {found.why}")
    emit(f"\nQuestion:\n{texts['question'] or '(erased)'}")
    emit(f"\nSent:\n{texts['sent'] or '(nothing)'}")
    emit(f"\nFound: {', '.join(texts['articles'] or ()) or 'nothing'}")
    emit(f"Proposed: {_said(found.proposed.expected, found.proposed.accept_ids)}")
    for one in found.opinions:
        note = f" ({one.note})" if one.note else ""
        emit(f"{one.by}: {_said(one.says.expected, one.says.accept_ids)}{note}")


@group.command(
    "label",
    epilog="Examples:\n\nkbsupport review label R-1 --article reset-password --as ana\n\n"
    "kbsupport review label R-2 --nobody --as ana",
)
def label(
    context: typer.Context,
    review_id: Id,
    by: By,
    article: Articles = None,
    nobody: Annotated[
        bool, typer.Option("--nobody", help="No article answers it: a person has to.")
    ] = False,
    note: Note = None,
) -> None:
    """Say which article would have answered; without --article or --nobody, agree as proposed."""
    chosen = of(context)
    if article and nobody:
        raise ConfigError("either an --article answers it or --nobody does; give one of them")
    with chosen.open() as app:
        _check_articles(app, article or ())
        proposed = app.loop.reviews.show(review_id)[0].proposed.accept_ids
        ids = () if nobody else tuple(article or proposed)
        said = app.loop.reviews.label(review_id, by, ids, note)
    _told(context, said)


@group.command(
    "audit",
    epilog="Examples:\n\nkbsupport review audit R-3 --right --as ana\n\n"
    "kbsupport review audit R-4 --wrong --article refund-times --as ana",
)
def audit(
    context: typer.Context,
    review_id: Id,
    by: By,
    right: Annotated[
        bool | None, typer.Option("--right/--wrong", help="Whether the answer was right.")
    ] = None,
    article: Articles = None,
    note: Note = None,
) -> None:
    """Say of an audited answer whether it was right; too many wrong ones suspend the certificate.

    Exit 1 if the alarm was raised: nothing is answered alone then where it was proven.
    """
    chosen = of(context)
    if right is None:
        raise ConfigError("say whether the answer was --right or --wrong")
    with chosen.open() as app:
        _check_articles(app, article or ())
        said, raised = app.loop.reviews.judge(
            review_id, by, right=right, accept_ids=article or (), note=note
        )
    if chosen.json:
        emit_json(said.to_dict() | {"alarm": raised.to_dict() if raised else None})
    else:
        emit(f"{said.id} is {said.state}")
    if raised is not None:
        tell(f"ALARM: {raised.said}\nIts answers are suspended; see: kbsupport switch show")
        raise typer.Exit(1)


@group.command(
    "bound", epilog="Examples:\n\nkbsupport review bound\n\nkbsupport review bound --json"
)
def bound(context: typer.Context) -> None:
    """Bound the share of wrong answers from the audits so far; it holds however often you look."""
    chosen = of(context)
    with chosen.open() as app:
        held = app.shelf.standing().certificate
        found = app.loop.reviews.audited(held.id if held else None)
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit(found.line())


@group.command(
    "alarms", epilog="Examples:\n\nkbsupport review alarms\n\nkbsupport review alarms --json"
)
def alarms(context: typer.Context) -> None:
    """List the alarms there were, and which of them stand."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.loop.reviews.alarms()
    if chosen.json:
        emit_json([one.to_dict() for one in found])
        return
    for one in found:
        stands = "ended" if one.ended_at else "stands"
        emit(f"{one.at:%Y-%m-%d %H:%M} {one.kind} {stands}: {one.said}")
    if not found:
        emit("there was no alarm")


@group.command(
    "drift", epilog="Examples:\n\nkbsupport review drift\n\nkbsupport review drift --json"
)
def drift(context: typer.Context) -> None:
    """Compare the tickets since the certificate with those it was made from; run it every day.

    Where they have changed what was proven is suspended, and the labels are asked for that would
    help most. Exit 1 then. Of 20 certificates whose tickets never change one is suspended falsely,
    however often you look.
    """
    chosen = of(context)
    with chosen.open() as app:
        found = app.loop.drifting.look()
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit(found.said)
    if found.alarm is not None:
        tell(f"ALARM: see kbsupport switch show; {found.asked} labels wait: kbsupport review")
    if found.found is not None and found.found.alarm:
        raise typer.Exit(1)


@group.command(
    "learn", epilog="Examples:\n\nkbsupport review learn\n\nkbsupport review learn --json"
)
def learn(context: typer.Context) -> None:
    """Learn the labels that people agreed on: the next question like it is found and judged."""
    chosen = of(context)
    with chosen.open() as app:
        made = app.loop.learn()
    if made is None:
        emit_json({"labels": 0}) if chosen.json else emit("nothing new was agreed on")
        return
    if chosen.json:
        emit_json(made.to_dict())
    else:
        emit(made.line())
    for note in made.notes():
        tell(note, quiet=chosen.quiet)


def _show_queue(context: typer.Context, *, audits_only: bool, weigh: bool) -> None:
    from kbsupport.model import ReviewKind

    chosen = of(context)
    with chosen.open() as app:
        failed = app.loop.collect()
        if failed:
            tell(f"some labels could not be proposed: {failed}")
        if weigh and not audits_only:
            _weigh(app)
        waiting = app.loop.reviews.queue(ReviewKind.AUDIT if audits_only else None)
        asked = {one.id: _shown(app.loop.reviews.show(one.id)[1]) for one in waiting}
    if chosen.json:
        emit_json([one.to_dict() | asked[one.id] for one in waiting])
        return
    rows = [("id", "kind", "state", "worth", "proposed", "question")]
    rows += [
        (
            one.id, str(one.kind), str(one.state), f"{one.worth:.2f}",
            _said(one.proposed.expected, one.proposed.accept_ids),
            _short(asked[one.id]["question"] or "(erased)"),
        )
        for one in waiting
    ]  # fmt: skip
    emit(plain_table(rows) if waiting else "nothing waits for a review")


def _weigh(app: App) -> None:
    try:
        app.loop.reorder()
    except KbSupportError as error:
        # What waits can be judged in any order, so a model that cannot be had hides nothing.
        tell(f"not weighed anew: {error}")


def _shown(stored: Any) -> dict[str, Any]:
    if stored is None:
        return {"question": None, "sent": None, "articles": None}
    answer = stored.body["answer"]
    return {
        "question": stored.question["text"],
        "sent": answer["text"] if answer else None,
        "articles": stored.body["articles"],
    }


def _check_articles(app: App, ids: list[str] | tuple[str, ...]) -> None:
    for one in ids:
        app.article(one)


def _told(context: typer.Context, said: Review) -> None:
    if of(context).json:
        emit_json(said.to_dict())
    else:
        emit(f"{said.id} is {said.state}")


def _said(expected: str, accept_ids: tuple[str, ...]) -> str:
    return ", ".join(accept_ids) if expected == "auto_resolve" else "a person"


def _short(text: str | list[str]) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= _WIDE else words[: _WIDE - 1] + "…"
