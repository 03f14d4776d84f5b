"""Who may do what, asked of every route there is; and two customers who never see each other."""

from collections.abc import Iterator

import pytest
from probing import MARK, UNKNOWN, World, all_routes, guarded, world_over

from kbsupport.model import USUAL, Role, Scope

# Everything that is open to customers is listed here: that a new route is, is decided, not forgot.
FOR_CUSTOMERS = {
    "POST /v1/ask", "POST /v1/tickets", "GET /v1/tickets", "GET /v1/tickets/{ticket_id}",
    "GET /v1/tickets/{ticket_id}/messages", "POST /v1/tickets/{ticket_id}/messages",
    "POST /v1/tickets/{ticket_id}/feedback", "POST /v1/tickets/{ticket_id}/close",
    "POST /v1/tickets/{ticket_id}/reopen", "GET /v1/tickets/{ticket_id}/attachments/{sha256}",
    "GET /v1/conversations/{conversation_id}", "GET /v1/conversations/{conversation_id}/messages",
    "GET /v1/customers/me", "GET /v1/articles", "GET /v1/articles/search",
    "GET /v1/articles/{article_id}", "POST /v1/visitors", "POST /v1/chat/tickets",
    "POST /v1/chat/completions", "GET /v1/models", "GET /v1/models/{model}", "POST /graphql",
    "GET /v1/events", "GET /v1/events/stream", "POST /v1/events",
}  # fmt: skip
# What is open to a visitor's or a customer's holder of a page, by x-visitors.
_PAGES = {"also", "only"}
_BY_THE_GUARD = ("this needs a key", "this key stands in a page", "this is for keys that")
# Ways in that are not JSON requests, and have tests of their own.
_UNGUARDED = {"/healthz", "/readyz", "/v1/hooks/{system}/{path}"} | {
    "/chat", "/chat.js", "/chat-page.js", "/chat-page.css", "/docs", "/docs.js", "/docs.css",
}  # fmt: skip
_OPEN = {"/openapi.json", "/v1/chat"}


@pytest.fixture(scope="module")
def world(small_homes, small_kb, tmp_path_factory) -> Iterator[World]:
    """Two customers behind the doors."""
    with world_over(small_homes["proven"], small_kb, tmp_path_factory.mktemp("world")) as made:
        yield made


def may(operation, who) -> bool:
    """What the OpenAPI document promises of a role, with the scopes that are usual for it."""
    if who == "visitors":
        return operation["x-visitors"] in _PAGES
    role = Role.CUSTOMER if who in {"token", "visitor"} else Role(who)
    fits = Scope(operation["x-scope"]) in USUAL[role] and role in operation["x-roles"]
    return fits and operation["x-visitors"] != "only"


def test_every_route_lets_in_whom_the_document_names_and_nobody_else(world):
    operations = {
        (method, path): world.schema["paths"][path][method.lower()]
        for method, path, _ in world.routes()
    }
    assert len(operations) > 35
    dead = world.dead()
    for (method, path), operation in operations.items():
        for name, header in dead.items():
            got = world.call(method, path, header, "T-999999")
            assert got.status_code == 401, (name, method, path, got.text)
            assert got.headers["www-authenticate"] == "Bearer"
        for who, header in world.callers.items():
            got = world.call(method, path, header, "T-999999")
            assert got.status_code < 500, (who, method, path, got.text)
            assert got.status_code != 401
            refused = got.status_code == 403 and got.json()["detail"].startswith(_BY_THE_GUARD)
            assert refused is not may(operation, who), (who, method, path, got.text)


def test_a_route_shows_what_its_document_promises(world):
    for method, path, route in world.routes():
        if method != "GET" or route.response_model is None:
            continue
        for kind in ("ticket", "conversation", "escalation", "decision", "customer"):
            got = world.call(method, path, world.keys["admin"], world.foreign[kind])
            if got.status_code == 200 and "json" in got.headers["content-type"]:
                route.response_model.model_validate(got.json())


def test_what_is_open_to_customers_is_on_a_list(world):
    opened = {
        f"{method} {path}"
        for method, path, _ in world.routes()
        if may(world.schema["paths"][path][method.lower()], "customer")
        or may(world.schema["paths"][path][method.lower()], "visitors")
    }
    assert opened == FOR_CUSTOMERS


