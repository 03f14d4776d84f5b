"""Chat on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kbsupport.api.shapes.base import Body, Name, Shown, Words


class ChatTicketIn(Body):
    """A wish to chat."""

    conversation_id: Name | None = Field(
        default=None, description="Go on with this one; without it a new one begins."
    )


class ChatTicketOut(Shown):
    """What opens one socket, once."""

    ticket: str = Field(description="Opens one socket within a minute, once.")
    conversation_id: str = Field(examples=["v-0f8d1c2b3a4958677685940a1b2c3d4e"])
    expires_in: int = Field(examples=[60])
    url: str = Field(examples=["/v1/chat?ticket=…"], description="Where; add `&after=SEQ`.")
    token: str | None = Field(
        description="For visitors: what they show from now on, in place of the page's key."
    )
    token_expires_in: int | None = Field(examples=[3600])


# The sender's own name for a message, by which it is known when it comes again.
ClientId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]


class MessageIn(Body):
    """A message in a chat, as a frame."""

    type: Literal["message"]
    id: ClientId
    text: Words


class PingIn(Body):
    """Whether anybody is there."""

    type: Literal["ping"]
