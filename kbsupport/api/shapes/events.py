"""Events on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from kbsupport.api.paging import Paging
from kbsupport.api.shapes.base import Body, Name, Page, Said, Shown
from kbsupport.api.shapes.questions import DecisionOut
from kbsupport.model import EventType

_LARGEST = 2**53


class EventsAsked(Paging):
    """Which events are wanted."""

    after: int = Field(default=0, ge=0, lt=_LARGEST, description="Only those after this number.")
    ticket_id: Name | None = Field(default=None, description="Only those of this ticket.")


class EventOut(Shown):
    """Something that happened: ids only, never what was said."""

    id: int
    type: EventType
    at: datetime
    ticket_id: str | None
    cause: int | None = Field(description="The event that led to it.")
    body: dict[str, Any]


class EventPage(Page):
    """What happened, in order."""

    items: list[EventOut]


class ChatMessageIn(Body):
    """A message that somebody wrote elsewhere."""

    type: Literal["chat.message"] = Field(examples=["chat.message"])
    text: Said = Field(examples=["How do I reset my password?"])
    conversation_id: Name | None = Field(
        default=None,
        description="Which one it goes on with; left out, one begins. Staff may name a new one.",
        examples=["chat-7f3a9c1e"],
    )
    id: Name | None = Field(
        default=None, description="Your name for the message: sent twice, it is taken in once."
    )
    customer_id: Name | None = Field(default=None, description="Staff only: who wrote it.")
    language: Name | None = Field(default=None, examples=["en"])
    product: Name | None = None


class ChainOut(Shown):
    """What a message caused."""

    ticket_id: str
    conversation_id: str
    events: list[EventOut] = Field(description="In order, each with the event that caused it.")
    decision: DecisionOut | None = Field(description="None while it is still being decided.")
