"""kbsupport metrics and kbsupport report: honest figures, and the report of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, tell
from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.model import Specialist

_DAYS = 28
_METRICS = """Examples:

kbsupport metrics

kbsupport metrics --since 2026-10-01 --until 2026-11-01 --tier premium --json

kbsupport metrics --csv figures/"""
_DAILY = """Examples:

kbsupport report daily

kbsupport report daily --date 2026-11-01 --html report.html --csv figures/

kbsupport report daily --json"""

group = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Write reports that can be sent as they are."
)

Names = Annotated[
    list[str] | None, typer.Option(help="Only of these; give it more than once for several.")
]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the tables into this folder, too.")]
Silence = Annotated[
    float, typer.Option("--silence", min=1, help="Hours without a word that count as resolved.")
]


def register(cli: typer.Typer) -> None:
    """Add the command and the group."""
    cli.command("metrics", epilog=_METRICS)(metrics)
    cli.add_typer(group, name="report")


def metrics(
    context: typer.Context,
    since: Annotated[
        str | None, typer.Option(help="First day, or moment (UTC); 28 days ago if left out.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Day or moment to stop before; now if left out.")
    ] = None,
    channel: Names = None,
    tier: Names = None,
    topic: Names = None,
    intent: Names = None,
    silence: Silence = 24.0,
    csv: Csv = None,
) -> None:
    """Show what became of the cases, by every definition, each with what it counts.

    Involvement, assumed, confirmed, verified, audited; times, SLA, specialists, moods, errors.
    """
    from kbsupport.figures.metrics import metrics_of
    from kbsupport.figures.tables import tables_of, write_tables
    from kbsupport.figures.wording import lines

    chosen, now = of(context), _now()
    end = _moment("--until", until) or now
    begin = _moment("--since", since) or end - timedelta(days=_DAYS)
    if begin >= end:
        raise ConfigError(f"--since {begin:%Y-%m-%d %H:%M} is not before --until {end:%Y-%m-%d}")
    wanted = {"channel": channel, "tier": tier, "topic": topic, "intent": intent}
    where = {name: tuple(some) for name, some in wanted.items() if some}
    with chosen.open() as app:
        found = metrics_of(
            app.database, begin, end, now, rota=_rota(app), where=where,
            silence=timedelta(hours=silence),
        )  # fmt: skip
    if csv is not None:
        write_tables(tables_of(found), csv)
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit("\n".join(lines(found)))


@group.command("daily", epilog=_DAILY)
def daily(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option("--date", help="Which day (UTC); yesterday if left out.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here, too.")] = None,
    csv: Csv = None,
    silence: Silence = 24.0,
) -> None:
    """Write the report of a day as Markdown: what came, against last week, what to do next."""
    from kbsupport.figures.daily import daily_of
    from kbsupport.figures.page import write_page
    from kbsupport.figures.tables import daily_tables, write_tables
    from kbsupport.figures.wording import markdown

    chosen, now = of(context), _now()
    which = _day(day) if day else now.date() - timedelta(days=1)
    with chosen.open() as app:
        found = daily_of(
            app.database, which, now, rota=_rota(app), silence=timedelta(hours=silence)
        )
    if html is not None:
        _write(html, write_page(found))
        tell(f"wrote {html}", quiet=chosen.quiet)
    if csv is not None:
        write_tables(daily_tables(found), csv)
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit(markdown(found).rstrip())


def _rota(app: App) -> tuple[Specialist, ...]:
    return app.people.rota().specialists


def _now() -> datetime:
    return datetime.now(UTC)


def _moment(option: str, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ConfigError(f"{option} {given!r} is no date; write 2026-11-01") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _day(given: str) -> date:
    try:
        return datetime.combine(date.fromisoformat(given), time(), UTC).date()
    except ValueError:
        raise ConfigError(f"--date {given!r} is no day; write 2026-11-01") from None


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"--html {path} cannot be written: {error.strerror}") from error
