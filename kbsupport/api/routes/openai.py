"""The knowledge base as a model: for chat front ends that speak with OpenAI's interface."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import Body, Path, Request, Response

from kbsupport.api.chat_route import ChatRoute
from kbsupport.api.guarding import caller_of, door, house_of, needs
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.openai import MODEL, ChatIn, CompletionOut, ModelOut, ModelsOut
from kbsupport.model import Reply, Scope

router = door("openai")
router.route_class = ChatRoute

_SIGNS_A_TOKEN = 4
_STREAM = "text/event-stream"
_MODEL = {"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}
# A stream is sent sentence by sentence, each with the white space that follows it.
_SENTENCE = re.compile(r".+?(?:[.!?。！？]\s+|\n+|\Z)", re.DOTALL)


@router.get("/models", response_model=ModelsOut)
@needs(Scope.ASK)
def list_models(request: Request) -> Response:
    """List the one model there is."""
    del request
    return as_json({"object": "list", "data": [_MODEL]})


@router.get("/models/{model}", response_model=ModelOut)
@needs(Scope.ASK)
def get_model(
    request: Request, model: Annotated[str, Path(description="A model.", examples=[MODEL])]
) -> Response:
    """Show the one model there is."""
    del request
    _check_model(model)
    return as_json(_MODEL)


@router.post(
    "/chat/completions",
    response_model=CompletionOut,
    responses={200: {"content": {_STREAM: {"schema": {"type": "string"}}}}},
)
@needs(Scope.ASK, thinks=True)
def complete(request: Request, asked: Annotated[ChatIn, Body()]) -> Response:
    """Decide the last user message, and answer as a chat model would.

    Each call is decided alone. No ticket is opened: where `kbsupport.outcome` is `escalate`,
    nobody has been told.
    """
    _check_model(asked.model)
    caller, house = caller_of(request), house_of(request)
    reply = house.app.ask(
        asked.question,
        customer=caller.customer_id,
        identity=caller.identity if not caller.staff else None,
        channel="openai",
        open_ticket=False,
    )
    house.app.lobby.decided(reply, "openai")
    created, usage = int(house.app.people.clock().timestamp()), _usage(asked, reply)
    if not asked.stream:
        return as_json(_whole(reply, created, usage))
    wanted = asked.stream_options is not None and asked.stream_options.include_usage
    frames = _frames(reply, created, usage if wanted else None)
    return Response("".join(frames).encode("utf-8", "backslashreplace"), 200, None, _STREAM)


def _check_model(model: str) -> None:
    if model != MODEL:
        raise Problem(404, f"there is one model here: {MODEL}")


def _whole(reply: Reply, created: int, usage: Mapping[str, int]) -> dict[str, Any]:
    said = {"role": "assistant", "content": reply.text}
    return {
        "id": _id(reply), "object": "chat.completion", "created": created, "model": MODEL,
        "choices": [
            {"index": 0, "message": said, "finish_reason": "stop", "logprobs": None}
        ],
        "usage": usage, "kbsupport": _decided(reply),
    }  # fmt: skip


def _frames(reply: Reply, created: int, usage: Mapping[str, int] | None) -> Iterator[str]:
    head = {
        "id": _id(reply), "object": "chat.completion.chunk", "created": created, "model": MODEL,
    }  # fmt: skip

    def chunk(delta: Mapping[str, str], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return head | {"choices": [choice]}

    yield _frame(chunk({"role": "assistant", "content": ""}))
    for sentence in _SENTENCE.findall(reply.text):
        yield _frame(chunk({"content": sentence}))
    yield _frame(chunk({}, "stop") | {"kbsupport": _decided(reply)})
    if usage is not None:
        yield _frame(head | {"choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _frame(chunk: Mapping[str, Any]) -> str:
    text = json.dumps(chunk, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"data: {text}\n\n"


def _id(reply: Reply) -> str:
    return f"chatcmpl-{reply.decision_id.removeprefix('d-')}"


def _decided(reply: Reply) -> dict[str, Any]:
    shown = reply.to_dict()
    names = ("decision_id", "outcome", "reason", "probability", "certified", "ticket_id")
    citations = shown["answer"]["citations"] if shown["answer"] else []
    return {name: shown[name] for name in names} | {"citations": citations}


def _usage(asked: ChatIn, reply: Reply) -> dict[str, int]:
    given = _tokens("".join(one.said for one in asked.messages))
    made = _tokens(reply.text)
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _tokens(text: str) -> int:
    return -(-len(text) // _SIGNS_A_TOKEN)
