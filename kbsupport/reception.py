"""Who asks: the CRM's word, else the default tier; nobody waits because it cannot be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kbsupport.errors import UpstreamError
from kbsupport.model import Customer, Identity, Question
from kbsupport.store import customers

if TYPE_CHECKING:
    from kbsupport.ports import Crm, Tiers
    from kbsupport.store.database import Database


class Reception:
    """Puts a customer to a question; `tiers` are those there are, the strictest last."""

    def __init__(self, crm: Crm, tiers: Tiers | None, known: Sequence[str]) -> None:
        self._crm, self._tiers, self._known = crm, tiers, known
        self.unreached = 0

    @property
    def systems(self) -> Mapping[str, object]:
        """Who is asked, by the name of the setting."""
        return {"crm": self._crm, "tiers": self._tiers}

    def who_asks(self, question: Question) -> tuple[Customer, tuple[str, ...]]:
        """The customer, and what the reply should note about how they were found."""
        named = question.customer_id
        if named is None:
            tier = question.tier or self._known[0]
            return Customer(None, tier, identity=_identity(question, known=False)), ()
        try:
            found = self._crm.find(named)
            paid = self._tiers.tier_of(named) if self._tiers else found.tier if found else None
        except UpstreamError as error:
            return self._unreached(question, error)
        # Whoever the CRM does not know is a customer like any other: nobody is refused an answer.
        base = found or Customer(named, self._known[0])
        tier = question.tier or paid or self._known[0]
        notices: tuple[str, ...] = ()
        if tier not in self._known:
            notices = (f"{named} is of the unknown tier {tier!r}; the strictest one was applied",)
            tier = self._known[-1]
        who = _identity(question, known=found is not None)
        return replace(base, tier=tier, identity=who), notices

    def _unreached(
        self, question: Question, error: UpstreamError
    ) -> tuple[Customer, tuple[str, ...]]:
        self.unreached += 1
        tier = question.tier or self._known[-1]
        customer = Customer(
            question.customer_id, tier, identity=_identity(question, known=False), reached=False
        )
        return customer, (f"{error}; {question.customer_id} was treated as {tier}",)


def _identity(question: Question, *, known: bool) -> Identity:
    """What the channel knows of who writes; a name that nobody knows proves nothing."""
    if question.identity is not None:
        return question.identity
    return Identity.NAMED if known else Identity.ANONYMOUS


class Imported:
    """The customers that were imported into the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, customer_id: str) -> Customer | None:
        """The customer as last imported."""
        with self._database.read() as connection:
            return customers.find_customer(connection, customer_id)
