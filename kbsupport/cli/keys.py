"""kbsupport keys: add, list, rotate, revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, plain_table, tell
from kbsupport.errors import ConfigError, NotFound
from kbsupport.model import Role, Scope

if TYPE_CHECKING:
    from kbsupport.model import ApiKey

_BY = "operator"
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_TEN_YEARS, _MONTH = 3650 * _DAY, 30 * _DAY
_ADD = """Examples:

kbsupport keys add "C-1001's phone" --role customer --customer C-1001

kbsupport keys add website --role customer --visitors

kbsupport keys add "Mia's console" --role specialist --specialist mia --days 90

kbsupport keys add backend --role admin --scope tokens --scope ask"""

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Give, list and end the keys of the doors; there is none until you add one.",
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="keys")


@group.command("add", epilog=_ADD)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="By which you will know it again.")],
    role: Annotated[
        Role | None, typer.Option(help="Who holds it; --customer and --specialist say so, too.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it opens, if less than is usual for the role; or a,b,c."),
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Whose tickets it sees.")] = None,
    specialist: Annotated[str | None, typer.Option(help="Who they are in the rota.")] = None,
    visitors: Annotated[
        bool, typer.Option("--visitors", help="It stands in a web page, for everybody to read.")
    ] = False,
    days: Annotated[float | None, typer.Option(min=0.001, help="It ends after so long.")] = None,
) -> None:
    """Make a key and show it, this once."""
    from kbsupport.access.keys import Wish

    chosen = of(context)
    until = None
    if days is not None:
        until = datetime.now(UTC) + _lasting("--days", days, _DAY, _TEN_YEARS)
    whose = role or _role(customer, specialist, visitors=visitors)
    scopes = None if scope is None else [_scope(one) for given in scope for one in given.split(",")]
    with chosen.open() as app:
        if specialist is not None and app.people.rota().find(specialist) is None:
            raise NotFound(f"nobody in the rota is called {specialist!r}; see [desk] rota")
        made, text = app.lobby.keys.add(
            Wish(
                name=name, role=whose, scopes=scopes, customer_id=customer,
                specialist_id=specialist, visitors=visitors, expires_at=until,
            ),
            _BY,
        )  # fmt: skip
    _show_new(made, text, chosen)


@group.command("list", epilog="Examples:\n\nkbsupport keys list\n\nkbsupport keys list --json")
def list_keys(context: typer.Context) -> None:
    """List every key that was given, without its secret."""
    chosen = of(context)
    with chosen.open() as app:
        known = app.lobby.keys.all()
    if chosen.json:
        emit_json([one.to_dict() for one in known])
        return
    now = datetime.now(UTC)
    rows = [("id", "name", "role", "for", "scopes", "last used", "state")]
    rows += [
        (
            one.id, one.name, str(one.role),
            one.customer_id or one.specialist_id or ("visitors" if one.visitors else ""),
            " ".join(sorted(one.scopes)), _day(one.last_used_at), _state(one, now),
        )
        for one in known
    ]  # fmt: skip
    emit(plain_table(rows) if known else "there is no key; add one: kbsupport keys add --help")


@group.command("rotate", epilog="Examples:\n\nkbsupport keys rotate 3f9a1c20b7de --grace-hours 24")
def rotate(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID")],
    grace_hours: Annotated[
        float, typer.Option(min=0, help="How long the old one still works.")
    ] = 0.0,
) -> None:
    """Replace a key by a new one that may do the same, and show that, this once."""
    chosen = of(context)
    grace = grace_of(grace_hours)
    with chosen.open() as app:
        made, text = app.lobby.keys.rotate(id, _BY, grace)
    _show_new(made, text, chosen)


@group.command("revoke", epilog="Examples:\n\nkbsupport keys revoke 3f9a1c20b7de")
def revoke(context: typer.Context, id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a key and every token given with it; within two seconds it opens nothing anywhere."""
    chosen = of(context)
    with chosen.open() as app:
        ended = app.lobby.keys.revoke(id, _BY)
    if chosen.json:
        emit_json(ended.to_dict())
    else:
        emit(f"{ended.id} ({ended.name}) opens nothing any more")


def grace_of(hours: float) -> timedelta:
    """How long what is replaced still works, as it was typed."""
    return _lasting("--grace-hours", hours, _HOUR, _MONTH)


def _lasting(option: str, count: float, unit: timedelta, most: timedelta) -> timedelta:
    if not 0 <= count <= most / unit:
        raise ConfigError(f"{option} takes a number up to {most / unit:g}, not {count:g}")
    return count * unit


def _role(customer: str | None, specialist: str | None, *, visitors: bool) -> Role:
    if customer is not None or visitors:
        return Role.CUSTOMER
    if specialist is not None:
        return Role.SPECIALIST
    raise ConfigError(f"say who holds it: --role {', '.join(Role)}")


def _scope(text: str) -> Scope:
    try:
        return Scope(text.strip())
    except ValueError:
        raise ConfigError(f"there is no scope {text!r}; there are {', '.join(Scope)}") from None


def _show_new(made: ApiKey, text: str, chosen: Globals) -> None:
    if chosen.json:
        emit_json(made.to_dict() | {"key": text})
        return
    emit(text)
    tell(
        f"This is key {made.id} ({made.name}), for a {made.role}. It is shown this once.",
        quiet=chosen.quiet,
    )


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.valid_at(now):
        return "in use" if key.expires_at is None else f"until {_day(key.expires_at)}"
    return "expired"
