"""What became of an order: told to whom it belongs, by the system that knows, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsupport.errors import UpstreamError
from kbsupport.model import Customer, Intent, Order, Outcome, Question, Reason, Signals, Verdict

if TYPE_CHECKING:
    from kbsupport.ports import Orders
    from kbsupport.triage.policy import Policy

_ASKS = re.compile(
    r"\b(?:where(?:'s| is| are)|when (?:will|does|is|can)|status|track(?:ing)?|arriv|deliver|ship"
    r"|dispatched|sent|yet|how long)\b|\bwo (?:ist|bleibt)\b|\boù est\b|\bwaar (?:is|blijft)\b",
    re.IGNORECASE,
)
# What only a person may settle stays with one, whatever the order's state.
_SETTLED = frozenset(
    {Reason.BELOW_THRESHOLD, Reason.NO_PASSAGE, Reason.UNCERTIFIED, Reason.MISSING_DETAIL,
     Reason.TWO_CLOSE_ARTICLES, Reason.CERTIFIED_THRESHOLD, Reason.PRIOR_THRESHOLD,
     Reason.NOTHING_TO_QUOTE}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict on a question about an order, and the order where it may be told."""

    verdict: Verdict
    order: Order | None = None


class OrderDesk:
    """Looks an order up where a message asks what became of it, if policy lets it be told."""

    def __init__(self, orders: Orders | None, number: str) -> None:
        self._orders, self._number = orders, re.compile(number, re.IGNORECASE)

    @property
    def systems(self) -> Mapping[str, object]:
        """Who is asked, by the name of the setting."""
        return {"orders": self._orders}

    def look(
        self,
        question: Question,
        customer: Customer,
        signals: Signals,
        verdict: Verdict,
        policy: Policy,
    ) -> Told:
        """The verdict as it stands, or a better one that the order gives."""
        number = self._asked_for(question.text, signals, verdict)
        if number is None or self._orders is None:
            return Told(verdict)
        if customer.identity.level < policy.orders.level:
            rule = f"the policy tells of orders to {policy.orders} customers only"
            return Told(Verdict(Outcome.ESCALATE, Reason.UNVERIFIED, rule))
        try:
            order = self._orders.find(number)
        except UpstreamError as error:
            return Told(Verdict(Outcome.ESCALATE, Reason.UPSTREAM, str(error)))
        if order is None:
            return Told(Verdict(Outcome.ESCALATE, Reason.UNVERIFIED, f"no order is {number}"))
        if order.customer_id is None or order.customer_id != customer.id:
            # The customer reads the same as for an order that does not exist.
            rule = f"{number} is no order of {customer.id or 'whoever asks'}"
            return Told(Verdict(Outcome.ESCALATE, Reason.UNVERIFIED, rule))
        rule = f"the order {order.number} is {order.state}, says the system that keeps orders"
        return Told(Verdict(Outcome.REPLY, Reason.ORDER_STATUS, rule), order)

    def _asked_for(self, text: str, signals: Signals, verdict: Verdict) -> str | None:
        if self._orders is None or verdict.reason not in _SETTLED or signals.questions > 1:
            return None
        found = self._number.findall(text)
        asks = signals.intent is Intent.ORDER_STATUS or _ASKS.search(text) is not None
        return found[0].upper() if asks and len(set(found)) == 1 else None
