import json

import pytest
from mcp import MCPError

from kbsupport.errors import StoreError

PASSWORD = "how do i reset the password"
NOBODY_KNOWS = "what do you think of the opera and the giraffe in operaland"
READING = [
    "search_knowledge_base", "ask_question", "explain_decision", "get_ticket", "list_escalations",
]  # fmt: skip


def failed(result):
    """What a tool said went wrong: a line, nothing of what is inside."""
    (content,) = result.content
    assert result.is_error
    assert "Traceback" not in content.text
    assert "/" not in content.text
    return content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_question_is_searched_decided_and_explained(talk, mode):
    async def story(client):
        found = await client.call_tool("search_knowledge_base", {"query": PASSWORD, "limit": 1})
        made = await client.call_tool("ask_question", {"text": PASSWORD})
        named = {"decision_id": made.structured_content["decision_id"]}
        why = await client.call_tool("explain_decision", named)
        uri = made.structured_content["citations"][0]["uri"]
        article = await client.read_resource(uri)
        return *(one.structured_content for one in (found, made, why)), article.contents[0].text

    found, made, why, article = talk(story, mode=mode)
    assert [one["article_id"] for one in found["articles"]] == ["password"]
    assert found["articles"][0]["passages"][0]["text"] in article
    assert (made["outcome"], made["certified"]) == ("resolve", True)
    assert made["citations"][0]["quote"] in article
    assert (why["question"], why["article_id"]) == (PASSWORD, "password")


def test_tools_that_write_are_there_only_if_they_were_asked_for(talk):
    async def names(client):
        return [one.name for one in (await client.list_tools()).tools]

    async def drafts(client):
        return await client.call_tool("draft_reply", {"escalation_id": "E-1", "text": "Soon."})

    assert talk(names) == READING
    assert talk(names, write=True) == [*READING, "draft_reply"]
    assert "no such tool" in failed(talk(drafts, by="mia"))


def test_every_tool_says_what_it_takes_gives_and_does(talk):
    async def story(client):
        return (await client.list_tools()).tools

    for tool in talk(story, write=True):
        hints = tool.annotations
        assert None not in (
            hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint,
            hints.open_world_hint,
        )  # fmt: skip
        assert tool.description
        assert tool.output_schema["properties"]
        for one in tool.input_schema["properties"].values():
            assert one["description"]


def test_a_draft_is_kept_for_whoever_has_claimed_the_escalation(talk, proven_app):
    made = proven_app.ask(NOBODY_KNOWS, customer="C-1", conversation_id="c-1")
    (waiting,) = proven_app.desk.list()
    lead = proven_app.people.rota().lead.id
    wish = {"escalation_id": waiting.escalation.id, "text": "We are looking at it."}

    async def drafts(client):
        queue = await client.call_tool("list_escalations", {})
        return queue.structured_content, await client.call_tool("draft_reply", wish)

    queue, early = talk(drafts, write=True, by=lead)
    assert queue["escalations"][0]["question"] == NOBODY_KNOWS
    assert "whoever has claimed" in failed(early)
    proven_app.desk.claim(waiting.escalation.id, lead)
    assert talk(drafts, write=True, by=lead)[1].structured_content["draft"] == wish["text"]

    async def looks(client):
        return await client.call_tool("get_ticket", {"ticket_id": made.ticket_id})

    shown = talk(looks).structured_content
    assert [one["author"] for one in shown["messages"]] == ["customer", "assistant"]
    assert shown["internal"]["customer_id"] == "C-1"


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("no_such_tool", {}, "no such tool"),
        ("../../etc/passwd", {}, "no such tool"),
        ("search_knowledge_base", {}, "query: Field required"),
        ("search_knowledge_base", {"query": 1}, "valid string"),
        ("search_knowledge_base", {"query": ["a"]}, "valid string"),
        ("search_knowledge_base", {"query": "a", "limit": 21}, "less than or equal to 20"),
        ("search_knowledge_base", {"query": "a", "limit": "[]"}, "valid integer"),
        ("search_knowledge_base", {"query": "a", "audience": "internal"}, "and nothing else"),
        ("ask_question", {"text": ""}, "at least 1"),
        ("ask_question", {"text": "a" * 10_000_000}, "at most 8000"),
        ("ask_question", {"text": "a", "customer_id": "C-1"}, "and nothing else"),
        ("explain_decision", {"decision_id": "d-\0"}, "nothing of that id"),
        ("get_ticket", {"ticket_id": "../T-1"}, "nothing of that id"),
        ("get_ticket", {"ticket_id": "T-99999999999999999999"}, "nothing of that id"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_in_one_line(talk, name, arguments, word):
    async def story(client):
        return await client.call_tool(name, arguments)

    assert word in failed(talk(story))


def test_a_fault_inside_says_nothing_of_what_is_inside(talk, proven_app, monkeypatch, caplog):
    def broken(*_, **__):
        raise StoreError("/var/lib/secret.db cannot be read")

    monkeypatch.setattr(type(proven_app), "search", broken)

    async def story(client):
        return await client.call_tool("search_knowledge_base", {"query": PASSWORD})

    assert failed(talk(story)) == "nothing can be read or kept just now; try again later"
    assert "/var/lib/secret.db" in caplog.text
    monkeypatch.setattr(type(proven_app), "search", lambda *_, **__: 1 / 0)
    assert failed(talk(story)) == "Error executing tool search_knowledge_base"


def test_articles_are_listed_and_read_by_ids_with_slashes_and_signs(make_app, folder, talk):
    root = folder(
        one="# One\n\nOne is public.\n", two="---\naudience: internal\n---\n# Two\n\nNo.\n"
    )
    (root / "a b").mkdir()
    (root / "a b" / "größe #1.md").write_text("# Size\n\nThe size is a number.\n", encoding="utf-8")
    (root / "draft.md").write_text("---\npublished: false\n---\n# Draft\n\nNo.\n", encoding="utf-8")
    app = make_app()
    app.index([root])

    async def story(client):
        listed = await client.read_resource("kb://articles")
        rows = json.loads(listed.contents[0].text)
        texts = [
            (await client.read_resource(one["uri"])).contents[0].text for one in rows["articles"]
        ]
        return rows, texts

    rows, texts = talk(story, app=app)
    assert [one["title"] for one in rows["articles"]] == ["Size", "One"]
    assert rows["next"] is None
    assert "The size is a number." in texts[0]
    assert [one["title"] for one in talk(story, app=app, internal=True)[0]["articles"]] == [
        "Size", "One", "Two",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "uri",
    [
        "kb://article/nothing", "kb://article/", "kb://article/../../etc/passwd",
        "kb://article/%2e%2e/%2e%2e/etc/passwd", "kb://article/..%2f..%2fetc%2fpasswd",
        "kb://article//etc/passwd", "kb://article/a%00b", "kb://article/password?x=1",
        "kb://article/password#x", "kb://elsewhere/x", "file:///etc/passwd", "", "kb://",
        "http://127.0.0.1/", "kb://article/" + "a/" * 5000,
    ],
)  # fmt: skip
def test_an_address_that_leads_elsewhere_is_not_found(talk, uri):
    async def story(client):
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
        return refused.value

    found = talk(story)
    assert found.error.code == -32602
    assert "root:" not in found.error.message
