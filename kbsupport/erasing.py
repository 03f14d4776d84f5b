"""Erase a customer from this home: every row, file and cache that speaks of them.

What it cannot reach: backups made before; mail and notices already sent; another ticketing system
or CRM, which has to be asked itself; the file that labels were learnt from; what a disk or its
snapshots still hold of blocks that were given back; the log and the archive that a PostgreSQL
server keeps for its own recovery, until they have aged out. The audit log stays as it is: it has
no id of a customer, only a pseudonym that nobody can make without the key of the log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import Conflict, NotFound, StoreError
from kbsupport.model import EventType, ReviewState, State, storable
from kbsupport.store import audit, events
from kbsupport.store.api_keys import API_KEY, ENTRY
from kbsupport.store.approvals import APPROVAL
from kbsupport.store.articles import CHUNK
from kbsupport.store.audit import AUDIT
from kbsupport.store.conversations import CONVERSATION, MESSAGE
from kbsupport.store.customers import CUSTOMER
from kbsupport.store.decisions import DECISION
from kbsupport.store.escalations import ESCALATION
from kbsupport.store.events import EVENT, SUBSCRIBER
from kbsupport.store.feedback import FEEDBACK
from kbsupport.store.keys import KEY
from kbsupport.store.labels import EMBEDDING, LABEL
from kbsupport.store.requests import REQUEST
from kbsupport.store.reviews import OPINION, REVIEW
from kbsupport.store.tickets import TICKET
from kbsupport.store.waiting import WAITING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database

_ACTION = str(EventType.CUSTOMER_ERASED)
_WITH_PEOPLE = [str(state) for state in State if state.with_a_person]
_OVER = [str(State.ANSWERED), str(State.CLOSED)]
# A file that no message names after so long was left by a process that was killed.
_FORGOTTEN = timedelta(days=1)
_AT_ONCE = 500
_AN_ID = re.compile(r"[TEA]-\d+|[dv]-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was taken out, by kind; all zero where an interrupted erasure was only finished."""

    pseudonym: str
    counts: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """`customers erase --json`; the pseudonym is all that stays."""
        return {"pseudonym": self.pseudonym, "erased": dict(self.counts)}


@dataclass(frozen=True, slots=True)
class _Theirs:
    """What belongs to one customer, and the ids and texts by which rows speak of it."""

    customer: str
    conversations: frozenset[str]
    tickets: frozenset[int]
    decisions: frozenset[str]
    files: frozenset[str]
    keys: frozenset[str]
    ids: frozenset[str]
    texts: frozenset[str]


def pseudonym(audit_key: bytes, customer_id: str) -> str:
    """The same for the same customer; without the key nobody can try out whose it is."""
    said = b"customer:" + storable(customer_id).encode()
    return "c-" + hmac.new(audit_key, said, hashlib.sha256).hexdigest()[:32]


def erase(
    database: Database,
    home: Path,
    audit_key: bytes,
    customer_id: str,
    now: datetime,
    *,
    by: str = "operator",
) -> Erased:
    """Take a customer out: all rows or none, then what caches and free pages still hold.

    Refused while people have a ticket of theirs. Interrupted, it is finished by calling it again.
    If labels were among it the history has changed, and a certificate ends: calibrate again.
    """
    customer_id = storable(customer_id)
    name = pseudonym(audit_key, customer_id)
    with database.erasure() as connection:
        theirs = _theirs(connection, customer_id)
        _refuse_if_open(connection, theirs)
        counts = _take_out(connection, home / "attachments", theirs, name, now)
        if any(counts.values()):
            events.record(connection, EventType.CUSTOMER_ERASED, now=now, body={"customer": name})
            audit.append(
                connection, audit_key, actor=by, action=_ACTION, subject=name, body=counts, now=now
            )
        elif not _erased_before(connection, name):
            raise NotFound(f"no customer {customer_id!r} is known here; see: kbsupport ticket list")
    _scrub(database, home)
    return Erased(name, counts)


