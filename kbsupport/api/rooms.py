"""Who reads along in which conversation, in this worker: each is read once for all of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kbsupport.api import chat_frames
from kbsupport.api.chat_frames import Frame
from kbsupport.errors import ConfigError
from kbsupport.model import Author, Caller, Event
from kbsupport.store import live

if TYPE_CHECKING:
    from kbsupport.app import App

_LOG = logging.getLogger("kbsupport.api")
_PAGE = 50
# More sockets than this on one conversation are no customer's; more in all than one worker holds.
MOST_MEMBERS, MOST_SOCKETS = 50, 5000
LEFT = 4401


class Member(Protocol):
    """One socket; `seen` is the number of the last message that it was given."""

    caller: Caller
    seen: int
    fresh: bool

    def give(self, frame: Frame) -> None:
        """Put a frame in its queue; it ends if that is full."""

    def end(self, code: int, reason: str) -> None:
        """Close it."""


@dataclass(frozen=True, slots=True)
class News:
    """What members of one conversation are told: messages, then what happened, or how it stands."""

    after: int
    messages: Sequence[Frame]
    told: Sequence[Frame]
    state: Frame
    more: bool


class Rooms:
    """Conversations that somebody reads along."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._members: dict[str, set[Member]] = {}
        self._count = 0

    def __contains__(self, conversation_id: str) -> bool:
        return conversation_id in self._members

    def join(self, conversation_id: str, member: Member) -> bool:
        """Read along from now on; False if too many do."""
        held = self._members.get(conversation_id, set())
        if len(held) >= MOST_MEMBERS or self._count >= MOST_SOCKETS:
            return False
        self._members[conversation_id] = held | {member}
        self._count += 1
        return True

    def leave(self, conversation_id: str, member: Member) -> None:
        """Read along no more."""
        held = self._members.get(conversation_id, set())
        if member not in held:
            return
        self._count -= 1
        if len(held) > 1:
            self._members[conversation_id] = held - {member}
        else:
            del self._members[conversation_id]

    def everybody(self) -> list[Member]:
        """All who read along."""
        return [member for held in self._members.values() for member in held]

    def read_from(self, names: Iterable[str]) -> dict[str, int]:
        """For each conversation that is read along, the number after which it has to be read."""
        return {
            name: min(member.seen for member in self._members[name])
            for name in names
            if name in self._members
        }

    def refresh(self, names: Iterable[str]) -> None:
        """Tell all of these how things stand at the next look."""
        for name in names:
            for member in self._members.get(name, ()):
                member.fresh = True

    def deliver(self, news: Mapping[str, News]) -> list[str]:
        """Give everybody what is new to them; the conversations that have more to read."""
        for name, one in news.items():
            for member in self._members.get(name, ()):
                _give(member, one)
        return [name for name, one in news.items() if one.more]

    def read(
        self, wanted: Mapping[str, int], events: Mapping[str, Sequence[Event]]
    ) -> dict[str, News]:
        """What is new in each conversation; one transaction for all of them."""
        made: dict[str, News] = {}
        with self._app.database.read() as connection:
            for name, after in wanted.items():
                said = live.said_after(connection, name, after, _PAGE)
                stands = live.standing_of(connection, name)
                decided = [
                    one.decision_id for one in said
                    if one.author is Author.ASSISTANT and one.decision_id
                ]  # fmt: skip
                cited = live.citations_of(connection, decided)
                last = said[-1].seq if said else after
                made[name] = News(
                    after,
                    [chat_frames.spoken(one, _of(one.decision_id, one.author, cited), self._name)
                     for one in said],
                    chat_frames.told(events.get(name, ()), name, stands, self._name),
                    chat_frames.state(name, stands, self._name, last),
                    more=len(said) == _PAGE,
                )  # fmt: skip
        return made

    def ended(self, members: Sequence[Member]) -> list[Member]:
        """Those whose key or token has ended, or whose conversation has become a customer's."""
        keys = self._app.lobby.keys
        strangers = [
            name for one in members if (name := one.caller.conversation_id) is not None
            and one.caller.customer_id is None
        ]  # fmt: skip
        taken: set[str] = set()
        if strangers:
            with self._app.database.read() as connection:
                taken = live.taken_over(connection, strangers)
        return [
            one for one in members
            if one.caller.conversation_id in taken or not keys.still(one.caller)
        ]  # fmt: skip

    def _name(self, id: str | None) -> str | None:
        try:
            found = self._app.people.rota().find(id) if id else None
        except ConfigError as error:
            # A rota that cannot be read keeps no message from anybody.
            _LOG.warning("%s", " ".join(str(error).split()))
            return None
        return found.name if found else None


def _of(
    decision_id: str | None,
    author: Author,
    cited: Mapping[str, Sequence[Mapping[str, object]]],
) -> Sequence[Mapping[str, object]]:
    return cited.get(decision_id or "", ()) if author is Author.ASSISTANT else ()


def _give(member: Member, news: News) -> None:
    if member.seen < news.after:  # it came while this was read: the next look is for it
        return
    told = () if member.fresh else news.told
    for frame in (*(one for one in told if one.early), *news.messages):
        if frame.early or frame.seq > member.seen:
            member.seen = max(member.seen, frame.seq)
            member.give(frame)
    if not member.fresh:
        for frame in told:
            if not frame.early:
                member.give(frame)
    elif not news.more:
        member.fresh = False
        member.give(news.state)
