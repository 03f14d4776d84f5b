"""Cases and facts made by hand, so that every figure has a truth to be held to."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from kbsupport.store.facts import Asked, Audited, Facts, Handed, Held, Said, Spoken

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
LATER = MONDAY + timedelta(days=30)


class Made:
    """Facts that grow by one conversation at a time."""

    def __init__(self):
        self.asked, self.tickets, self.spoken, self.handed, self.said = [], [], [], [], []
        self.audited, self.now, self._number = [], LATER, count(1)

    def case(
        self, *outcomes, at=MONDAY, customer="c-1", topic="billing", tier="standard",
        channel="chat", state=None, **given,
    ):  # fmt: skip
        """A conversation; each outcome is one message, an hour after the one before.

        An outcome may be a pair with the hours since the start.
        """
        number = next(self._number)
        for place, outcome in enumerate(outcomes):
            what, hours = outcome if isinstance(outcome, tuple) else (outcome, place)
            self.asked.append(
                Asked(
                    decision_id=f"d-{number}-{place}", at=at + timedelta(hours=hours),
                    conversation_id=f"v-{number}", customer_id=customer, tier=tier, channel=channel,
                    topic=topic, outcome=what, reason=given.get("reason", "below_threshold"),
                    certified=given.get("certified", False),
                    certificate=given.get("certificate"), article_id="a", intent="faq",
                    sentiment=0.5 if place else -0.5, error=None, notices=(), milliseconds=20.0,
                )
            )  # fmt: skip
        last = outcomes[-1] if outcomes else "escalate"
        stands = state or ("queued" if last == "escalate" else "answered")
        self.tickets.append(Held(number, f"v-{number}", at, channel, customer, tier, topic, stands))
        return number

    def handed_over(self, number, *, by="ana", opened=0.0, claimed=1.0, answered=2.0, due=8.0):
        """A person gets this case, and answers it so many hours after its start."""
        start = self.tickets[number - 1].began

        def after(hours):
            return None if hours is None else start + timedelta(hours=hours)

        state = "assigned" if answered is None else "answered"
        self.handed.append(
            Handed(
                number, state, by, after(opened), after(claimed), after(answered), after(due / 2),
                after(due),
            )
        )  # fmt: skip
        if answered is not None:
            self.spoken.append(Spoken(f"v-{number}", after(answered), by, "sent"))

    def rated(self, number, rating=None, *, helpful=None, hours=5.0):
        at = self.tickets[number - 1].began + timedelta(hours=hours)
        self.said.append(Said(number, at, rating, helpful, None))

    def audit(self, number, right, *, state="agreed", share=0.5):
        self.audited.append(Audited(f"d-{number}-0", state, share, right))

    def facts(self, **given):
        rows = {name: tuple(getattr(self, name)) for name in (
            "asked", "tickets", "spoken", "handed", "said", "audited"
        )}  # fmt: skip
        return Facts(since=MONDAY - timedelta(days=60), now=self.now, **{**rows, **given})


@pytest.fixture
def made():
    return Made()
