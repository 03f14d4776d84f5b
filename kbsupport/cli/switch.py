"""kbsupport switch: what may be answered alone; kbsupport shadow: how it would have gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table
from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from kbsupport.triage.live import Live

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Switch answers on, into shadow mode or off: all of them, or those on one topic.",
)
shadows = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What the assistant would have said while it was silent.",
)

Topic = Annotated[
    str | None, typer.Argument(metavar="[TOPIC]", help="One topic; all answers without it.")
]
By = Annotated[
    str, typer.Option("--as", metavar="WHO", envvar="KBSUPPORT_SPECIALIST", help="Who you are.")
]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept.")]


def register(cli: typer.Typer) -> None:
    """Add both groups."""
    cli.add_typer(group, name="switch")
    cli.add_typer(shadows, name="shadow")


@group.command("show", epilog="Examples:\n\nkbsupport switch show\n\nkbsupport switch show --json")
def show(context: typer.Context) -> None:
    """Show how the switches stand and what is suspended."""
    with of(context).open() as app:
        _told(context, app.loop.switches.live())


@group.command(
    "on", epilog="Examples:\n\nkbsupport switch on\n\nkbsupport switch on billing --as lead"
)
def on(context: typer.Context, topic: Topic = None, by: By = "staff", why: Why = "") -> None:
    """Let questions be answered alone again, where the judge and the certificate allow it."""
    _set(context, "on", topic, by, why)


@group.command(
    "off", epilog="Examples:\n\nkbsupport switch off\n\nkbsupport switch off billing --as lead"
)
def off(context: typer.Context, topic: Topic = None, by: By = "staff", why: Why = "") -> None:
    """Stop: from the next question on, people get all of them, in every process on this home."""
    _set(context, "off", topic, by, why)


@group.command(
    "shadow",
    epilog="Examples:\n\nkbsupport switch shadow\n\nkbsupport switch shadow billing --as lead",
)
def shadow(context: typer.Context, topic: Topic = None, by: By = "staff", why: Why = "") -> None:
    """Decide silently beside people: they answer, and `shadow report` compares."""
    _set(context, "shadow", topic, by, why)


@group.command(
    "lift",
    epilog='Examples:\n\nkbsupport switch lift --as lead --why "calibrated on new labels"',
)
def lift(context: typer.Context, by: By, why: Why = "") -> None:
    """End what alarms have suspended; say why, it is kept."""
    with of(context).open() as app:
        _told(context, app.loop.switches.lift(by, why))


@shadows.command(
    "report",
    epilog="Examples:\n\nkbsupport shadow report\n\nkbsupport shadow report --days 14 --json",
)
def report(
    context: typer.Context,
    days: Annotated[int | None, typer.Option(min=1, help="Only the last so many days.")] = None,
) -> None:
    """Compare what would have been answered with what people sent, and propose what may go live.

    A topic may go live once what people did proves that no more would have been wrong than the
    policy allows for the default tier.
    """
    chosen = of(context)
    since = None if days is None else datetime.now(UTC) - timedelta(days=days)
    with chosen.open() as app:
        rows = app.loop.shadow(since)
    if chosen.json:
        emit_json([row.to_dict() for row in rows])
        return
    if not rows:
        emit("nothing was decided in shadow mode; begin with: kbsupport switch shadow")
        return
    table = [("topic", "tickets", "would answer", "compared", "wrong", "at most", "so")]
    table += [
        (
            row.topic or "(none)", str(row.tickets), str(row.would_resolve), str(row.compared),
            str(row.wrong), f"{row.bound:.0%}", row.proposal,
        )
        for row in rows
    ]  # fmt: skip
    emit(plain_table(table))


def _set(context: typer.Context, mode: str, topic: str | None, by: str, why: str) -> None:
    from kbsupport.triage.live import Mode

    with of(context).open() as app:
        if topic is not None:
            known = {one.topic for one in app.articles() if one.topic}
            if topic not in known:
                named = ", ".join(sorted(known)) or "none"
                raise ConfigError(f"no article has the topic {topic!r}; there are {named}")
        _told(context, app.loop.switches.set(Mode(mode), topic, by, why))


def _told(context: typer.Context, live: Live) -> None:
    if of(context).json:
        emit_json(live.to_dict())
        return
    said = {"on": "on", "shadow": "in shadow mode", "off": "off: people get every question"}
    emit(live.broken or f"answers are {said[live.all]}")
    for topic, mode in sorted(live.topics.items()):
        emit(f"  {topic}: {mode}")
    for one in live.suspended:
        what = ", ".join((*one.tiers, *one.topics)) or "all"
        emit(f"suspended since {one.at[:16]} ({what}): {one.why}")
