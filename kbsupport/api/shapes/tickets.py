"""Tickets, their messages and what customers say of them, on the wire."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from kbsupport.api.shapes.base import Body, Name, Page, Shown, Text, Words
from kbsupport.model import Author, Delivery, State

_MOST_FILES = 50
_LONGEST_COMMENT = 4000
_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("base64 text is wanted")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is not base64") from None


Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": _BASE64}),
]


class FileIn(Body):
    """A file that comes with a message."""

    name: Name = Field(examples=["invoice.pdf"])
    kind: Name = Field(description="Its media type.", examples=["application/pdf"])
    data: Base64 = Field(description="Its bytes in base64.", examples=["JVBERi0xLjQK"])


class TicketIn(Body):
    """What somebody needs help with."""

    text: Words = Field(examples=["My invoice of March shows the wrong address."])
    subject: Name | None = Field(default=None, examples=["Wrong address"])
    language: Name | None = Field(default=None, examples=["en"])
    product: Name | None = None
    conversation_id: Name | None = Field(
        default=None, description="To go on with; left out, a new conversation begins."
    )
    customer_id: Name | None = Field(default=None, description="Staff only: for whom.")
    attachments: list[FileIn] = Field(default=[], max_length=_MOST_FILES)

    @property
    def whole(self) -> str:
        """The subject and the text as one message."""
        return self.text if self.subject is None else f"{self.subject}\n\n{self.text}"


class MessageIn(Body):
    """One more thing that a customer says."""

    text: Words = Field(examples=["It still shows the old one."])
    attachments: list[FileIn] = Field(default=[], max_length=_MOST_FILES)


class FeedbackIn(Body):
    """Whether it helped: a rating of the ticket, or a yes or no to it or to one article."""

    rating: StrictInt | None = Field(default=None, ge=1, le=5, examples=[5])
    helpful: StrictBool | None = None
    article_id: Name | None = Field(
        default=None, description="The article that `helpful` is about, if only that."
    )
    comment: Annotated[Text, Field(max_length=_LONGEST_COMMENT)] | None = Field(
        default=None, examples=["Quick, thanks"]
    )

    @model_validator(mode="after")
    def _says_something(self) -> FeedbackIn:
        if self.rating is None and self.helpful is None:
            raise ValueError("give a rating from 1 to 5, or say whether it helped")
        if self.rating is not None and self.article_id is not None:
            raise ValueError("a rating is about the ticket; of an article say whether it helped")
        return self


class TicketOut(Shown):
    """A ticket; what stands after `closed_at` is shown to staff only."""

    id: str = Field(examples=["T-1"])
    conversation_id: str = Field(examples=["v-2f0c"])
    state: State
    created_at: datetime
    question: str
    language: str | None
    closed_at: datetime | None
    customer_id: str | None = None
    tier: str | None = None
    topic: str | None = None
    reason: str | None = None
    decision_id: str | None = None
    owner: str | None = None
    next_action_at: datetime | None = None
    version: int | None = None
    brief: dict[str, Any] | None = None
    elsewhere: dict[str, str] | None = None


class ReceivedOut(TicketOut):
    """The ticket of a message that was taken in, and the message's number in its conversation."""

    seq: int


class TicketPage(Page):
    """Some tickets, the newest first."""

    items: list[TicketOut]


class AttachmentOut(Shown):
    """A file that came with a message."""

    name: str
    kind: str
    size: int
    sha256: str


class MessageOut(Shown):
    """One turn; `by` is a person's name for customers and an id for staff."""

    seq: int
    author: Author
    by: str | None
    text: str
    created_at: datetime
    attachments: list[AttachmentOut]
    decision_id: str | None = None
    delivery: Delivery | None = None


class MessagePage(Page):
    """Some messages, the oldest first."""

    items: list[MessageOut]


class FeedbackOut(Shown):
    """Feedback as it is kept."""

    ticket_id: str
    at: datetime
    rating: int | None
    helpful: bool | None
    article_id: str | None
    comment: str | None