def _take_out(
    connection: Connection, folder: Path, theirs: _Theirs, name: str, now: datetime
) -> dict[str, int]:
    done = {
        "requests": _requests(connection, theirs),
        "keys": _entries(connection, theirs),
        "waiting": _delete(
            connection, WAITING, WAITING.c.conversation_id, theirs.conversations
        ),
        "reviews": _reviews(connection, theirs),
        "feedback": _change(
            connection, FEEDBACK, FEEDBACK.c.ticket_id, theirs.tickets, comment=None, by=None
        ),
        "labels": _labels(connection, theirs),
        "decisions": _delete(connection, DECISION, DECISION.c.id, theirs.decisions),
        "approvals": _change(
            connection, APPROVAL, APPROVAL.c.ticket_id, theirs.tickets, text="", why="", note=None
        ),
        "escalations": _change(
            connection, ESCALATION, ESCALATION.c.ticket_id, theirs.tickets, draft=None
        ),
        "tickets": _tickets(connection, theirs, now),
        # Files before the end of the transaction: if one cannot be removed, nothing is.
        "files": _files(connection, folder, theirs, now),
        "messages": _delete(connection, MESSAGE, MESSAGE.c.conversation_id, theirs.conversations),
        "conversations": _delete(
            connection, CONVERSATION, CONVERSATION.c.id, theirs.conversations
        ),
        "customers": _delete(connection, CUSTOMER, CUSTOMER.c.id, [theirs.customer]),
    }  # fmt: skip
    _rename(connection, theirs, name)
    # A stranger's subscriber may have quoted a text as it failed; it will say why again.
    connection.execute(SUBSCRIBER.update().values(error=None))
    return done


def _theirs(connection: Connection, customer: str) -> _Theirs:
    owned = CONVERSATION.select().where(CONVERSATION.c.customer_id == customer)
    conversations = {row.id for row in connection.execute(owned)}
    asked = TICKET.select().where(TICKET.c.customer_id == customer)
    tickets = {row.id: row for row in connection.execute(asked)}
    conversations |= {row.conversation_id for row in tickets.values() if row.conversation_id}
    tickets |= {row.id: row for row in _rows(connection, TICKET.c.conversation_id, conversations)}
    said = list(_rows(connection, MESSAGE.c.conversation_id, conversations))
    approvals = list(_rows(connection, APPROVAL.c.ticket_id, tickets))
    decisions = _decisions(connection, customer, conversations)
    decisions |= {row.decision_id for row in (*said, *tickets.values()) if row.decision_id}
    escalated = {row.id for row in _rows(connection, ESCALATION.c.ticket_id, tickets)}
    numbered = (("T", tickets), ("E", escalated), ("A", {row.id for row in approvals}))
    ids = {f"{letter}-{number}" for letter, numbers in numbered for number in numbers}
    texts = {row.text for row in (*said, *approvals)} | {t.question for t in tickets.values()}
    return _Theirs(
        customer=customer,
        conversations=frozenset(conversations),
        tickets=frozenset(tickets),
        decisions=frozenset(decisions),
        files=frozenset(one["sha256"] for row in said for one in row.attachments),
        keys=frozenset(row.key for row in said if row.key),
        ids=frozenset({customer} | conversations | decisions | ids),
        texts=frozenset(texts - {""}),
    )


def _decisions(connection: Connection, customer: str, conversations: set[str]) -> set[str]:
    by_name = DECISION.c.question["customer_id"].as_string() == customer
    query = DECISION.select().with_only_columns(DECISION.c.id)
    found = set(connection.execute(query.where(by_name)).scalars())
    for some in _batches(conversations):
        mine = query.where(DECISION.c.conversation_id.in_(some))
        found.update(connection.execute(mine).scalars())
    return found


