"""Chat completions on the wire, as clients of OpenAI know them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kbsupport.api.shapes.base import LONGEST_QUESTION, Shown, Text
from kbsupport.api.shapes.questions import CitationOut
from kbsupport.model import Outcome, Reason

MODEL = "kbsupport"


class _Loose(BaseModel):
    """What such clients send: more than anybody can name, so what is not known here is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TextPart(_Loose):
    """A piece of a message; images, sounds and files are not read here."""

    type: Literal["text"]
    text: Text


class Turn(_Loose):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[TextPart] | None = None

    @property
    def said(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(one.text for one in self.content)
        return self.content or ""


class StreamOptions(_Loose):
    """What the stream holds beside the answer."""

    include_usage: bool = False


class ResponseFormat(_Loose):
    """In which form the answer should come."""

    type: Literal["text"] = Field(description="An answer is a quote, and a quote is text.")


def _asks(turns: list[Turn]) -> list[Turn]:
    last = next((one.said for one in reversed(turns) if one.role == "user"), "")
    if not last.strip():
        raise ValueError("there is no question: the last message of role user has no words")
    if len(last) > LONGEST_QUESTION:
        raise ValueError(f"the last message of role user has more than {LONGEST_QUESTION} signs")
    return turns


class ChatIn(_Loose):
    """A chat; its last user message is the question. How a model should sample is ignored."""

    model: str = Field(max_length=200, examples=[MODEL])
    messages: Annotated[list[Turn], AfterValidator(_asks)] = Field(
        min_length=1, max_length=1000,
        examples=[[{"role": "user", "content": "How do I reset my password?"}]],
    )  # fmt: skip
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = Field(default=None, description="There is one answer.")
    tool_choice: Literal["none", "auto"] | None = Field(
        default=None, description="Tools may be named and are never called."
    )
    response_format: ResponseFormat | None = None

    @property
    def question(self) -> str:
        """What is to be decided."""
        return next(one.said for one in reversed(self.messages) if one.role == "user")


class DecidedOut(Shown):
    """What a chat client cannot know: what was decided, and from where it is quoted."""

    decision_id: str
    outcome: Outcome
    reason: Reason
    probability: float
    certified: bool
    citations: list[CitationOut]
    ticket_id: str | None


class SaidOut(Shown):
    """The answer as a message."""

    role: Literal["assistant"]
    content: str


class ChoiceOut(Shown):
    """The only choice."""

    index: int
    message: SaidOut
    finish_reason: Literal["stop"]


class UsageOut(Shown):
    """Four signs count as a token, for clients that want a number; nobody is billed."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionOut(Shown):
    """An answer as OpenAI's clients expect it; `kbsupport` is ours."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChoiceOut]
    usage: UsageOut
    kbsupport: DecidedOut


class ModelOut(Shown):
    """The one model there is."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsOut(Shown):
    """All models."""

    object: Literal["list"]
    data: list[ModelOut]
