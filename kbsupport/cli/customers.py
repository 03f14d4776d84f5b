"""kbsupport customers import and show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kbsupport.cli.options import of
from kbsupport.cli.output import emit, emit_json, plain_table

if TYPE_CHECKING:
    from kbsupport.model import Customer

group = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Who asks: import customers, look at one."
)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(group, name="customers")


@group.command(
    "import",
    epilog="Examples:\n\nkbsupport customers import customers.csv\n\n"
    "kbsupport customers import customers.csv --json",
)
def import_customers(
    context: typer.Context, path: Annotated[Path, typer.Argument(metavar="FILE.csv")]
) -> None:
    """Take over all customers of a CSV file, or none if a row is wrong.

    Columns: customer_id and tier; name, email, phone, company, language, time_zone, products
    (with ; between them), preferred_tone, contract_end, account_value and purchases as you have
    them. Any other column is kept as a preference. A customer who is there already is replaced.
    """
    chosen = of(context)
    with chosen.open() as app:
        imported = app.people.bring_in(path)
    if chosen.json:
        emit_json({"imported": imported})
    else:
        emit(f"{imported} customers imported")


@group.command(
    "show",
    epilog="Examples:\n\nkbsupport customers show C-1093\n\nkbsupport customers show C-1093 --json",
)
def show_customer(
    context: typer.Context, customer_id: Annotated[str, typer.Argument(metavar="ID")]
) -> None:
    """Show what is known of one customer, from wherever customers are known."""
    chosen = of(context)
    with chosen.open() as app:
        customer = app.people.find(customer_id)
    if chosen.json:
        emit_json(customer.to_dict())
    else:
        emit(_page(customer))


@group.command(
    "erase",
    epilog="Examples:\n\nkbsupport customers erase C-1093\n\n"
    "kbsupport customers erase C-1093 --as privacy-1 --json",
)
def erase_customer(
    context: typer.Context,
    customer_id: Annotated[str, typer.Argument(metavar="ID")],
    by: Annotated[
        str, typer.Option("--as", help="Who does this.", envvar="KBSUPPORT_SPECIALIST")
    ] = "operator",
) -> None:
    """Take a customer out of everything that is kept here: messages, decisions, files, labels.

    Refused while people have a ticket of theirs. What stays are ticket numbers, times and topics,
    and a pseudonym in the log. Backups, mail that was sent and other help desks are not reached.
    """
    chosen = of(context)
    with chosen.open() as app:
        erased = app.people.erase(customer_id, by)
    if chosen.json:
        emit_json(erased.to_dict())
        return
    done = ", ".join(f"{count} {what}" for what, count in erased.counts.items() if count)
    emit(f"erased: {done or 'nothing was kept'}")


def _page(customer: Customer) -> str:
    """What is known, a line each; what is not known is not mentioned."""
    known = customer.to_dict()
    rows = [("id", str(known.pop("id"))), ("tier", known.pop("tier"))]
    preferences = known.pop("preferences")
    products = known.pop("products")
    if not known.pop("reached"):
        rows.append(("reached", "no: the system that knows them could not be asked"))
    rows += [
        (key.replace("_", " "), str(value)) for key, value in known.items() if value is not None
    ]
    rows += [("products", ", ".join(products))] if products else []
    rows += [(key.replace("_", " "), value) for key, value in sorted(preferences.items())]
    return plain_table(rows)
