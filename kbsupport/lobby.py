"""What stands between the doors and the rooms: keys, what comes in, what goes out, the work."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kbsupport.access.keys import Keys
    from kbsupport.app import App
    from kbsupport.deciding import Deciding
    from kbsupport.intake import Intake
    from kbsupport.meters import Meters
    from kbsupport.work import Work


class Lobby:
    """Builds each part when it is first touched."""

    def __init__(self, app: App) -> None:
        self._app = app

    @cached_property
    def keys(self) -> Keys:
        """Who may come in."""
        from kbsupport.access.keys import Keys
        from kbsupport.store.audit import read_key

        app = self._app
        secret = read_key(app.home / "keys.key")
        return Keys(app.database, secret, app.people.audit_key, app.people.clock)

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
        return Deciding(app.database, lambda: app.assistant, app.people.clock, self.meters.decided)

    @cached_property
    def meters(self) -> Meters:
        """What is counted."""
        from kbsupport.meters import Meters

        return Meters()

    def breakers(self) -> dict[str, bool]:
        """Which systems behind this one are left alone just now."""
        people = self._app.people
        asked = {**people.reception.systems, **people.orders.systems}
        guarded = {name: getattr(part, "guarded", None) for name, part in asked.items()}
        return {name: one.counts().open for name, one in guarded.items() if one is not None}

    @cached_property
    def work(self) -> Work:
        """All that is to be done behind the doors."""
        from kbsupport.work import Work

        return Work(self._app)