def _refuse_if_open(connection: Connection, theirs: _Theirs) -> None:
    escalated = _rows(connection, ESCALATION.c.ticket_id, theirs.tickets)
    held = {row.ticket_id for row in escalated if row.state in _WITH_PEOPLE}
    waiting = _rows(connection, TICKET.c.id, theirs.tickets)
    held |= {row.id for row in waiting if row.state in _WITH_PEOPLE}
    if held:
        ticket = f"T-{min(held)}"
        raise Conflict(
            f"{ticket} of this customer is with people, so nothing was erased; answer it, "
            f"or close it: kbsupport ticket close {ticket}; then erase again"
        )


def _requests(connection: Connection, theirs: _Theirs) -> int:
    """Forget what came of requests that name them, or hold their words and name nobody."""
    rows = connection.execute(KEY.select().with_only_columns(KEY.c.key, KEY.c.body))
    gone = {row.key for row in rows if row.key in theirs.keys or _speaks_of(theirs, row.body)}
    asked = connection.execute(REQUEST.select())
    answered = {
        row.key
        for row in asked
        if row.customer_id == theirs.customer
        or (row.body and any(_speaks_of(theirs, said) for said in _spoken(row.body)))
    }
    return _delete(connection, KEY, KEY.c.key, gone) + _delete(
        connection, REQUEST, REQUEST.c.key, answered
    )


def _spoken(body: str) -> list[Any]:
    """What an answer said: one JSON text, or one a line where it was streamed."""
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    return [json.loads(one) for one in lines or [body] if one != "[DONE]"]


def _entries(connection: Connection, theirs: _Theirs) -> int:
    """Their keys, and every pass to a conversation of theirs."""
    rows = connection.execute(ENTRY.select())
    gone = {
        row.hash
        for row in rows
        if row.conversation_id in theirs.conversations
        or row.caller.get("customer_id") == theirs.customer
    }
    return _delete(connection, ENTRY, ENTRY.c.hash, gone) + _delete(
        connection, API_KEY, API_KEY.c.customer_id, [theirs.customer]
    )


def _speaks_of(theirs: _Theirs, body: Any) -> bool:
    words = set(_words(body))
    if words & theirs.ids:
        return True
    # The same answer goes to many: it is theirs if nothing says that it is somebody else's.
    return bool(words & theirs.texts) and not any(map(_AN_ID.fullmatch, words))


def _labels(connection: Connection, theirs: _Theirs) -> int:
    said_by, said_in = LABEL.c.details["customer_id"], LABEL.c.details["conversation_id"]
    query = LABEL.select().with_only_columns(LABEL.c.id, LABEL.c.content_hash)
    found = dict(connection.execute(query.where(said_by.as_string() == theirs.customer)).all())
    for some in _batches(theirs.conversations):
        found |= dict(connection.execute(query.where(said_in.as_string().in_(some))).all())
    gone = _delete(connection, LABEL, LABEL.c.id, found)
    # A vector tells much of its text; one that an article or another label has is not theirs.
    unused = [
        EMBEDDING.c.content_hash.not_in(table.select().with_only_columns(table.c.content_hash))
        for table in (CHUNK, LABEL)
    ]
    for some in _batches(set(found.values())):
        connection.execute(EMBEDDING.delete().where(EMBEDDING.c.content_hash.in_(some), *unused))
    return gone


def _reviews(connection: Connection, theirs: _Theirs) -> int:
    """An audit of what is gone is left out of the bound; what people noted on it goes, too."""
    ours = list(_rows(connection, REVIEW.c.decision_id, theirs.decisions))
    numbers = {row.id for row in ours}
    _change(connection, OPINION, OPINION.c.review_id, numbers, note=None)
    return _change(connection, REVIEW, REVIEW.c.id, numbers, state=str(ReviewState.GONE))


