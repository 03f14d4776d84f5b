"""Conversations, and the tokens with which customers and visitors have them, on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, StrictFloat

from kbsupport.api.shapes.base import Body, Name, Shown
from kbsupport.model import State

_DAY = 1440


class ConversationOut(Shown):
    """A thread, how far it has come, and its ticket once it has one."""

    id: str
    channel: str
    last_seq: int
    ticket_id: str | None
    state: State | None
    customer_id: str | None = Field(default=None, description="Staff only.")


class TokenIn(Body):
    """For whom a token stands, and for how long."""

    # Longer ones make a token longer than any that is let in.
    customer_id: Name = Field(max_length=100, examples=["C-1001"])
    minutes: StrictFloat | None = Field(default=None, gt=0, le=_DAY, examples=[30])


class TokenOut(Shown):
    """A customer's token: send it as a Bearer. Repeated, the answer leaves it out."""

    token: str | None = Field(examples=["kbt_…"])
    customer_id: str
    expires_at: datetime


class VisitorOut(Shown):
    """A visitor's token and the one conversation that it opens."""

    token: str | None = Field(examples=["kbt_…"])
    conversation_id: str
    expires_at: datetime
