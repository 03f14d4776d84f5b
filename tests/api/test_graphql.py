import importlib.util

import pytest
from graphql import get_introspection_query

from kbsupport.intake import Incoming
from kbsupport.model import Identity, Role, Scope

NOBODY_KNOWS = "what do you think of the opera and the giraffe in operaland"
MIXED = """{ __schema { queryType { name } }
  tickets(first: 100) { items { messages(first: 100) { text } } } }"""
INWARD = "{ __schema { types { name fields { name } } } }"


@pytest.fixture
def ask(client, key_for):
    """Ask as somebody: the status, the data and the messages of what went wrong."""

    def ask(query, role="admin", variables=None, **wish):
        body = {"query": query} | ({} if variables is None else {"variables": variables})
        got = client.post("/graphql", json=body, headers=key_for(role, **wish))
        found = got.json()
        said = [one["message"] for one in found.get("errors", ())] or [found.get("detail")]
        return got.status_code, found.get("data"), said

    return ask


@pytest.fixture
def theirs(proven_app):
    """A ticket of each of two customers, and an escalation of the second."""
    mine = proven_app.lobby.intake.receive(
        Incoming("my parcel", customer_id="C-1", identity=Identity.VERIFIED)
    )
    other = proven_app.ask(NOBODY_KNOWS, customer="C-2", conversation_id="c-2", identity="verified")
    return mine.ticket.id, other.ticket_id


def test_staff_read_tickets_escalations_articles_and_metrics_in_one_question(ask, theirs):
    status, data, _ = ask(
        """query whole($first: Int!) {
          tickets(first: $first) { items { id customer_id messages { author text } } next_cursor }
          escalations { items { id position ticket { question } } }
          articles(first: 1) { items { id title text } next_cursor }
          metrics
        }""",
        variables={"first": 1},
    )
    assert status == 200
    (newest,) = data["tickets"]["items"]
    assert (newest["id"], newest["customer_id"]) == (theirs[1], "C-2")
    assert newest["messages"][0] == {"author": "customer", "text": NOBODY_KNOWS}
    assert data["escalations"]["items"][0]["ticket"]["question"] == NOBODY_KNOWS
    assert "battery" in data["articles"]["items"][0]["text"]
    assert data["metrics"]["cases"] == 1
    cursor = data["tickets"]["next_cursor"]
    _, data, _ = ask(f'{{ tickets(after: "{cursor}") {{ items {{ id }} }} }}')
    assert [one["id"] for one in data["tickets"]["items"]] == [theirs[0]]


def test_a_customer_reads_what_is_theirs_and_no_word_of_others(ask, theirs):
    mine, other = theirs
    _, data, said = ask("{ tickets { items { id reason customer_id } } }", "customer")
    assert data["tickets"]["items"] == [{"id": mine, "reason": None, "customer_id": None}]
    foreign = ask(f'{{ ticket(id: "{other}") {{ id question }} }}', "customer")
    unknown = ask('{ ticket(id: "T-99999") { id question } }', "customer")
    assert foreign == unknown == (
        200, {"ticket": None}, ["there is nothing of that id here, or nothing that you may see"],
    )  # fmt: skip
    _, data, said = ask("{ articles { items { id } } escalations { items { id } } }", "customer")
    assert (data["escalations"], bool(data["articles"])) == (None, True)
    assert "the scope desk" in said[0]
    assert ask("{ metrics }", "customer")[1] == {"metrics": None}


def test_each_field_asks_for_the_scope_that_rest_asks_for(ask):
    everything = "{ tickets { next_cursor } articles { next_cursor } metrics }"
    _, data, said = ask(everything, Role.ADMIN, scopes=[Scope.TICKETS_READ])
    assert (data["articles"], data["metrics"], len(said)) == (None, None, 2)
    assert ask(everything, Role.ADMIN, scopes=[Scope.ASK])[0] == 403


def test_the_schema_is_shown_to_staff_alone(ask):
    whole = get_introspection_query()
    assert {"name": "Ticket"} in [
        {"name": one["name"]} for one in ask(whole, "auditor")[1]["__schema"]["types"]
    ]
    hidden = "{ ...all } fragment all on Query { __schema { types { name } } }"
    for query in (INWARD, hidden, '{ __type(name: "Ticket") { name } }'):
        assert ask(query, "customer")[0] == 403
    assert ask("{ __typename }", "customer")[1] == {"__typename": "Query"}
    # A field that there is not is refused without a word of those that there are.
    _, data, said = ask("{ ticket(id: 1) { reasn } }", "customer")
    assert (data, "reason" in said[0]) == (None, False)


def laughing(depth):
    """A few lines that would be very many fields."""
    parts = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(depth)]
    return f"{{ ...f0 }} {' '.join(parts)} fragment f{depth} on Query {{ __typename }}"


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("{", "cannot be read"),
        ("{ tickets { items { id } } } }", "cannot be read"),
        ("{ a }" * 1000, "cannot be read"),
        ("{ a " * 900, "nested too deeply"),
        ("{ " + "a { " * 9 + "b" + " }" * 10, "10 deep"),
        ("{ tickets(first: 100) { items { messages(first: 100) { text } } } }", "may fetch"),
        ("query q($n: Int) { tickets(first: $n) { items { messages { text author seq } } } }",
         "may fetch"),
        ("{ " + " ".join(f"m{n}: metrics" for n in range(6)) + " }", "may fetch"),
        (laughing(40), "may fetch"),
        (MIXED, "may fetch"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "in a circle"),
        ("fragment a on Query { __typename }", "no operation"),
    ],
)  # fmt: skip
def test_a_query_that_goes_too_deep_or_fetches_too_much_is_refused_unrun(ask, query, word):
    status, data, (said,) = ask(query)
    assert (status, data) == (400, None)
    assert word in said


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("mutation { close(id: 1) }", "mutation"),
        ("{ tickets(first: 101) { next_cursor } }", "from 1 to 100"),
        ('{ tickets(after: "zz") { next_cursor } }', "pattern"),
        ('{ tickets(state: ["odd"]) { next_cursor } }', "odd"),
        ('{ metrics(since: "yesterday") }', "valid"),
        ('{ ticket(id: "\\u0000") { id } }', "nothing of that id"),
        ("{ nothing }", "nothing"),
        ("subscription { tickets }", "subscription"),
    ],
)
def test_a_query_that_cannot_be_meant_says_why(ask, query, word):
    status, _, said = ask(query)
    assert (status, word in said[0]) == (200, True), said


def test_without_the_extra_there_is_no_such_door(proven_app, monkeypatch):
    from kbsupport.api.routes import graphql

    assert graphql.routers() == (graphql.router,)
    monkeypatch.setattr(graphql, "find_spec", lambda _: None)
    assert graphql.routers() == ()
    assert importlib.util.find_spec("strawberry")