def _tickets(connection: Connection, theirs: _Theirs, now: datetime) -> int:
    """Keep number, times, tier, topic and state for statistics; whatever waited is closed."""
    for some in _batches(theirs.tickets):
        waits = TICKET.c.id.in_(some) & TICKET.c.state.not_in(_OVER)
        connection.execute(
            TICKET.update().where(waits).values(state=str(State.CLOSED), closed_at=now)
        )
    return _change(
        connection, TICKET, TICKET.c.id, theirs.tickets, question="", brief={}, customer_id=None,
        conversation_id=None, next_action_at=None, version=TICKET.c.version + 1,
    )  # fmt: skip


def _files(connection: Connection, folder: Path, theirs: _Theirs, now: datetime) -> int:
    """Remove their files, and those nobody's message names; never one that others sent too."""
    query = MESSAGE.select().with_only_columns(MESSAGE.c.conversation_id, MESSAGE.c.attachments)
    some = MESSAGE.c.attachments[(0, "sha256")].as_string().is_not(None)
    kept = {
        one["sha256"]
        for row in connection.execute(query.where(some))
        if row.conversation_id not in theirs.conversations
        for one in row.attachments
    }
    removed, old = 0, (now - _FORGOTTEN).timestamp()
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            sha = path.name.partition(".")[0]
            if sha not in kept and (sha in theirs.files or path.stat().st_mtime < old):
                path.unlink()
                removed += sha in theirs.files
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be cleaned: {error.strerror}; nothing was erased"
        ) from error
    return removed


def _rename(connection: Connection, theirs: _Theirs, name: str) -> None:
    """Events hold ids; where one is the customer's or was chosen by them, the pseudonym stands."""
    personal = {theirs.customer, *theirs.conversations, *theirs.keys, *theirs.texts}
    query = EVENT.select().with_only_columns(EVENT.c.id, EVENT.c.ticket_id, EVENT.c.body)
    of_none = connection.execute(query.where(EVENT.c.ticket_id.is_(None))).all()
    for row in (*of_none, *_rows(connection, EVENT.c.ticket_id, theirs.tickets)):
        if personal & set(_words(row.body)):
            body = _without(row.body, personal, name)
            connection.execute(EVENT.update().where(EVENT.c.id == row.id).values(body=body))


def _erased_before(connection: Connection, name: str) -> bool:
    query = AUDIT.select().where(AUDIT.c.subject == name, AUDIT.c.action == _ACTION)
    return connection.execute(query.limit(1)).first() is not None


def _scrub(database: Database, home: Path) -> None:
    """Let no cache, free page or old table hold what the rows no longer say."""
    for path in (home / "index").glob("memory-*.npz*"):  # made anew at the next question
        path.unlink(missing_ok=True)
    database.scrub()


def _words(value: Any) -> Iterator[str]:
    """Every string in a JSON value, the names of its keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)


def _without(value: Any, gone: Collection[str], name: str) -> Any:
    if isinstance(value, str):
        return name if value in gone else value
    if isinstance(value, Mapping):
        return {_without(k, gone, name): _without(v, gone, name) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(inner, gone, name) for inner in value]
    return value


def _batches(values: Collection[Any]) -> Iterator[Sequence[Any]]:
    # SQLite takes so many values in one statement and no more.
    waiting = iter(values)
    while some := list(islice(waiting, _AT_ONCE)):
        yield some


def _rows(connection: Connection, column: Any, values: Collection[Any]) -> Iterator[Any]:
    for some in _batches(values):
        yield from connection.execute(column.table.select().where(column.in_(some))).all()


def _delete(connection: Connection, table: Any, column: Any, values: Collection[Any]) -> int:
    queries = (table.delete().where(column.in_(some)) for some in _batches(values))
    return sum(connection.execute(query).rowcount for query in queries)


def _change(
    connection: Connection, table: Any, column: Any, values: Collection[Any], **to: Any
) -> int:
    queries = (table.update().where(column.in_(some)).values(**to) for some in _batches(values))
    return sum(connection.execute(query).rowcount for query in queries)
