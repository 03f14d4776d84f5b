"""Decide what was taken in: one conversation at a time, each by one process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kbsupport.errors import KbSupportError, StoreError
from kbsupport.keeping import Overtaken
from kbsupport.model import Kept, Question, Reply
from kbsupport.store import conversations, decisions, waiting
from kbsupport.store.waiting import Waiting

if TYPE_CHECKING:
    from kbsupport.assistant import Assistant
    from kbsupport.store.database import Database

_LOG = logging.getLogger("kbsupport.work")
# Whoever took a conversation and was killed keeps others from it for so long.
_LEASE = timedelta(seconds=60)
# However fast somebody goes on writing, so long after the first message it is decided.
_PATIENCE = timedelta(seconds=4)
_TRIES = 5


class Deciding:
    """Takes what waits, the longest first, and lets the assistant decide it."""

    def __init__(
        self,
        database: Database,
        assistant: Callable[[], Assistant],
        clock: Callable[[], datetime],
        told: Callable[[Reply, str], None],
    ) -> None:
        self._database, self._assistant, self._clock = database, assistant, clock
        self._told = told

    def one(self) -> bool:
        """Decide the conversation that has waited longest; False if none is ready."""
        with self._database.read() as connection:
            if not waiting.any_ready(connection, self._clock(), _PATIENCE):
                return False
        taken = self._take(None)
        if taken is not None:
            self._decide(taken)
        return taken is not None

    def now(self, conversation_id: str) -> Reply | None:
        """What a conversation's last message was decided to, decided at once if it waits.

        None while another process is at it.
        """
        for _ in range(_TRIES):
            taken = self._take(conversation_id)
            if taken is None:
                break
            self._decide(taken)
        with self._database.read() as connection:
            said = conversations.messages(connection, conversation_id)
            last = next((one.decision_id for one in reversed(said) if one.decision_id), None)
            found = decisions.find_decision(connection, last) if last else None
        return None if found is None else Reply.from_dict(found.body)

    def _take(self, only: str | None) -> Waiting | None:
        now = self._clock()
        with self._database.write() as connection:
            return waiting.lease(connection, now, now + _LEASE, _PATIENCE, only)

    def _decide(self, taken: Waiting) -> None:
        question = self._question(taken)
        if question is None:  # erased, or decided with another message meanwhile
            with self._database.write() as connection:
                # Unless somebody wrote since we looked.
                if not conversations.undecided(connection, taken.conversation_id):
                    waiting.end(connection, taken.conversation_id)
            return
        try:
            reply = self._assistant().ask(question)
        except Overtaken:
            # Somebody wrote meanwhile: it is no fault of the message, and is thought of anew.
            with self._database.write() as connection:
                waiting.release(connection, taken)
        except StoreError:
            raise  # nothing can be kept, of any conversation
        except KbSupportError as error:
            # Its lease stays: it comes again in a minute, after all that have not failed.
            _LOG.error("%s: %s", taken.conversation_id, " ".join(str(error).split()))
        else:
            self._told(reply, question.channel)

    def _question(self, taken: Waiting) -> Question | None:
        with self._database.read() as connection:
            held = conversations.find(connection, taken.conversation_id)
            said = conversations.undecided(connection, taken.conversation_id)
        if held is None or not said:
            return None
        return Question(
            text="\n".join(one.text for one in said),
            customer_id=held.customer_id,
            conversation_id=held.id,
            identity=held.identity,
            channel=held.channel,
            language=taken.given.get("language"),
            product=taken.given.get("product"),
            kept=Kept(tuple(one.id for one in said), taken.cause, taken.attempts - 1),
        )
