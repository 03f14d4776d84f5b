"""Tell endpoints what waits for them: many side by side, each of them one thing at a time."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.model import Event
from kbsupport.model.webhooks import Dispatch, Endpoint
from kbsupport.store import audit, events, hooks
from kbsupport.webhooks.schedule import GIVE_UP, asked_for, rest, told, wait_after

if TYPE_CHECKING:
    from kbsupport.store.database import Database
    from kbsupport.webhooks.webhooks import Post, Webhooks

_LOG = logging.getLogger("kbsupport.webhooks")
_AT_ONCE = 32
# One turn of an endpoint; then others that wait for a thread get theirs.
_TURN = 2.0
# Whoever told an endpoint and was killed keeps others from it for so long.
_LEASE = timedelta(seconds=60)
# A round that waits longer for slow ones would hold up what else its caller does.
_PATIENCE = 0.2
_KEPT = timedelta(days=30)
_TIDY_EVERY = 3600.0
_GONE = 410
_ERASED = "the event was erased"


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: int | None = None
    error: str | None = None
    asked: timedelta | None = None
    no_event: bool = False

    @property
    def good(self) -> bool:
        return self.status is not None and _good(self.status)


class Dispatcher:
    """Sends what is due; any number of processes may have one."""

    def __init__(
        self,
        database: Database,
        post: Callable[[], Post],
        webhooks: Webhooks,
        audit_key: bytes,
        clock: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._post, self._webhooks = database, post, webhooks
        self._audit_key, self._clock, self._chance = audit_key, clock, chance
        self._threads: ThreadPoolExecutor | None = None
        self._running: dict[str, Future[int]] = {}
        self._sent = 0
        self._lock = threading.Lock()
        self._tidy_at = 0.0

    def step(self, now: datetime | None = None, patience: float = _PATIENCE) -> int:
        """Begin to tell every endpoint that something is due for; how many sends have ended.

        Slow ones go on in the background, and are counted by the step that finds them done.
        """
        moment = now or self._clock()
        self._tidy(moment)
        with self._database.read() as connection:
            waiting = hooks.due(connection, moment)
        self._running = {name: one for name, one in self._running.items() if not one.done()}
        begun = [self._begin(name, now) for name in waiting if name not in self._running]
        if begun:
            wait(begun, timeout=patience)
        with self._lock:
            ended, self._sent = self._sent, 0
        return ended

    def close(self) -> None:
        """Let what was begun end; nothing new begins."""
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None

    def _begin(self, id: str, now: datetime | None) -> Future[int]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_AT_ONCE, "kbsupport-webhooks")
        future = self._threads.submit(self._turn, id, now)
        self._running[id] = future
        return future

    def _turn(self, id: str, now: datetime | None) -> int:
        """Tell one endpoint for a while; the outermost call of its thread."""
        try:
            return self._tell_all(id, now)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            _LOG.error("the webhook %s was not told: %s", id, type(error).__name__, exc_info=error)
            return 0

    def _tell_all(self, id: str, now: datetime | None) -> int:
        begun = now or self._clock()
        with self._database.write() as connection:
            endpoint = hooks.lease(connection, id, begun, begun + _LEASE)
        if endpoint is None:
            return 0
        over, done, again = time.monotonic() + _TURN, 0, True
        while again and time.monotonic() < over:
            moment = now or self._clock()
            taken = self._take(endpoint, moment)
            if taken is None:
                break
            outcome = self._send(endpoint, taken, moment)
            again = self._note(endpoint, taken, outcome, moment)
            done += 1
            with self._lock:
                self._sent += 1
        if again:
            with self._database.write() as connection:
                hooks.change_endpoint(connection, id, not_before=None)
        return done

    def _take(self, endpoint: Endpoint, now: datetime) -> Dispatch | None:
        with self._database.write() as connection:
            found = hooks.take(connection, endpoint.id, now)
            if found is not None:
                pause = wait_after(found.attempts + 1, 0.0) or _LEASE
                hooks.begin_attempt(connection, found.id, now + pause)
        return found

    def _send(self, endpoint: Endpoint, taken: Dispatch, now: datetime) -> _Outcome:
        event = self._event(taken.event_id)
        if event is None:
            return _Outcome(error=_ERASED, no_event=True)
        try:
            status, retry_after = self._post().send(
                endpoint.url, told(event), secrets=self._webhooks.secrets(endpoint, now),
                id=f"msg_{endpoint.id}_{event.id}", at=self._clock(),
            )  # fmt: skip
        except (UpstreamError, ConfigError) as error:
            return _Outcome(error=str(error))
        if _good(status):
            return _Outcome(status)
        return _Outcome(status, f"it answered {status}", asked_for(retry_after, now))

    def _event(self, id: int) -> Event | None:
        with self._database.read() as connection:
            found = events.events(connection, id - 1, 1)
        return found[0] if found and found[0].id == id else None

    def _note(self, endpoint: Endpoint, taken: Dispatch, outcome: _Outcome, now: datetime) -> bool:
        """Write down what came of it; True if the endpoint may be told the next thing."""
        with self._database.write() as connection:
            if outcome.good:
                assert outcome.status is not None
                hooks.note_sent(connection, taken.id, outcome.status, now)
                hooks.change_endpoint(connection, endpoint.id, failing_since=None)
                return True
            pause = wait_after(taken.attempts + 1, self._chance(), outcome.asked)
            hooks.note_failed(
                connection, taken.id, status=outcome.status, error=outcome.error or "",
                again=None if outcome.no_event or pause is None else now + pause, now=now,
            )  # fmt: skip
            if outcome.no_event:
                return True
            held = hooks.endpoint(connection, endpoint.id)
            since = held.failing_since or now
            calm = now + rest(now - since, outcome.asked)
            hooks.change_endpoint(connection, endpoint.id, failing_since=since, not_before=calm)
            why = _why_end(outcome, now - since)
            if why is not None and hooks.disable(connection, endpoint.id, why, now):
                audit.append(
                    connection, self._audit_key, actor="webhooks", action="webhook.disabled",
                    subject=f"webhook:{endpoint.id}", body={"why": why}, now=now,
                )  # fmt: skip
        return False

    def _tidy(self, now: datetime) -> None:
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + _TIDY_EVERY
        with self._database.write() as connection:
            hooks.forget_done(connection, now - _KEPT)


def _good(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004


def _why_end(outcome: _Outcome, failing_for: timedelta) -> str | None:
    """Why an endpoint is told nothing more; None while it is."""
    if outcome.status == _GONE:
        return "it answered 410, gone"
    if failing_for >= GIVE_UP:
        return f"nothing but failures for {GIVE_UP.days} days, the last: {outcome.error}"
    return None
