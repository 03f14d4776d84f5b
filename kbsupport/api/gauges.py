"""How things stand, read from the database whenever Prometheus looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

from kbsupport.errors import KbSupportError
from kbsupport.store import escalations, events, generations, tickets, waiting

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.model.webhooks import Endpoint

_MANY = 1_000_000
_STATES = ("working", "failing", "disabled")


class Gauges(Collector):
    """Queues, ages, the certificate and its live bound."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> list[Gauge]:
        """Nothing is read when it is registered."""
        return []

    def collect(self) -> Iterator[Gauge]:
        """Everything as it is now; what cannot be read is 0 in `kbsupport_up`."""
        up = Gauge("kbsupport_up", "1 while the part can be read", labels=["part"])
        for part, look in (
            ("queues", self._queues), ("index", self._index), ("outbox", self._outbox),
            ("webhooks", self._webhooks), ("certificate", self._certificate),
        ):  # fmt: skip
            try:
                yield from look()
                up.add_metric([part], 1)
            except KbSupportError:
                up.add_metric([part], 0)
        yield up

    def _queues(self) -> Iterator[Gauge]:
        now = self._app.people.clock()
        with self._app.database.read() as connection:
            held = escalations.waiting(connection, _MANY)
            undecided, since = waiting.count(connection), waiting.oldest(connection)
            stranded = len(tickets.without_next_action(connection))
        size = Gauge(
            "queue_size", "Escalations that wait for a person", labels=["queue", "priority"]
        )
        counts = Counter((str(one.level), _urgency(one.urgent)) for one in held)
        for (level, priority), count in counts.items() or {("frontline", "normal"): 0}.items():
            size.add_metric([level, priority], count)
        yield size
        yield Gauge(
            "kbsupport_overdue", "Escalations that wait longer than was promised",
            value=sum(one.first_due < now for one in held),
        )  # fmt: skip
        yield Gauge("kbsupport_undecided", "Conversations to be decided", value=undecided)
        yield Gauge(
            "kbsupport_undecided_oldest_seconds", "Since when the oldest of them waits",
            value=_age(since, now),
        )  # fmt: skip
        yield Gauge(
            "kbsupport_without_next_action", "Open tickets that nobody has: should be 0",
            value=stranded,
        )  # fmt: skip

    def _index(self) -> Iterator[Gauge]:
        with self._app.database.read() as connection:
            live = generations.live(connection)
        age = -1.0 if live is None else _age(live.created_at, self._app.people.clock())
        yield Gauge(
            "kbsupport_index_age_seconds", "Age of the live generation; -1 if there is none",
            value=age,
        )  # fmt: skip

    def _outbox(self) -> Iterator[Gauge]:
        late = Gauge(
            "kbsupport_outbox_oldest_seconds", "Age of the oldest event that was not told",
            labels=["subscriber"],
        )  # fmt: skip
        failed = Gauge(
            "kbsupport_outbox_failures", "How often in a row it could not be told",
            labels=["subscriber"],
        )  # fmt: skip
        now = self._app.people.clock()
        with self._app.database.read() as connection:
            for name in self._app.people.outbox.names:
                progress = events.subscriber(connection, name)
                untold = events.events(connection, progress.last_event_id, 1)
                late.add_metric([name], _age(untold[0].at, now) if untold else 0.0)
                failed.add_metric([name], progress.attempts)
        yield late
        yield failed

    def _webhooks(self) -> Iterator[Gauge]:
        counts = Counter(_standing(one) for one in self._app.lobby.webhooks.all())
        told = Gauge("kbsupport_webhooks", "Who is told outside, by how it goes", labels=["state"])
        for state in _STATES:
            told.add_metric([state], counts[state])
        yield told
        yield Gauge(
            "kbsupport_messages_failed", "Messages of ours that could not be delivered, ever",
            value=self._app.lobby.undelivered.count(),
        )  # fmt: skip

    def _certificate(self) -> Iterator[Gauge]:
        held = self._app.shelf.standing().certificate
        live = self._app.shelf.live()
        tiers = self._app.settings.customers.tiers
        proven = Gauge(
            "kbsupport_certificate", "1 if answers of the tier are proven", labels=["tier"]
        )
        for tier in tiers:
            proven.add_metric([tier], held is not None and tier in held.tiers)
        yield proven
        yield Gauge(
            "kbsupport_suspensions", "What alarms have taken back", value=len(live.suspended)
        )
        yield Gauge(
            "kbsupport_switched_off", "1 while all answers are switched off",
            value=live.broken is not None or str(live.all) == "off",
        )  # fmt: skip
        audited = self._app.loop.reviews.audited(held.id if held else None)
        yield Gauge(
            "kbsupport_wrong_rate_bound", "What audits say: the share of wrong answers is below",
            value=audited.bound.upper,
        )  # fmt: skip
        yield Gauge("kbsupport_audited", "Answers that were audited", value=audited.bound.n)


def _standing(endpoint: Endpoint) -> str:
    if endpoint.disabled_at is not None:
        return "disabled"
    return "working" if endpoint.failing_since is None else "failing"


def _urgency(urgent: bool) -> str:
    return "urgent" if urgent else "normal"


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