def test_every_operation_is_documented(world):
    names = set()
    schemas = world.schema["components"]["schemas"]
    for method, path, _ in world.routes():
        found = world.schema["paths"][path][method.lower()]
        names.add(found["operationId"])
        assert found["summary"], (method, path)
        assert {"401", "403", "429", "503"} <= set(found["responses"]), path
        (done,) = [one for one in found["responses"] if one.startswith("2")]
        assert found["responses"][done]["content"], (method, path)
        if "requestBody" in found:
            (held,) = _named(found["requestBody"]["content"]["application/json"]["schema"])
            # Chat front ends send much that is not ours to read.
            free = schemas[held].get("additionalProperties", True)
            assert free is (held == "ChatIn"), (method, path)
            assert "examples" in str(schemas[held]) or not schemas[held].get("required"), held
    assert len(names) == len(world.routes())


def test_there_is_no_way_in_without_a_guard(world):
    behind = guarded(world.web)
    bare = {route.path for route in all_routes(world.web.routes) if route not in behind}
    assert bare == _OPEN
    for route in behind:
        assert route.need.scope is not None or route.path in _UNGUARDED


def test_a_foreign_id_is_an_unknown_id_and_shows_nothing(world):
    before, asked = world.theirs(), 0
    ways = [(m, p) for m, p, _ in world.routes()]
    for who in ("customer", "token", "visitor"):
        header = world.callers[who]
        for method, path in ways:
            allowed = may(world.schema["paths"][path][method.lower()], who)
            # Whoever is turned away at the door is so whatever they ask for: once is enough.
            for kind in world.foreign if allowed else ("ticket",):
                theirs = world.foreign[kind]
                nothing = UNKNOWN.get(kind, UNKNOWN["ticket"])
                for one, other in _pairs(world, method, path, header, theirs, nothing):
                    asked += 1
                    # What they sent themselves may come back.
                    assert MARK not in one.text.replace(theirs, ""), (who, method, path, kind)
                    assert _said(one) == _said(other), (who, method, path, kind)
    assert asked > 500
    assert world.theirs() == before


def test_the_key_of_somebody_elses_request_brings_nothing_of_theirs(world):
    named = world.keys["customer"] | {"Idempotency-Key": "same"}
    body = {"text": world.ticket["question"]}
    got = world.client.post("/v1/tickets", json=body, headers=named)
    assert (got.status_code, got.json()["id"] != world.ticket["id"]) == (201, True)
    for header in (world.callers["token"], world.callers["visitor"]):
        named = header | {"Idempotency-Key": "same"}
        made = world.client.post("/v1/tickets", json=body, headers=named)
        assert made.json()["id"] != world.ticket["id"]


def test_odd_ids_break_nothing_whoever_sends_them(world):
    odd = ("%00", "%FF", "..%2F..", "T-" + "9" * 30, "\u0663", "a" * 3000, "%F0%9F%92%A9", "'--")
    for method, path, _ in world.routes():
        if "{" not in path:
            continue
        for header in (world.keys["admin"], world.keys["customer"]):
            for one in odd:
                got = world.call(method, path, header, one)
                assert 400 <= got.status_code < 500, (method, path, one, got.text)


def _pairs(world, method, path, header, theirs, nothing):
    """The same request with somebody's id and with nobody's: in path, query and body."""
    if "{" in path:
        yield world.call(method, path, header, theirs), world.call(method, path, header, nothing)
        return
    kind = next(name for name, one in world.foreign.items() if one == theirs)
    for name in world.ids_in(method, path, "query"):
        given = [one.encode().hex() if name == "cursor" else one for one in (theirs, nothing)]
        one, other = (world.call(method, path, header, params={name: it}) for it in given)
        # A cursor only says where to read on in one's own list.
        yield one, (one if name in {"cursor", "q"} else other)
    if method == "POST":
        for name in world.ids_in(method, path, "body"):
            if not _names(name, kind):
                continue
            body = world.body(method, path)
            one, other = (
                world.call(method, path, header, body=body | {name: it}) for it in (theirs, nothing)
            )
            yield one, other


def _named(schema):
    """The names of the shapes that a schema may be."""
    return [
        one["$ref"].rpartition("/")[2]
        for one in (schema, *schema.get("anyOf", ()))
        if "$ref" in one
    ]


def _names(field, kind):
    """True if a field can name such a thing; one of which that is not known names a ticket."""
    nouns = {"conversation_id": {"conversation", "talk_of_visitor"}, "customer_id": {"customer"}}
    return kind in nouns.get(field, {"ticket"})


def _said(response):
    """What an answer says, apart from the number of the request and what is new in each."""
    if response.status_code < 400:
        return response.status_code
    return response.status_code, {k: v for k, v in response.json().items() if k != "request_id"}
