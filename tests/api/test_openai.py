import json

import openai
import pytest
from misbehaving import let_loopback_through
from serving import in_thread

from kbsupport.model import Role, Scope

PASSWORD = "how do i reset the password"
NOBODY_KNOWS = "what do you think of the opera and the giraffe in operaland"
USER = {"role": "user", "content": PASSWORD}
CHAT = {"model": "kbsupport", "messages": [USER]}


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def sdk(proven_app, key_for):
    """OpenAI's own client, on a real socket."""
    key = key_for("customer")["Authorization"].removeprefix("Bearer ")
    with (
        in_thread(proven_app, work=False) as served,
        openai.OpenAI(base_url=f"{served.origin}/v1", api_key=key, max_retries=0) as made,
    ):
        yield made


def test_openais_client_is_answered_with_the_source_beside_it(sdk):
    assert [one.id for one in sdk.models.list()] == ["kbsupport"]
    made = sdk.chat.completions.create(
        model="kbsupport", temperature=0.7, max_tokens=5, top_p=1, user="C-2", seed=1,
        tools=[{"type": "function", "function": {"name": "search", "parameters": {}}}],
        messages=[
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": NOBODY_KNOWS},
            {"role": "assistant", "content": "Arr."},
            {"role": "user", "content": [{"type": "text", "text": PASSWORD}]},
        ],
    )  # fmt: skip
    (choice,) = made.choices
    decided = made.model_extra["kbsupport"]
    assert (decided["outcome"], decided["certified"], decided["ticket_id"]) == (
        "resolve", True, None,
    )  # fmt: skip
    assert decided["citations"][0]["quote"] in choice.message.content
    assert (choice.finish_reason, made.id[9:]) == ("stop", decided["decision_id"][2:])
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens > 0


def test_a_stream_gives_the_same_answer_and_its_source_at_the_end(sdk):
    whole = sdk.chat.completions.create(**CHAT).choices[0].message.content
    with sdk.chat.completions.create(
        **CHAT, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    spoken = [one for one in chunks if one.choices]
    assert "".join(one.choices[0].delta.content or "" for one in spoken) == whole
    assert [one.choices[0].finish_reason for one in spoken][-2:] == [None, "stop"]
    assert spoken[-1].model_extra["kbsupport"]["citations"][0]["article_id"] == "password"
    assert chunks[-1].usage.completion_tokens > 0
    assert len({one.id for one in chunks}) == 1


def test_a_stream_ends_as_such_streams_do(client, key_for):
    found = client.post(
        "/v1/chat/completions", json=CHAT | {"stream": True}, headers=key_for("customer")
    )
    assert found.headers["content-type"].startswith("text/event-stream")
    frames = found.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert all(json.loads(one.removeprefix("data: ")) for one in frames[:-2])


def test_an_escalation_opens_no_ticket_and_promises_nobody(sdk, proven_app):
    asked = {"role": "user", "content": NOBODY_KNOWS}
    made = sdk.chat.completions.create(model="kbsupport", messages=[asked])
    decided = made.model_extra["kbsupport"]
    assert (decided["outcome"], decided["citations"]) == ("escalate", [])
    assert made.choices[0].message.content.endswith("; it needs a person.")
    assert proven_app.desk.list() == ()


def test_openais_client_understands_what_is_refused(sdk):
    with pytest.raises(openai.NotFoundError, match="there is one model here: kbsupport"):
        sdk.chat.completions.create(**CHAT | {"model": "gpt-4o"})
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("gpt-4o")
    with pytest.raises(openai.AuthenticationError, match="no valid key"):
        sdk.with_options(api_key="sk-nothing").chat.completions.create(**CHAT)
    with pytest.raises(openai.UnprocessableEntityError, match="there is no question"):
        sdk.chat.completions.create(
            model="kbsupport", messages=[{"role": "system", "content": "Hello"}]
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []}, {"messages": [{"role": "user", "content": "  "}]},
        {"messages": [{"role": "user", "content": "a" * 8001}]},
        {"messages": [{"role": "user", "content": "a\0b"}]},
        {"messages": [{"role": "pirate", "content": "a"}]},
        {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}]}]},
        {"messages": [USER, {"role": "user", "content": [{"type": "input_audio"}]}]},
        {"messages": [USER] * 1001}, {"messages": "a"}, {"messages": None},
        {"n": 2}, {"stream": "perhaps"}, {"model": None},
        {"tool_choice": "required"}, {"tool_choice": {"type": "function"}},
        {"response_format": {"type": "json_object"}},
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_and_not_guessed(client, key_for, wrong):
    found = client.post("/v1/chat/completions", json=CHAT | wrong, headers=key_for("customer"))
    assert found.status_code == 422, found.text
    assert found.json()["faults"]


def test_a_key_without_the_scope_and_one_from_a_page_are_refused(client, key_for):
    for header in (
        key_for(Role.CUSTOMER, scopes=[Scope.TICKETS_READ]), key_for("auditor"),
        key_for("customer", visitors=True) | {"Origin": "http://testserver"},
    ):  # fmt: skip
        for found in (
            client.post("/v1/chat/completions", json=CHAT, headers=header),
            client.get("/v1/models", headers=header),
        ):
            assert found.status_code == 403
