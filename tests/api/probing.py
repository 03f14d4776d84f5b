"""Two customers' world behind the doors, and every route of them with a request that fits it."""

import base64
import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.testclient import TestClient

from kbsupport.access.keys import Wish
from kbsupport.api.guarding import GuardedRoute
from kbsupport.api.limits import Buckets
from kbsupport.api.routes import events
from kbsupport.api.web import create
from kbsupport.app import open_app
from kbsupport.model import Role
from kbsupport.testing import FakeEmbedder

# Stands in every text, file and name of the second customer and of the second visitor.
MARK = "zanzibar"
ESCALATED = "what do you think of the opera and the giraffe in operaland"
UNKNOWN = {
    "ticket": "T-999999", "conversation": "v-00000000", "escalation": "E-999999",
    "approval": "A-999999", "decision": "d-00000000", "customer": "C-999999",
    "key": "000000000000", "file": "0" * 64, "article": "nowhere", "odd": "%FF%00..",
}  # fmt: skip


class World:
    """One app with two customers, two visitors and a key of every role."""

    def __init__(self, app: Any, portal: BlockingPortal) -> None:
        self.app = app
        self.web = create(app)
        # Time flies for the limits alone: they are tested elsewhere.
        self.web.state.house.buckets = Buckets(clock=itertools.count(0, 60).__next__)
        self.client = TestClient(self.web, raise_server_exceptions=False)
        # One event loop for all of them, rather than a new one for each request.
        self.client.portal = portal
        self.schema = self.client.get("/openapi.json").json()
        lead = app.people.rota().lead.id
        self.keys = {
            "customer": self._key(Role.CUSTOMER, customer_id="C-1"),
            "specialist": self._key(Role.SPECIALIST, specialist_id=lead),
            "lead": self._key(Role.LEAD, specialist_id=lead),
            "admin": self._key(Role.ADMIN),
            "auditor": self._key(Role.AUDITOR),
            "visitors": self._key(Role.CUSTOMER, visitors=True) | {"Origin": "http://testserver"},
        }
        self.other = self._key(Role.CUSTOMER, customer_id=f"C-2-{MARK}")
        self.callers = dict(self.keys)
        token = self._post("tokens", self.keys["admin"], customer_id="C-1")["token"]
        self.callers["token"] = _bearer(token)
        self.callers["visitor"] = _bearer(self._post("visitors", self.keys["visitors"])["token"])
        self._live()
        self.foreign = self._foreign()

    def dead(self) -> dict[str, dict[str, str]]:
        """Headers that open nothing."""
        keys = self.app.lobby.keys
        made, ended = keys.add(Wish("ended", Role.ADMIN), "test")
        keys.revoke(made.id, "test")
        past = self.app.people.clock() - timedelta(seconds=1)
        _, expired = keys.add(Wish("late", Role.ADMIN, expires_at=past), "test")
        token = self.callers["token"]["Authorization"]
        return {
            "none": {}, "revoked": _bearer(ended), "expired": _bearer(expired),
            "altered": {"Authorization": token[:-4] + "AAAA"},
            "basic": {"Authorization": "Basic x"},
        }  # fmt: skip

    def routes(self) -> list[tuple[str, str, GuardedRoute]]:
        """Every route below /v1, as method and path."""
        return [
            (method, route.path_format, route)
            for route in guarded(self.web)
            for method in sorted(route.methods)
            if route.need.scope is not None
        ]

    def body(self, method: str, path: str) -> dict[str, Any] | None:
        """The smallest body that the OpenAPI document says will be taken; None if none is."""
        asked = self.schema["paths"][path][method.lower()].get("requestBody")
        if asked is None:
            return None
        return self._example(asked["content"]["application/json"]["schema"])

    def ids_in(self, method: str, path: str, where: str) -> list[str]:
        """The names of what can be an id in the query or the body of a route."""
        asked = self.schema["paths"][path][method.lower()]
        if where == "query":
            given = [one["name"] for one in asked.get("parameters", ()) if one["in"] == "query"]
        elif "requestBody" in asked:
            given = list(
                self._resolved(asked["requestBody"]["content"]["application/json"]["schema"])
                .get("properties", ())
            )  # fmt: skip
        else:
            given = []
        return [one for one in given if one.endswith("_id") or one in {"id", "cursor", "q"}]

    def call(
        self, method: str, path: str, header: dict[str, str], id: str = "", **more: Any
    ) -> Any:
        """Send a request with one id for all that the path names."""
        where = path
        while "{" in where:
            begin, _, rest = where.partition("{")
            where = begin + id + rest.partition("}")[2]
        body = more.pop("body", self.body(method, path))
        sent = {} if body is None else {"json": body}
        return self.client.request(method, where, headers=header, **sent, **more)

    def theirs(self) -> list[Any]:
        """All that there is of the second customer and the second visitor."""
        people = self.app.people
        kept = [self.foreign["ticket"], self.foreign["of_visitor"]]
        return [(people.ticket(one), list(people.history(one))) for one in kept]

    def _live(self) -> None:
        file = {
            "name": f"{MARK}.txt", "kind": "text/plain",
            "data": base64.b64encode(f"all about {MARK}".encode()).decode(),
        }  # fmt: skip
        for header in (self.keys["customer"], self.callers["visitor"]):
            self._post("tickets", header, text=ESCALATED)
        named = self.other | {"Idempotency-Key": "same"}
        said = f"{ESCALATED} {MARK}"
        self.ticket = self._post("tickets", named, text=said, attachments=[file])
        self.stranger = _bearer(self._post("visitors", self.keys["visitors"])["token"])
        self.visited = self._post("tickets", self.stranger, text=said)
        self.app.lobby.work.until_done()
        lead = self.keys["lead"]
        rows = self.client.get("/v1/escalations", headers=lead).json()["items"]
        (self.escalation,) = [one["id"] for one in rows if one["ticket_id"] == self.ticket["id"]]
        self._post(f"escalations/{self.escalation}/claim", lead)
        self._post(f"escalations/{self.escalation}/draft", lead, text=f"a draft on {MARK}")

    def _foreign(self) -> dict[str, str]:
        held = self.client.get(f"/v1/tickets/{self.ticket['id']}", headers=self.keys["admin"])
        said = self.client.get(
            f"/v1/tickets/{self.ticket['id']}/messages", headers=self.keys["admin"]
        ).json()["items"]
        return {
            "ticket": self.ticket["id"], "conversation": self.ticket["conversation_id"],
            "escalation": self.escalation, "approval": "A-1",
            "decision": held.json()["decision_id"], "customer": f"C-2-{MARK}",
            "key": self.app.lobby.keys.all()[0].id, "file": said[0]["attachments"][0]["sha256"],
            "article": "zinside", "of_visitor": self.visited["id"],
            "talk_of_visitor": self.visited["conversation_id"],
        }  # fmt: skip

    def _key(self, role: Role, **wish: Any) -> dict[str, str]:
        return _bearer(self.app.lobby.keys.add(Wish("test", role, **wish), "test")[1])

    def _post(self, where: str, header: dict[str, str], **body: Any) -> Any:
        sent = {"json": body} if body else {}
        response = self.client.post(f"/v1/{where}", headers=header, **sent)
        assert response.status_code in {200, 201}, response.text
        return response.json()

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        for one in schema.get("anyOf", ()):
            if one.get("type") != "null":
                return self._resolved(one)
        if "$ref" in schema:
            return self._resolved(
                self.schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            )
        return schema

    def _example(self, schema: dict[str, Any]) -> Any:
        found = self._resolved(schema)
        for shown in (schema, found):
            if "examples" in shown:
                return shown["examples"][0]
        if found.get("type") == "object":
            given = found.get("properties", {})
            return {name: self._example(given[name]) for name in found.get("required", ())}
        plain = {"array": [], "integer": 1, "number": 1, "boolean": False, "string": "words"}
        return found["enum"][0] if "enum" in found else plain[found["type"]]


def all_routes(routes: Any) -> list[Any]:
    """Every route of an application, those of the routers that it includes among them."""
    found = []
    for route in routes:
        inner = getattr(route, "original_router", None)
        found += [route] if inner is None else all_routes(inner.routes)
    return found


def guarded(web: Any) -> list[GuardedRoute]:
    """Those of them that have a guard."""
    return [route for route in all_routes(web.routes) if isinstance(route, GuardedRoute)]


@contextmanager
def world_over(proven: Path, small_kb: Path, folder: Path) -> Iterator[World]:
    """The world over a copy of a home, with an article for staff that names what is secret."""
    shutil.copytree(proven, folder / "home")
    inside = f"---\nid: zinside\naudience: internal\n---\n# Inside {MARK}\n\nAll on {MARK}.\n"
    (folder / "help").mkdir()
    (folder / "help" / "inside.md").write_text(inside, encoding="utf-8")
    with open_app(home=folder / "home") as app:
        app.embedder = FakeEmbedder()
        app.index([small_kb, folder / "help"])
        # What streams for an hour ends here at once.
        with mock.patch.object(events, "_LONGEST", 0.0), start_blocking_portal() as portal:
            yield World(app, portal)


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
