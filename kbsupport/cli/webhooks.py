"""kbsupport webhooks: what others are told of, and where other help desks ring."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.keys import grace_of
from kbsupport.cli.options import Globals, of
from kbsupport.cli.output import emit, emit_json, plain_table, tell
from kbsupport.errors import ConfigError
from kbsupport.model.webhooks import Dispatched

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.model.webhooks import Endpoint

_BY = "operator"
_ADD = """Examples:

kbsupport webhooks add https://hooks.example.com/kbsupport

kbsupport webhooks add https://hooks.example.com/kbsupport --type "ticket.*" --type message.sent"""
_INBOUND = """Examples:

kbsupport webhooks inbound request-tracker

kbsupport webhooks inbound django-helpdesk --url https://support.example.com

kbsupport webhooks inbound request-tracker --signed"""

Id = Annotated[str, typer.Argument(metavar="ID")]

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tell other programs what happens here, and hear of tickets of another help desk.",
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="webhooks")


@group.command("add", epilog=_ADD)
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="https, port 443 or 8443, at a public address.")],
    type: Annotated[
        list[str] | None, typer.Option(help='What to tell: "ticket.*", message.sent; or all.')
    ] = None,
) -> None:
    """Tell an address what happens from now on; its secret is shown this once."""
    chosen = of(context)
    with chosen.open() as app:
        made, secret = app.lobby.webhooks.add(url, type or (), _BY)
    _show_secret(made, secret, chosen)


@group.command("list", epilog="Examples:\n\nkbsupport webhooks list")
def list_webhooks(context: typer.Context) -> None:
    """List every webhook, and whether it works."""
    chosen = of(context)
    with chosen.open() as app:
        known = app.lobby.webhooks.all()
    if chosen.json:
        emit_json([one.to_dict() for one in known])
        return
    rows = [("id", "address", "types", "state")]
    rows += [(one.id, one.url, " ".join(one.types), _state(one)) for one in known]
    emit(plain_table(rows) if known else "there is none; add one: kbsupport webhooks add --help")


@group.command("rotate", epilog="Examples:\n\nkbsupport webhooks rotate 3f9a1c20b7de")
def rotate(
    context: typer.Context,
    id: Id,
    grace_hours: Annotated[
        float, typer.Option(min=0, help="How long the old secret signs as well.")
    ] = 24.0,
) -> None:
    """Give a webhook a new secret, and show it, this once."""
    chosen = of(context)
    grace = grace_of(grace_hours)
    with chosen.open() as app:
        found, secret = app.lobby.webhooks.rotate(id, _BY, grace)
    _show_secret(found, secret, chosen)


@group.command("enable", epilog="Examples:\n\nkbsupport webhooks enable 3f9a1c20b7de")
def enable(context: typer.Context, id: Id) -> None:
    """Tell a disabled webhook again, from now on."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.lobby.webhooks.enable(id, _BY)
    _show(found, f"{found.url} is told what happens from now on", chosen)


@group.command("remove", epilog="Examples:\n\nkbsupport webhooks remove 3f9a1c20b7de")
def remove(context: typer.Context, id: Id) -> None:
    """Tell an address nothing more, and forget what it was told."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.lobby.webhooks.remove(id, _BY)
    _show(found, f"{found.url} is told nothing more", chosen)


@group.command("test", epilog="Examples:\n\nkbsupport webhooks test 3f9a1c20b7de")
def test(context: typer.Context, id: Id) -> None:
    """Send a test event now; exit 1 if it was not taken."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.lobby.webhooks.test(id)
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit(f"it answered {found.status}" if found.error is None else found.error)
    if not found.good:
        raise typer.Exit(1)


@group.command("deliveries", epilog="Examples:\n\nkbsupport webhooks deliveries 3f9a1c20b7de")
def deliveries(
    context: typer.Context,
    id: Id,
    state: Annotated[Dispatched | None, typer.Option(help="Only those.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """List what a webhook was told or is to be told, the newest first."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.lobby.webhooks.deliveries(id, limit, None, state)
    if chosen.json:
        emit_json([one.to_dict() for one in found])
        return
    rows = [("delivery", "event", "state", "attempts", "next attempt", "said")]
    rows += [
        (
            str(one.id), str(one.event_id), str(one.state), str(one.attempts),
            _moment(one.next_attempt_at), one.error or str(one.last_status or ""),
        )
        for one in found
    ]  # fmt: skip
    emit(plain_table(rows) if found else "nothing was told yet")


