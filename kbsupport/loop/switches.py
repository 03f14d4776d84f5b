"""The switches that people set: on, shadow or off, for all answers or those on one topic."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, StoreError
from kbsupport.model import EventType
from kbsupport.standing import LIVE
from kbsupport.store import audit, events, reviews
from kbsupport.triage.live import Live, Mode, Suspension

if TYPE_CHECKING:
    from kbsupport.standing import Shelf
    from kbsupport.store.database import Database


class Switches:
    """Sets them at once for every process on this home, and writes down who did it and why."""

    def __init__(
        self,
        shelf: Shelf,
        database: Callable[[], Database],
        audit_key: Callable[[], bytes],
        clock: Callable[[], datetime],
    ) -> None:
        self._shelf, self._database = shelf, database
        self._audit_key, self._clock = audit_key, clock

    def live(self) -> Live:
        """How they stand."""
        return self._shelf.live()

    def set(self, mode: Mode, topic: str | None, by: str, why: str = "") -> Live:
        """Set one; off for all is the kill switch, and waits for nothing but the disk."""
        with self._alone():
            made = self.live().switched(mode, topic)
            self._shelf.write(LIVE, made.to_dict())
        set_so = {"topic": topic, "mode": str(mode)}
        self._told(by, set_so, set_so | {"why": why})
        return made

    def suspend(self, suspension: Suspension) -> Live:
        """Take back what an alarm speaks of; a second alarm of the same words adds nothing."""
        with self._alone():
            found = self.live()
            if any(one.why == suspension.why for one in found.suspended):
                return found
            made = found.with_suspension(suspension)
            self._shelf.write(LIVE, made.to_dict())
        return made

    def lift(self, by: str, why: str) -> Live:
        """End all suspensions: a person's decision, with a reason that is kept."""
        if not why.strip():
            raise ConfigError("say why the suspension ends; the reason is kept")
        with self._alone():
            found = self.live()
            if not found.suspended:
                raise ConfigError("nothing is suspended; see: kbsupport switch show")
            made = found.lifted()
            self._shelf.write(LIVE, made.to_dict())
        with self._database().write() as connection:
            reviews.end_alarms(connection, self._clock())
        ended = [one.why for one in found.suspended]
        self._told(by, {"lifted": len(ended)}, {"lifted": ended, "why": why})
        return made

    def _told(self, by: str, told: dict[str, Any], kept: dict[str, Any]) -> None:
        """What is kept has somebody's own words: for the audit log, not for who hears events."""
        now = self._clock()
        with self._database().write() as connection:
            events.record(connection, EventType.SWITCH_CHANGED, now=now, body={"by": by, **told})
            audit.append(
                connection, self._audit_key(), actor=by, action=str(EventType.SWITCH_CHANGED),
                subject=str(told.get("topic") or "all"), body=kept, now=now,
            )  # fmt: skip

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two who set different switches at once must not undo one another's."""
        home = self._shelf.home
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = (home / f"{LIVE}.lock").open("w")
        except OSError as error:
            raise StoreError(f"{home} cannot be written: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
