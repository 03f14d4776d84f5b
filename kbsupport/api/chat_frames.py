"""What goes over a chat's socket, as text; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kbsupport.model import Author, Event, EventType, Message, State
from kbsupport.store.live import Standing

# Whoever works here by this id is called so.
NameOf = Callable[[str | None], str | None]

_CITED = ("article_id", "title", "url", "section", "quote")
_MOVED = frozenset(
    {
        EventType.TICKET_CLARIFYING,
        EventType.TICKET_RELEASED,
        EventType.TICKET_HANDED_BACK,
        EventType.TICKET_REOPENED,
    }
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is sent; `message` where it is one, so that it can be noted that it was."""

    text: str
    message: Message | None = None
    early: bool = False  # told before the messages that were stored at the same time

    @property
    def seq(self) -> int:
        """The number of the message; 0 for what is none."""
        return self.message.seq if self.message else 0


def spoken(message: Message, cited: Sequence[Mapping[str, Any]], name_of: NameOf) -> Frame:
    """A message, by whom it is, with what it quotes."""
    person = message.author is Author.SPECIALIST
    said = {
        "type": "message", "seq": message.seq, "author": str(message.author),
        "name": name_of(message.by) if person else None, "text": message.text,
        "at": message.created_at.isoformat(),
        "citations": [{name: one.get(name) for name in _CITED} for one in cited],
    }  # fmt: skip
    return Frame(_json(said), message)


def told(
    events: Sequence[Event], conversation_id: str, stands: Standing | None, name_of: NameOf
) -> list[Frame]:
    """What a conversation's events mean to those who read along, in order."""
    if stands is None:
        return []
    made: list[Frame] = []
    for event in events:
        said = _told(event, name_of)
        if said is not None:
            whole = plain(said[0], ticket_id=stands.ticket_id, **said[1])
            early = event.type is EventType.TICKET_CLAIMED
            made.append(replace(whole, early=True) if early else whole)
        elif event.type in _MOVED:
            made.append(state(conversation_id, stands, name_of))
    if any(event.type is EventType.MESSAGE_RECEIVED for event in events) and _typing(stands):
        made.append(plain("typing", author=str(Author.ASSISTANT)))
    return made


def state(
    conversation_id: str, stands: Standing | None, name_of: NameOf, seq: int | None = None
) -> Frame:
    """Where things stand: sent when all messages of before are, and when it changes."""
    return plain(
        "state",
        conversation_id=conversation_id,
        ticket_id=stands.ticket_id if stands else None,
        state=_shown(stands.state) if stands else None,
        name=name_of(stands.owner) if stands else None,
        typing=stands is not None and _typing(stands),
        **({} if seq is None else {"seq": seq}),
    )


def plain(type: str, **said: Any) -> Frame:
    """A frame that is no message."""
    return Frame(_json({"type": type} | said))


def wrong(code: str, detail: str, id: str | None = None) -> Frame:
    """That something was not done, and why."""
    named = {} if id is None else {"id": id}
    return plain("error", code=code, detail=detail, **named)


def _told(event: Event, name_of: NameOf) -> tuple[str, dict[str, Any]] | None:
    by = event.body.get("by")
    match event.type:
        case EventType.TICKET_ESCALATED:
            return "escalated", {}
        case EventType.TICKET_CLAIMED:
            return "joined", {"name": name_of(by)}
        case EventType.TICKET_ANSWERED:
            author = Author.SPECIALIST if by else Author.ASSISTANT
            return "answered", {"author": str(author), "name": name_of(by) if by else None}
        case EventType.TICKET_CLOSED:
            return "closed", {}
        case _:
            return None


def _typing(stands: Standing) -> bool:
    return stands.waits and not stands.state.with_a_person


def _shown(state: State) -> str:
    # That a colleague has to agree first is nothing that a customer needs to know.
    return str(State.ASSIGNED if state is State.WAITING_FOR_APPROVAL else state)


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
