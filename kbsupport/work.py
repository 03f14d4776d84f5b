"""The work behind the doors: decide what waits, tell who listens, move the overdue on."""

from __future__ import annotations

import logging
import threading
import time
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
                done = self.round()
            except KbSupportError as error:
                _LOG.error("%s", " ".join(str(error).split()))
                over.wait(_AFTER_A_FAILURE)
                continue
            if not done.decided:
                over.wait(_IDLE)
        self._app.lobby.dispatcher.close()
        self._app.lobby.inbound.close_up()
        self._app.lobby.fall_silent()

    def round(self, patience: float = 0.0) -> Done:
        """What there is to do right now; others outside are waited for so many seconds."""
        lobby, now = self._app.lobby, time.monotonic()
        decided = 0
        while decided < _AT_ONCE and lobby.deciding.one():
            decided += 1
        told = 0
        if now >= self._tell_at:
            told = sum(self._app.people.outbox.deliver().told.values())
            lobby.meters.systems(lobby.breakers())
            lobby.dispatcher.step(patience=patience)
            lobby.inbound.step(patience=patience)
            self._tell_at = now + _TELL_EVERY
        if now >= self._sweep_at:
            self._app.people.sweep()
            self._sweep_at = now + _SWEEP_EVERY
        return Done(decided, told)

    def until_done(self) -> Done:
        """Everything that is ready, once."""
        decided = 0
        while self._app.lobby.deciding.one():
            decided += 1
        self._tell_at = self._sweep_at = 0.0
        last = self.round(_PATIENCE)
        return Done(decided + last.decided, last.told)
