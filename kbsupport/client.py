"""A kbsupport that runs elsewhere, as plain Python: typed, synchronous, tried again with care.

from kbsupport.client import Client

with Client("http://127.0.0.1:8765", key="kbs_…") as support:
    print(support.ask("How do I reset my password?").text)
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from kbsupport.errors import KbSupportError, UpstreamError
from kbsupport.model import Author, Event, EventType, Reply, State

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]

# What may be gone in a moment: whoever sent it may send it again, with the same key.
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_IN_FLIGHT = 409
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_NEW = State.NEW


class ApiProblem(KbSupportError):
    """The other side refused, with its reason and the id under which its log speaks of it."""

    def __init__(self, status: int, detail: str, request_id: str, faults: list[Json]) -> None:
        where = "; ".join(f"{'.'.join(map(str, f['where']))}: {f['what']}" for f in faults)
        said = f"{status}: {detail}" + (f" ({where})" if where else "")
        super().__init__(f"{said}; request {request_id}" if request_id else said)
        self.status, self.detail, self.request_id, self.faults = status, detail, request_id, faults


@dataclass(frozen=True, slots=True)
class SeenTicket:
    """A ticket as its caller may see it; `more` holds what is shown to staff."""

    id: str
    conversation_id: str
    state: State
    created_at: datetime
    question: str
    more: Json


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """One turn of a conversation."""

    seq: int
    author: Author
    by: str | None
    text: str
    created_at: datetime


class Client:
    """One key's view of a kbsupport; close it, or use it in a `with`.

    Every write has a key of its own, so one that is tried again after a cut is done once.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        self._http = http or httpx.Client(base_url=url, timeout=timeout, trust_env=False)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._retries, self._sleep = retries, sleep

    def ask(self, text: str, **more: Any) -> Reply:
        """Decide and answer a question; no ticket is opened."""
        return Reply.from_dict(self._post("/v1/ask", {"text": text, **more}))

    def open_ticket(self, text: str, *, key: str | None = None, **more: Any) -> SeenTicket:
        """Hand a question in; it is stored for good and decided afterwards."""
        return _ticket(self._post("/v1/tickets", {"text": text, **more}, key))

    def ticket(self, ticket_id: str) -> SeenTicket:
        """Where a ticket stands."""
        return _ticket(self._get(f"/v1/tickets/{ticket_id}"))

    def tickets(self, **only: Any) -> Iterator[SeenTicket]:
        """Every ticket that this key may see, the newest first."""
        return map(_ticket, self._pages("/v1/tickets", only))

    def decided(self, ticket_id: str, seconds: float = 30.0) -> SeenTicket:
        """The ticket once something was decided for it; UpstreamError if that takes too long."""
        until = time.monotonic() + seconds
        while (found := self.ticket(ticket_id)).state is _NEW:
            if time.monotonic() >= until:
                raise UpstreamError("kbsupport", f"{ticket_id} is undecided after {seconds:g} s")
            self._sleep(_FIRST_PAUSE)
        return found

    def messages(self, ticket_id: str, after: int = 0) -> Iterator[SeenMessage]:
        """What was said on a ticket after a message of this number."""
        rows = self._pages(f"/v1/tickets/{ticket_id}/messages", {"after": after})
        return map(_message, rows)

    def say(self, ticket_id: str, text: str, *, key: str | None = None) -> int:
        """Go on with a ticket as its customer; the number of the message."""
        said = self._post(f"/v1/tickets/{ticket_id}/messages", {"text": text}, key)
        return int(said["seq"])

    def feedback(self, ticket_id: str, **said: Any) -> None:
        """Say whether it helped: rating=1…5, helpful=True, comment="…"."""
        self._post(f"/v1/tickets/{ticket_id}/feedback", said)

    def close_ticket(self, ticket_id: str) -> SeenTicket:
        """Nothing is left to do on it."""
        return _ticket(self._post(f"/v1/tickets/{ticket_id}/close"))

    def reopen_ticket(self, ticket_id: str) -> SeenTicket:
        """Put it before people again."""
        return _ticket(self._post(f"/v1/tickets/{ticket_id}/reopen"))

    def escalations(self, **only: Any) -> Iterator[Json]:
        """What waits for people, the most pressing first."""
        return self._pages("/v1/escalations", only)

    def brief(self, escalation_id: str) -> Json:
        """All that a specialist reads first."""
        return self._get(f"/v1/escalations/{escalation_id}")

    def claim(self, escalation_id: str) -> Json:
        """Take an escalation."""
        return self._post(f"/v1/escalations/{escalation_id}/claim")

    def answer(self, escalation_id: str, text: str, *, anyway: bool = False) -> Json:
        """Answer its customer."""
        body = {"text": text, "anyway": anyway}
        return self._post(f"/v1/escalations/{escalation_id}/answer", body)

    def hand_back(self, escalation_id: str, note: str | None = None) -> Json:
        """Give the conversation back to the assistant."""
        return self._post(f"/v1/escalations/{escalation_id}/hand-back", {"note": note})

    def approve(self, approval_id: str, **changed: Any) -> Json:
        """Agree to somebody's answer, which is sent then."""
        return self._post(f"/v1/approvals/{approval_id}/approve", changed)

    def reject(self, approval_id: str, note: str) -> Json:
        """Refuse somebody's answer and say why."""
        return self._post(f"/v1/approvals/{approval_id}/reject", {"note": note})

    def search(self, text: str, **only: Any) -> Iterator[Json]:
        """The articles for a text, best first."""
        return self._pages("/v1/articles/search", {"q": text, **only})

    def articles(self) -> Iterator[Json]:
        """Every article that this key may read."""
        return self._pages("/v1/articles", {})

    def article(self, article_id: str) -> Json:
        """One article."""
        return self._get(f"/v1/articles/{article_id}")

    def decision(self, decision_id: str) -> Json:
        """A decision with all that it was made from."""
        return self._get(f"/v1/decisions/{decision_id}")

    def explain(self, decision_id: str) -> Json:
        """Why it was decided so, in plain words."""
        return self._get(f"/v1/decisions/{decision_id}/explain")

    def replay(self, decision_id: str, *, search: bool = False) -> Json:
        """The decision made again from what is stored."""
        return self._post(f"/v1/decisions/{decision_id}/replay", {"search": search})

    def metrics(self, **period: Any) -> Json:
        """The figures of a period."""
        return self._get("/v1/metrics", period)

    def token(self, customer_id: str, minutes: float | None = None) -> str:
        """A token that stands for one customer, for a page or an app of theirs."""
        said = self._post("/v1/tokens", {"customer_id": customer_id, "minutes": minutes})
        return str(said["token"])

    def events(self, after: int = 0, **only: Any) -> Iterator[Event]:
        """What happened after an event, up to now."""
        while rows := self._get("/v1/events", {"after": after, **only})["items"]:
            yield from map(_event, rows)
            after = rows[-1]["id"]

    def follow(self, after: int = 0) -> Iterator[Event]:
        """What happens from here on, as it happens; cut off, it goes on where it was."""
        import httpx

        while True:
            headers = {**self._headers, "Last-Event-ID": str(after)}
            try:
                with self._http.stream("GET", "/v1/events/stream", headers=headers) as stream:
                    if stream.is_error:
                        raise _problem(stream.status_code, stream.read())
                    for line in stream.iter_lines():
                        if line.startswith("data:"):
                            event = _event(json.loads(line.removeprefix("data:")))
                            after = event.id
                            yield event
            except httpx.TransportError:
                self._sleep(_FIRST_PAUSE)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pages(self, path: str, only: Mapping[str, Any]) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self._get(path, {**only, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _get(self, path: str, asked: Mapping[str, Any] | None = None) -> Json:
        given = {name: value for name, value in (asked or {}).items() if value is not None}
        return self._call("GET", path, params=given)

    def _post(self, path: str, body: Json | None = None, key: str | None = None) -> Json:
        named = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._call("POST", path, json=body, headers=named)

    def _call(self, method: str, path: str, **given: Any) -> Json:
        import httpx

        headers = self._headers | given.pop("headers", {})
        pause = _FIRST_PAUSE
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                said = self._http.request(method, path, headers=headers, **given)
            except httpx.TransportError as error:
                if last:
                    raise UpstreamError("kbsupport", str(error) or type(error).__name__) from error
                wait = pause
            else:
                if last or said.status_code not in _AGAIN | {_IN_FLIGHT} or not _passing(said):
                    if said.is_error:
                        raise _problem(said.status_code, said.content)
                    found: Json = said.json()
                    return found
                wait = float(said.headers.get("retry-after") or pause)
            # Half of it is chance, so that those who failed together do not return so.
            self._sleep(min(wait, _LONGEST_PAUSE) * (0.5 + random.random() / 2))  # noqa: S311
            pause *= 2
        raise AssertionError


def _passing(said: httpx.Response) -> bool:
    """True if waiting may help: a 409 says so by its Retry-After."""
    return said.status_code != _IN_FLIGHT or "retry-after" in said.headers


def _problem(status: int, body: bytes) -> ApiProblem:
    try:
        said = json.loads(body)
        detail, name = str(said["detail"]), str(said["request_id"])
        faults = list(said.get("faults", ()))
    except (ValueError, KeyError, TypeError):
        detail, name, faults = "no reason was given", "", []
    return ApiProblem(status, detail, name, faults)


def _ticket(row: Mapping[str, Any]) -> SeenTicket:
    known = {"id", "conversation_id", "state", "created_at", "question"}
    return SeenTicket(
        id=row["id"],
        conversation_id=row["conversation_id"],
        state=State(row["state"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        question=row["question"],
        more={name: value for name, value in row.items() if name not in known},
    )


def _message(row: Mapping[str, Any]) -> SeenMessage:
    at = datetime.fromisoformat(row["created_at"])
    return SeenMessage(row["seq"], Author(row["author"]), row["by"], row["text"], at)


def _event(row: Mapping[str, Any]) -> Event:
    at = datetime.fromisoformat(row["at"])
    return Event(row["id"], EventType(row["type"]), at, row["ticket_id"], row["cause"], row["body"])
