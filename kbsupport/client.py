"""A kbsupport that runs elsewhere, as plain Python: typed, synchronous, tried again with care.

from kbsupport.client import Client

with Client("http://127.0.0.1:8765", key="kbs_…") as support:
    print(support.ask("How do I reset my password?").text)
"""

from __future__ import annotations

import json
import math
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from kbsupport.errors import KbSupportError, UpstreamError
from kbsupport.model import Author, Event, EventType, Reply, State

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]

# What may be gone in a moment: whoever sent it may send it again, with the same key.
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_IN_FLIGHT = 409
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
# Whoever is asked to wait longer than this is told so instead.
_LONGEST_ASKED = 120.0
_STREAM = "text/event-stream"
_NEW = State.NEW
_ARTICLES = "articles"


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


class _Later(Exception):
    """A stream cannot be had now; perhaps after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Client:
    """One key's view of a kbsupport; close it, or use it in a `with`.

    Every write has a key of its own, so one that is tried again after a cut is done once. What is
    refused is an ApiProblem, a server that stays away an UpstreamError.
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
        return _ticket(self._get(_at("tickets", ticket_id)))

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
        rows = self._pages(_at("tickets", ticket_id, "/messages"), {"after": after})
        return map(_message, rows)

    def say(self, ticket_id: str, text: str, *, key: str | None = None) -> int:
        """Go on with a ticket as its customer; the number of the message."""
        said = self._post(_at("tickets", ticket_id, "/messages"), {"text": text}, key)
        return int(said["seq"])

    def feedback(self, ticket_id: str, **said: Any) -> None:
        """Say whether it helped: rating=1…5, helpful=True, comment="…"."""
        self._post(_at("tickets", ticket_id, "/feedback"), said)

    def close_ticket(self, ticket_id: str) -> SeenTicket:
        """Nothing is left to do on it."""
        return _ticket(self._post(_at("tickets", ticket_id, "/close")))

    def reopen_ticket(self, ticket_id: str) -> SeenTicket:
        """Put it before people again."""
        return _ticket(self._post(_at("tickets", ticket_id, "/reopen")))

    def escalations(self, **only: Any) -> Iterator[Json]:
        """What waits for people, the most pressing first."""
        return self._pages("/v1/escalations", only)

    def brief(self, escalation_id: str) -> Json:
        """All that a specialist reads first."""
        return self._get(_at("escalations", escalation_id))

    def claim(self, escalation_id: str) -> Json:
        """Take an escalation."""
        return self._post(_at("escalations", escalation_id, "/claim"))

    def answer(self, escalation_id: str, text: str, *, anyway: bool = False) -> Json:
        """Answer its customer."""
        body = {"text": text, "anyway": anyway}
        return self._post(_at("escalations", escalation_id, "/answer"), body)

    def hand_back(self, escalation_id: str, note: str | None = None) -> Json:
        """Give the conversation back to the assistant."""
        return self._post(_at("escalations", escalation_id, "/hand-back"), {"note": note})

    def approve(self, approval_id: str, **changed: Any) -> Json:
        """Agree to somebody's answer, which is sent then."""
        return self._post(_at("approvals", approval_id, "/approve"), changed)

    def reject(self, approval_id: str, note: str) -> Json:
        """Refuse somebody's answer and say why."""
        return self._post(_at("approvals", approval_id, "/reject"), {"note": note})

    def search(self, text: str, **only: Any) -> Iterator[Json]:
        """The articles for a text, best first."""
        return self._pages("/v1/articles/search", {"q": text, **only})

    def articles(self) -> Iterator[Json]:
        """Every article that this key may read."""
        return self._pages("/v1/articles", {})

    def article(self, article_id: str) -> Json:
        """One article."""
        return self._get(_at(_ARTICLES, article_id))

    def decision(self, decision_id: str) -> Json:
        """A decision with all that it was made from."""
        return self._get(_at("decisions", decision_id))

    def explain(self, decision_id: str) -> Json:
        """Why it was decided so, in plain words."""
        return self._get(_at("decisions", decision_id, "/explain"))

    def replay(self, decision_id: str, *, search: bool = False) -> Json:
        """The decision made again from what is stored."""
        return self._post(_at("decisions", decision_id, "/replay"), {"search": search})

    def metrics(self, **period: Any) -> Json:
        """The figures of a period."""
        return self._get("/v1/metrics", period)

    def token(self, customer_id: str, minutes: float | None = None) -> str:
        """A token that stands for one customer, for a page or an app of theirs."""
        asked = {"customer_id": customer_id, "minutes": minutes}
        # Without a key of its own: what is shown once is left out where it comes a second time.
        return str(self._call("POST", "/v1/tokens", json=asked)["token"])

    def events(self, after: int = 0, **only: Any) -> Iterator[Event]:
        """What happened after an event, up to now."""
        while rows := self._get("/v1/events", {"after": after, **only})["items"]:
            yield from map(_event, rows)
            after = rows[-1]["id"]

    def follow(self, after: int | None = None) -> Iterator[Event]:
        """What happens from here on, or after an event; cut off, it goes on where it was."""
        import httpx

        pause = _FIRST_PAUSE
        while True:
            asked = 0.0
            try:
                for number, text in self._told(after):
                    after, pause = after if number is None else number, _FIRST_PAUSE
                    if text:
                        yield _event(json.loads(text))
            except httpx.RequestError:
                pass  # whatever cut it off, it is opened again
            except _Later as later:
                asked = later.seconds
            self._wait(asked, pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

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
            except httpx.RequestError as error:
                if last:
                    raise UpstreamError("kbsupport", str(error) or type(error).__name__) from error
                asked = 0.0
            else:
                if last or not _passing(said):
                    return _found(said)
                asked = _asked(said) or 0.0
            self._wait(asked, pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError

    def _wait(self, asked: float, pause: float) -> None:
        # Chance comes on top, so that those who failed together do not return so.
        self._sleep(asked + pause * (0.5 + random.random() / 2))  # noqa: S311

    def _told(self, after: int | None) -> Iterator[tuple[int | None, str]]:
        """What one stream says until it ends."""
        named = {} if after is None else {"Last-Event-ID": str(after)}
        headers = self._headers | named
        with self._http.stream("GET", "/v1/events/stream", headers=headers) as stream:
            if _passing(stream):
                raise _Later(_asked(stream) or 0.0)
            kind = stream.headers.get("content-type", "")
            if not stream.is_success or not kind.startswith(_STREAM):
                stream.read()
                raise _problem(stream)
            yield from _frames(stream.iter_lines())


def _at(where: str, id: str, then: str = "") -> str:
    """The address of one thing: an id of whatever letters leads to nothing beside it."""
    parts = id.split("/") if where == _ARTICLES else [id]
    if any(part in {"", ".", ".."} or "/" in part for part in parts):
        raise ApiProblem(404, f"nothing has the id {id!r}", "", [])
    return f"/v1/{where}/{quote(id, safe='/', errors='replace')}{then}"


def _passing(said: httpx.Response) -> bool:
    """True if waiting may help, and not for too long: a 409 says so by its Retry-After."""
    asked, status = _asked(said), said.status_code
    passes = status in _AGAIN or (status == _IN_FLIGHT and asked is not None)
    return passes and (asked or 0.0) <= _LONGEST_ASKED


def _asked(said: httpx.Response) -> float | None:
    """The seconds that a Retry-After asks for, which may name a moment instead."""
    text = said.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else max(0.0, seconds)


def _frames(lines: Iterable[str]) -> Iterator[tuple[int | None, str]]:
    """The number and the words of all that is told; what was cut off in the middle is left out."""
    number, said = None, ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "id" and value.strip().isdecimal():
            number = int(value)
        elif name == "data":
            said += value
        elif not line:
            yield number, said
            said = ""


def _found(said: httpx.Response) -> Json:
    try:
        found = said.json() if said.is_success else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _problem(said)
    return found


def _problem(said: httpx.Response) -> ApiProblem:
    try:
        told = json.loads(said.content)
        detail, name = str(told["detail"]), str(told["request_id"])
        faults = [{"where": one["where"], "what": one["what"]} for one in told.get("faults", ())]
    except (ValueError, KeyError, TypeError):
        detail, name, faults = "no reason was given", "", []
        if not said.is_error:
            detail = "this is no answer of kbsupport; look at the address"
    return ApiProblem(said.status_code, detail, name, faults)


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
