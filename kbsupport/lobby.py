"""What stands between the doors and the rooms: keys, what comes in, what goes out, the work."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from kbsupport import tracing
from kbsupport.model import Audience, Caller, Filter, Question, Reply
from kbsupport.tracing import Ended, Traces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from kbsupport.access.keys import Keys
    from kbsupport.access.seeing import Readable
    from kbsupport.app import App
    from kbsupport.deciding import Deciding
    from kbsupport.inbound import Inbound
    from kbsupport.intake import Intake
    from kbsupport.meters import Meters
    from kbsupport.store.undelivered import Undelivered
    from kbsupport.webhooks.bells import Bells
    from kbsupport.webhooks.dispatching import Dispatcher
    from kbsupport.webhooks.webhooks import Post, Webhooks
    from kbsupport.work import Work


class Lobby:
    """Builds each part when it is first touched."""

    def __init__(self, app: App) -> None:
        self._app = app

    @cached_property
    def keys(self) -> Keys:
        """Who may come in."""
        from kbsupport.access.keys import Keys

        app = self._app
        return Keys(app.database, self.secret, app.people.audit_key, app.people.clock)

    def readable(
        self, caller: Caller, audience: Audience, tier: str | None = None, *, everything: bool
    ) -> Readable:
        """The articles that a caller may read, as this tier or as their own."""
        from kbsupport.access.seeing import Readable

        by = Filter(audience, tier or self._tier_of(caller))
        return Readable(self._app.database, by, everything)

    def _tier_of(self, caller: Caller) -> str:
        if caller.customer_id is None:
            return self._app.settings.customers.tiers[0]
        asked = Question("", customer_id=caller.customer_id, identity=caller.identity)
        return self._app.people.reception.who_asks(asked)[0].tier

    @cached_property
    def intake(self) -> Intake:
        """Whoever takes messages in."""
        from kbsupport.intake import Intake

        people, tiers = self._app.people, self._app.settings.customers.tiers
        return Intake(
            self._app.database, people.attachments.keep, tiers[0],
            people.clock,
        )  # fmt: skip

    @cached_property
    def deciding(self) -> Deciding:
        """Whoever decides what was taken in."""
        from kbsupport.deciding import Deciding

        app = self._app
        return Deciding(app.database, lambda: app.assistant, app.people.clock, self.decided)

    @cached_property
    def meters(self) -> Meters:
        """What is counted."""
        from kbsupport.meters import Meters

        return Meters()

    @cached_property
    def traces(self) -> Traces | None:
        """Where requests and decisions are traced, if that was asked for."""
        return Traces(tracing.exporter()()) if self._app.settings.serve.traces else None

    @property
    def traced(self) -> Callable[[Mapping[str, Any]], AbstractContextManager[Ended]]:
        """What stands around a request to trace it, or to leave it alone."""
        return self.traces.request if self.traces else tracing.untraced

    def decided(self, reply: Reply, channel: str) -> None:
        """Count a decision that was just made, and trace it."""
        self.meters.decided(reply, channel)
        if self.traces is not None:
            self.traces.decided(reply, channel)

    def fall_silent(self) -> None:
        """Send what was traced and not sent yet."""
        if self.traces is not None:
            self.traces.close()

    def breakers(self) -> dict[str, bool]:
        """Which systems behind this one are left alone just now; none before anything is asked."""
        if "assistant" not in vars(self._app):
            return {}
        people = self._app.people
        asked = {**people.reception.systems, **people.orders.systems}
        asked["rewriter"] = self._app.rewriter
        guarded = {name: getattr(part, "guarded", None) for name, part in asked.items()}
        return {name: one.counts().open for name, one in guarded.items() if one is not None}

    @cached_property
    def work(self) -> Work:
        """All that is to be done behind the doors."""
        from kbsupport.work import Work

        return Work(self._app)

    @cached_property
    def secret(self) -> bytes:
        """What keys, tokens and secrets of webhooks are made with; it lies beside the database."""
        from kbsupport.store.audit import read_key

        return read_key(self._app.home / "keys.key")

    @cached_property
    def post(self) -> Post:
        """Whoever calls addresses that strangers named."""
        from kbsupport import plugins

        hosts = self._app.settings.serve.private_hosts
        made: Post = plugins.build("poster", "fenced", allowed=hosts)
        return made

    @cached_property
    def undelivered(self) -> Undelivered:
        """Whoever counts the messages of ours that reached nobody."""
        from kbsupport.store.undelivered import Undelivered

        return Undelivered(self._app.database)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Who outside is told what happens."""
        from kbsupport.webhooks.webhooks import Webhooks

        people = self._app.people
        return Webhooks(
            self._app.database, lambda: self.post, self.secret, people.audit_key, people.clock
        )

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """Whoever tells them."""
        from kbsupport.webhooks.dispatching import Dispatcher

        people = self._app.people
        return Dispatcher(
            self._app.database, lambda: self.post, self.webhooks, people.audit_key, people.clock
        )

    @cached_property
    def bells(self) -> Bells:
        """Where other help desks ring."""
        from kbsupport.webhooks.bells import Bells

        people = self._app.people
        return Bells(self._app.database, self.secret, people.audit_key, people.clock)

    @cached_property
    def inbound(self) -> Inbound:
        """Whoever reads the tickets that they rang for."""
        from kbsupport.inbound import Inbound

        people = self._app.people
        return Inbound(
            self._app.database, lambda: people.ticketing, self.intake.receive, people.desk.close,
            self.secret, people.clock,
        )  # fmt: skip
