"""The work behind the doors: decide what waits, tell who listens, move the overdue on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsupport.errors import KbSupportError

if TYPE_CHECKING:
    from kbsupport.app import App

_LOG = logging.getLogger("kbsupport.work")
# How long nothing to do is believed; how often others are told, and the overdue looked for.
_IDLE, _TELL_EVERY, _SWEEP_EVERY = 0.05, 0.5, 30.0
# So many decisions in a row, then others get their turn.
_AT_ONCE = 20
_AFTER_A_FAILURE = 1.0
_PATIENCE = 10.0
_TELLING = 1.0


@contextmanager
def _part(failed: list[Exception]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again, after the others
        failed.append(error)


@dataclass(frozen=True, slots=True)
class Done:
    """What one round came to."""

    decided: int = 0
    told: int = 0


class Work:
    """One round after another; any number of processes may do it at once."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tell_at = self._sweep_at = 0.0

    def run(self, over: threading.Event) -> None:
        """Work until it is over; what fails is said, waits a moment and is tried again."""
        while not over.is_set():
            try:
                done = self.round(over=over)
            except KbSupportError as error:
                _LOG.error("%s", " ".join(str(error).split()))
                over.wait(_AFTER_A_FAILURE)
                continue
            except Exception as error:  # noqa: BLE001 - the outermost loop: others go on waiting
                _LOG.error("the work failed: %s", type(error).__name__, exc_info=error)
                over.wait(_AFTER_A_FAILURE)
                continue
            if not done.decided:
                over.wait(_IDLE)
        self._app.lobby.fall_silent()
        self._app.lobby.dispatcher.close()
        self._app.lobby.inbound.close_up()

    def round(self, patience: float = 0.0, over: threading.Event | None = None) -> Done:
        """What there is to do right now; others outside are waited for so many seconds.

        A part that fails holds up no other: its error is raised once all have had their turn.
        """
        lobby, now, failed = self._app.lobby, time.monotonic(), list[Exception]()
        decided = told = 0
        with _part(failed):
            decided = self._decide(over)
        if over is not None and over.is_set():
            return Done(decided)
        if now >= self._tell_at:
            self._tell_at = now + _TELL_EVERY
            with _part(failed):
                lobby.meters.systems(lobby.breakers())
            with _part(failed):
                # Whoever waits for a decision does not wait for a slow help desk.
                seconds = None if over is None else _TELLING
                told = sum(self._app.people.outbox.deliver(seconds=seconds).told.values())
            with _part(failed):
                lobby.dispatcher.step(patience=patience)
            with _part(failed):
                lobby.inbound.step(patience=patience)
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_EVERY
            with _part(failed):
                self._app.people.sweep()
        if failed:
            raise failed[0]
        return Done(decided, told)

    def _decide(self, over: threading.Event | None) -> int:
        decided = 0
        while decided < _AT_ONCE and not (over is not None and over.is_set()):
            if not self._app.lobby.deciding.one():
                break
            decided += 1
        return decided

    def until_done(self) -> Done:
        """Everything that is ready, once."""
        decided = 0
        while self._app.lobby.deciding.one():
            decided += 1
        self._tell_at = self._sweep_at = 0.0
        last = self.round(_PATIENCE)
        return Done(decided + last.decided, last.told)