@group.command("again", epilog="Examples:\n\nkbsupport webhooks again 3f9a1c20b7de 12")
def again(
    context: typer.Context, id: Id, delivery: Annotated[int, typer.Argument(metavar="DELIVERY")]
) -> None:
    """Tell a webhook of one event once more."""
    chosen = of(context)
    with chosen.open() as app:
        found = app.lobby.webhooks.again(id, delivery, _BY)
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit(f"delivery {found.id} is sent again")


@group.command("inbound", epilog=_INBOUND)
def inbound(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="The help desk, as [ticketing] names it.")],
    url: Annotated[str, typer.Option(help="Where this API is reached from there.")] = "",
    signed: Annotated[
        bool, typer.Option("--signed", help="Only take what is signed, by Standard Webhooks.")
    ] = False,
) -> None:
    """Make an address at which another help desk rings, and show it, this once."""
    chosen = of(context)
    with chosen.open() as app:
        _check_system(app, system)
        made, path = app.lobby.bells.add(system, _BY, signed=signed)
        secret = app.lobby.bells.secret(made) if signed else None
    address = f"{url.rstrip('/')}/v1/hooks/{system}/{path}"
    if chosen.json:
        emit_json(made.to_dict() | {"address": address, "secret": secret})
        return
    emit(address)
    if secret is not None:
        emit(secret)
    tell(f"This is bell {made.id}. Whoever knows it can ring it.", quiet=chosen.quiet)


@group.command("bells", epilog="Examples:\n\nkbsupport webhooks bells")
def bells(
    context: typer.Context,
    end: Annotated[str | None, typer.Option(help="Let this one ring no more.")] = None,
) -> None:
    """List the addresses at which other help desks ring, or end one of them."""
    chosen = of(context)
    with chosen.open() as app:
        if end is not None:
            app.lobby.bells.end(end, _BY)
        known = app.lobby.bells.all()
    if chosen.json:
        emit_json([one.to_dict() for one in known])
        return
    rows = [("id", "help desk", "signed", "since", "state")]
    rows += [
        (
            one.id, one.system, "yes" if one.signed else "no", _moment(one.created_at),
            "in use" if one.ended_at is None else "ended",
        )
        for one in known
    ]  # fmt: skip
    emit(plain_table(rows) if known else "there is none: kbsupport webhooks inbound --help")


def _check_system(app: App, system: str) -> None:
    help_desk = app.people.ticketing
    if help_desk is None or help_desk.name != system or not hasattr(help_desk, "read"):
        known = "none is set" if help_desk is None else f"[ticketing] has {help_desk.name}"
        raise ConfigError(
            f"no help desk called {system!r} can be read: {known}; see docs/events.md"
        )


def _show_secret(found: Endpoint, secret: str, chosen: Globals) -> None:
    if chosen.json:
        emit_json(found.to_dict() | {"secret": secret})
        return
    emit(secret)
    tell(f"This is webhook {found.id} ({found.url}). Its secret is shown this once.",
         quiet=chosen.quiet)  # fmt: skip


def _show(found: Endpoint, words: str, chosen: Globals) -> None:
    if chosen.json:
        emit_json(found.to_dict())
    else:
        emit(words)


def _state(one: Endpoint) -> str:
    if one.disabled_at is not None:
        return f"disabled: {one.why_disabled}"
    return "works" if one.failing_since is None else f"fails since {_moment(one.failing_since)}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M")
