"""Request Tracker 5 over REST2."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from kbsupport.adapters.ticketing import (
    ADDRESS,
    LARGEST,
    STAGES,
    Stage,
    asking,
    mark,
    moment,
    number_of,
    sendable,
    subject_line,
)
from kbsupport.adapters.web import Web
from kbsupport.errors import ConfigError, NotFound, UpstreamError
from kbsupport.model import Message, Ref, State, TicketView
from kbsupport.model.webhooks import Elsewhere, Said

_REST = "/REST/2.0"
_PAGE = 100  # RT gives no more at once
_FIRST_PARTS = 5
_THEIRS: Mapping[Stage, str] = {
    Stage.OPEN: "open",
    Stage.WAITING: "stalled",
    Stage.SOLVED: "resolved",
    Stage.CLOSED: "resolved",  # RT's own lifecycle knows nothing beyond
}
_OURS: Mapping[str, Stage] = {
    "stalled": Stage.WAITING,
    "resolved": Stage.SOLVED,
    "rejected": Stage.CLOSED,
    "deleted": Stage.CLOSED,
}

_SPOKEN = frozenset({"Create", "Correspond"})
_OVER = frozenset({Stage.SOLVED, Stage.CLOSED})
_LINE, _TAG = re.compile(r"<(?:br|/p|/div|/li)\b[^>]*>", re.IGNORECASE), re.compile(r"<[^>]*>")


class RequestTracker:
    """The tickets of one queue of a Request Tracker.

    Its administrator makes one custom field for tickets, named `kbsupport`, of the type "Enter
    multiple values", applies it to the queue, and grants our user: SeeQueue, ShowTicket,
    ShowTicketComments, CreateTicket, ReplyToTicket, CommentOnTicket, ModifyTicket, SeeCustomField
    and ModifyCustomField. Customers must not have the last one.

    The field holds whose ticket it is and the marks of opening and of each status, written in one
    call with what they stand for. RT sets fields right after it made a ticket: if it dies between
    the two, the ticket has no mark, and opening again makes a second one. The mark of a reply or a
    note is a parameter of its Content-Type, stored with it in one transaction, out of sight.
    """

    def __init__(
        self,
        *,
        url: str,
        queue: str,
        user: str = "",
        password: str = "",
        token: str = "",
        field: str = "kbsupport",
        timeout: float = 10.0,
        most: int = 10,
        name: str = "request-tracker",
    ) -> None:
        if not token and not (user and password):
            raise ConfigError(f"{name} needs a token, or a user and a password")
        self.name = name
        self._queue, self._field, self._most, self._user = queue, field, most, user
        self._web = Web(
            name,
            url.rstrip("/") + _REST,
            timeout=timeout,
            headers={"Authorization": f"token {token}"} if token else None,
            auth=None if token else (user, password),
            largest=LARGEST,
        )
        self._ready = False

    def history(self, customer_id: str) -> Sequence[TicketView]:
        """The newest `most` tickets that were opened for this customer, with their first words.

        Where the id is a mail address: those that its owner opened there, too.
        """
        query = f"CF.{{{self._field}}} = '{mark('customer', customer_id)}'"
        if ADDRESS.fullmatch(customer_id):
            query += f" OR Requestor.EmailAddress = '{customer_id}'"
        with self._asking():
            self._check_set_up()
            rows = self._search(query, fields="Subject,Status,Created", most=self._most)
            return [self._view(row, customer_id) for row in rows]

    def read(self, ref: Ref) -> Elsewhere:
        """What others than we did on a ticket: its requestors' words, and whoever closed it."""
        with self._asking():
            number = number_of(ref, self.name)
            row = self._ticket(number)
            told = list(self._pages(f"/ticket/{number}/history", "Type,Creator,Field,NewValue"))
            ours = {_who(one) for one in told if _marks_ours(one)} | {self._user}
            requestors = {str(one["id"]) for one in row.get("Requestor") or ()}
            spoken = [
                (str(one["id"]), one["Type"] == "Create")
                for one in told
                if one["Type"] in _SPOKEN
                and _who(one) not in ours
                and (one["Type"] == "Create" or _who(one) in requestors)
            ]
            texts = self._texts(number) if spoken else {}
            moves = [one for one in told if one["Type"] == "Status" and _over(one["NewValue"])]
            closed = moves[-1] if moves and _over(row["Status"]) else None
            return Elsewhere(
                Ref(self.name, number),
                row.get("Subject", ""),
                min((one for one in requestors if "@" in one), default=None),
                tuple(Said(one, texts.get(one, ""), opens) for one, opens in spoken),
                str(closed["id"]) if closed and _who(closed) not in ours else None,
                marked=any(mark.startswith("key-") for mark in self._marks(row)),
            )

    def _texts(self, number: str) -> dict[str, str]:
        """What was said in each transaction, as plain text."""
        plain: dict[str, str] = {}
        rich: dict[str, str] = {}
        fields = "Content,ContentType,TransactionId"
        for part in self._pages(f"/ticket/{number}/attachments", fields):
            kind, name = part.get("ContentType"), str(_id(part.get("TransactionId")))
            if kind == "text/plain":
                plain.setdefault(name, part.get("Content") or "")
            elif kind == "text/html":
                rich.setdefault(name, html.unescape(_TAG.sub("", _LINE.sub("\n", part["Content"]))))
        return rich | plain

    def _pages(self, path: str, fields: str) -> Iterator[dict[str, Any]]:
        """Every row of a list, the oldest first."""
        page, more = 1, True
        while more:
            asked: dict[str, str | int] = {
                "fields": fields, "orderby": "id", "order": "ASC", "per_page": _PAGE, "page": page,
            }  # fmt: skip
            items = self._web.json("GET", path, params=asked)["items"]
            yield from items
            page, more = page + 1, len(items) == _PAGE

    def open(self, ticket: TicketView, key: str) -> Ref:
        """The ticket that was made with this key; made now if there is none."""
        own = mark("key", key)
        with self._asking():
            self._check_set_up()
            found = self._search(f"CF.{{{self._field}}} = '{own}'", fields="Status", most=1)
            if found:
                return Ref(self.name, str(found[0]["id"]))
            marks = [own]
            if ticket.customer_id is not None:
                marks.append(mark("customer", ticket.customer_id))
            body = {
                "Queue": self._queue,
                "Subject": subject_line(ticket.subject),
                "Content": sendable(ticket.text),
                "ContentType": "text/plain",
                "CustomFields": {self._field: marks},
            }
            if ticket.email:
                body["Requestor"] = ticket.email
            number = str(self._web.json("POST", "/ticket", body=body)["id"])
            self._check_kept(self._ticket(number), marks)
        return Ref(self.name, number)

    def reply(self, ref: Ref, message: Message, key: str) -> None:
        """RT mails it to the ticket's requestors."""
        self._say(ref, "correspond", message.text, key)

    def note(self, ref: Ref, text: str, key: str) -> None:
        """A comment: RT keeps it from requestors."""
        self._say(ref, "comment", text, key)

    def set_status(self, ref: Ref, state: State, key: str) -> None:
        """Status and mark in one call; a status that RT did not take is an error."""
        own, status = mark("key", key), _THEIRS[STAGES[state]]
        with self._asking():
            number = number_of(ref, self.name)
            self._check_set_up()
            marks = self._marks(self._ticket(number))
            if own in marks:
                return
            body = {"Status": status, "CustomFields": {self._field: [*marks, own]}}
            self._web.json("PUT", f"/ticket/{number}", body=body)
            # RT answers 200 to a change it refused, in the words of the user's language.
            row = self._ticket(number)
            self._check_kept(row, [own])
        if row["Status"] != status:
            raise UpstreamError(
                self.name, f"ticket {number} is {row['Status']!r} and did not become {status!r}"
            )

    def _say(self, ref: Ref, verb: str, text: str, key: str) -> None:
        own = mark("key", key)
        with self._asking():
            number = number_of(ref, self.name)
            self._ticket(number)
            if any(own in headers for headers in self._headers(number)):
                return
            body = {"Content": sendable(text), "ContentType": f'text/plain; kbsupport="{own}"'}
            self._web.json("POST", f"/ticket/{number}/{verb}", body=body)

    def _ticket(self, number: str) -> dict[str, Any]:
        found = self._web.json("GET", f"/ticket/{number}", missing_ok=True)
        if found is None:
            raise NotFound(f"{self.name} has no ticket {number}")
        return dict(found)

    def _marks(self, row: Mapping[str, Any]) -> list[str]:
        fields = row.get("CustomFields") or ()
        return [v for f in fields if f.get("name") == self._field for v in f.get("values", ())]

    def _search(self, query: str, *, fields: str, most: int) -> list[dict[str, Any]]:
        asked: dict[str, str | int] = {
            "query": query, "fields": fields, "orderby": "id", "order": "DESC", "per_page": most,
        }  # fmt: skip
        return list(self._web.json("GET", "/tickets", params=asked)["items"])

    def _headers(self, number: str) -> Iterator[str]:
        """Of everything that was said on the ticket, the latest first."""
        page, more = 1, True
        while more:
            asked: dict[str, str | int] = {
                "fields": "Headers", "orderby": "id", "order": "DESC", "per_page": _PAGE,
                "page": page,
            }  # fmt: skip
            found = self._web.json("GET", f"/ticket/{number}/attachments", params=asked)
            yield from (str(item.get("Headers", "")) for item in found["items"])
            page, more = page + 1, len(found["items"]) == _PAGE

    def _view(self, row: Mapping[str, Any], customer_id: str) -> TicketView:
        number = str(row["id"])
        asked: dict[str, str | int] = {
            "fields": "Content,ContentType", "orderby": "id", "per_page": _FIRST_PARTS,
        }  # fmt: skip
        parts = self._web.json("GET", f"/ticket/{number}/attachments", params=asked)["items"]
        texts = (p.get("Content", "") for p in parts if p.get("ContentType") == "text/plain")
        return TicketView(
            subject=row.get("Subject", ""),
            text=next(texts, ""),
            customer_id=customer_id,
            state=_OURS.get(row.get("Status", ""), Stage.OPEN),
            ref=Ref(self.name, number),
            created_at=moment(row.get("Created")),
        )

    def _check_kept(self, row: Mapping[str, Any], marks: Sequence[str]) -> None:
        """RT also answers well where it left out a field, or kept only one value of several."""
        if not set(marks) <= set(self._marks(row)):
            raise ConfigError(
                f"{self.name} did not keep {self._field!r} on ticket {row['id']}: it must be of the"
                " type 'Enter multiple values', and our user needs ModifyCustomField"
            )

    def _check_set_up(self) -> None:
        """RT finds nothing, and says nothing, where a custom field does not exist."""
        if self._ready:
            return
        queue = self._web.json("GET", f"/queue/{self._queue}", missing_ok=True)
        if queue is None:
            raise ConfigError(f"{self.name} has no queue {self._queue!r}")
        if self._field not in {field["name"] for field in queue["TicketCustomFields"]}:
            raise ConfigError(
                f"queue {self._queue!r} of {self.name} needs a custom field {self._field!r} for"
                " tickets, of the type 'Enter multiple values', that our user may see and modify"
            )
        self._ready = True

    def _asking(self) -> AbstractContextManager[None]:
        return asking(
            self.name, f"check user and password or token, and their rights on {self._queue!r}"
        )


def _id(said: Any) -> Any:
    """RT writes a reference as an object in one version and as a number in another."""
    return said.get("id") if isinstance(said, Mapping) else said


def _who(transaction: Mapping[str, Any]) -> str:
    return str(_id(transaction.get("Creator")) or "")


def _marks_ours(transaction: Mapping[str, Any]) -> bool:
    """Only we write marks into the field: whoever wrote one is our user."""
    value = str(transaction.get("NewValue") or "")
    return transaction["Type"] == "CustomField" and value.startswith("key-")


def _over(status: str | None) -> bool:
    return _OURS.get(status or "") in _OVER
