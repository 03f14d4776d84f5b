"""django-helpdesk over its REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from kbsupport.adapters.ticketing import (
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
from kbsupport.errors import ConfigError, NotFound
from kbsupport.model import Message, Ref, State, TicketView
from kbsupport.model.webhooks import Elsewhere, Said

_PAGE = 50
_OPEN, _REOPENED, _SOLVED, _CLOSED, _DUPLICATE = 1, 2, 3, 4, 5
_THEIRS: Mapping[Stage, int] = {
    Stage.OPEN: _OPEN,
    Stage.WAITING: _OPEN,
    Stage.SOLVED: _SOLVED,
    Stage.CLOSED: _CLOSED,
}
_OURS: Mapping[int, Stage] = {
    _SOLVED: Stage.SOLVED,
    _CLOSED: Stage.CLOSED,
    _DUPLICATE: Stage.CLOSED,
}
# The server renders what is said as a Django template: {{ x }} would vanish, {% would be an error.
_TEMPLATE = re.compile(r"\{(?=[{%#])|(?<=%)\}")


class DjangoHelpdesk:
    """The tickets of one queue of a django-helpdesk with its API switched on.

    Its administrator sets HELPDESK_ACTIVATE_API_ENDPOINT, makes one custom field named `kbsupport`
    (type Text, not required, no maximum length, and staff only: customers must not set it) and
    gives us a user who is staff and may work on the queue.

    The field holds whose ticket it is and the marks of opening and of each status; it is saved
    right after the ticket, and a server that dies between the two leaves a ticket without a mark:
    then opening again makes a second one. What is said has no room for a mark, so its text ends
    in one, which the customer sees as "Ref. key-…".

    The API cannot search: a ticket is looked for among the newest `look_back`, page by page. A key
    or a customer further back is not found.
    """

    def __init__(
        self,
        *,
        url: str,
        user: str,
        password: str,
        queue: int = 1,
        field: str = "kbsupport",
        priority: int = 3,
        timeout: float = 10.0,
        most: int = 10,
        look_back: int = 500,
        name: str = "django-helpdesk",
    ) -> None:
        if not (user and password):
            raise ConfigError(f"{name} needs a user and a password")
        self.name = name
        self._queue, self._priority = queue, priority
        self._field, self._most, self._look_back = f"custom_{field}", most, look_back
        self._page = min(_PAGE, look_back)
        self._web = Web(
            name,
            url.rstrip("/") + "/api",
            timeout=timeout,
            auth=(user, password),
            largest=LARGEST,
        )
        self._ready = False

    def history(self, customer_id: str) -> Sequence[TicketView]:
        """The newest `most` tickets of this customer among the newest `look_back` of all.

        Where the id is a mail address: those that its owner opened there, too.
        """
        theirs, address = mark("customer", customer_id), customer_id.casefold()
        found = []
        with self._asking():
            self._check_set_up()
            for row in self._newest():
                sender = (row.get("submitter_email") or "").casefold()
                if theirs in self._marks(row) or ("@" in address and sender == address):
                    found.append(self._view(row, customer_id))
                if len(found) == self._most:
                    break
        return found

    def read(self, ref: Ref) -> Elsewhere:
        """What others than we did on a ticket: its submitter's words, and whoever closed it.

        We change a status without a follow-up, so one that has a follow-up was changed by others.
        """
        with self._asking():
            number = number_of(ref, self.name)
            row = self._ticket(number)
            told = row["followup_set"]
            opening = row.get("description") or ""
            spoken = [Said("opening", opening, opens=True)]
            spoken += [
                Said(str(one["id"]), one["comment"])
                for one in told
                if one.get("user") is None and one["public"] and _adds(one, opening)
            ]
            closings = [one for one in told if one.get("new_status") in _OURS]
            over = row["status"] in _OURS and closings
            return Elsewhere(
                Ref(self.name, number),
                row["title"],
                row.get("submitter_email") or None,
                tuple(spoken),
                str(closings[-1]["id"]) if over else None,
                marked=any(one.startswith("key-") for one in self._marks(row)),
            )

    def open(self, ticket: TicketView, key: str) -> Ref:
        """The ticket that was made with this key; made now if there is none."""
        own = mark("key", key)
        with self._asking():
            self._check_set_up()
            for row in self._newest():
                if own in self._marks(row):
                    return Ref(self.name, str(row["id"]))
            marks = [own]
            if ticket.customer_id is not None:
                marks.append(mark("customer", ticket.customer_id))
            body = {
                "queue": self._queue,
                "title": subject_line(ticket.subject),
                "description": sendable(ticket.text),
                "priority": self._priority,
                self._field: "\n".join(marks),
            }
            if ticket.email:
                body["submitter_email"] = ticket.email
            made = self._web.json("POST", "/tickets/", body=body)
        return Ref(self.name, str(made["id"]))

    def reply(self, ref: Ref, message: Message, key: str) -> None:
        """A public follow-up: the submitter gets it by mail."""
        self._say(ref, message.text, key, public=True)

    def note(self, ref: Ref, text: str, key: str) -> None:
        """A follow-up that is not public."""
        self._say(ref, text, key, public=False)

    def set_status(self, ref: Ref, state: State, key: str) -> None:
        """Status, hold and mark in one call, without a follow-up: nobody is written to."""
        own, stage = mark("key", key), STAGES[state]
        with self._asking():
            number = number_of(ref, self.name)
            self._check_set_up()
            row = self._ticket(number)
            marks = self._marks(row)
            if own in marks:
                return
            status = _THEIRS[stage]
            if status == _OPEN and row["status"] != _OPEN:
                status = _REOPENED
            body = {
                "status": status,
                "on_hold": stage is Stage.WAITING,
                self._field: "\n".join([*marks, own]),
            }
            self._web.json("PATCH", f"/tickets/{number}/", body=body)

    def _say(self, ref: Ref, text: str, key: str, *, public: bool) -> None:
        last_line = f"Ref. {mark('key', key)}"
        with self._asking():
            number = number_of(ref, self.name)
            if any(_ends_in(said, last_line) for said in self._ticket(number)["followup_set"]):
                return
            # A `title` here would become the title of the ticket.
            comment = f"{_TEMPLATE.sub(_literal, sendable(text))}\n\n{last_line}"
            body = {"ticket": int(number), "comment": comment, "public": public}
            self._web.json("POST", "/followups/", body=body)

    def _ticket(self, number: str) -> dict[str, Any]:
        found = self._web.json("GET", f"/tickets/{number}/", missing_ok=True)
        if found is None:
            raise NotFound(f"{self.name} has no ticket {number}")
        return dict(found)

    def _marks(self, row: Mapping[str, Any]) -> list[str]:
        return (row.get(self._field) or "").split()

    def _newest(self) -> Iterator[dict[str, Any]]:
        return islice(self._from_the_end(), self._look_back)

    def _from_the_end(self) -> Iterator[dict[str, Any]]:
        """All tickets; the API gives them oldest first, and numbers its pages so."""
        count = self._web.json("GET", "/tickets/", params={"page_size": 1})["count"]
        for page in range(-(-count // self._page), 0, -1):
            asked: dict[str, str | int] = {"page_size": self._page, "page": page}
            found = self._web.json("GET", "/tickets/", params=asked, missing_ok=True)
            # A page that is gone: tickets were deleted since they were counted.
            if found is not None:
                yield from reversed(found["results"])

    def _view(self, row: Mapping[str, Any], customer_id: str) -> TicketView:
        held = row.get("on_hold") and row["status"] in {_OPEN, _REOPENED}
        followups = row.get("followup_set") or ()
        return TicketView(
            subject=row["title"],
            text=row.get("description") or "",
            customer_id=customer_id,
            email=row.get("submitter_email") or None,
            state=Stage.WAITING if held else _OURS.get(row["status"], Stage.OPEN),
            ref=Ref(self.name, str(row["id"])),
            # A ticket does not tell its own time; the first thing said on it is its opening.
            created_at=moment(followups[0].get("date")) if followups else None,
        )

    def _check_set_up(self) -> None:
        """A field that does not exist is silently left out by the API, and nothing found again."""
        if self._ready:
            return
        told = self._web.json("OPTIONS", "/tickets/", missing_ok=True)
        if told is None:
            raise ConfigError(f"{self.name} has no API there: set HELPDESK_ACTIVATE_API_ENDPOINT")
        if self._field not in told["actions"]["POST"]:
            field = self._field.removeprefix("custom_")
            raise ConfigError(
                f"{self.name} needs a custom field {field!r} of the type Text, staff only"
            )
        self._ready = True

    def _asking(self) -> AbstractContextManager[None]:
        return asking(
            self.name, "check user and password; the user must be staff and see the queue"
        )


def _literal(found: re.Match[str]) -> str:
    return f'{{{{ "{found.group()}" }}}}'


def _ends_in(said: Mapping[str, Any], last_line: str) -> bool:
    """Only staff's words count: a customer may write what looks like a mark."""
    return said.get("user") is not None and (said.get("comment") or "").endswith(last_line)


def _adds(said: Mapping[str, Any], opening: str) -> bool:
    """True for words that are not the description, which stands in the first follow-up again."""
    comment = (said.get("comment") or "").strip()
    return bool(comment) and comment != opening.strip()
