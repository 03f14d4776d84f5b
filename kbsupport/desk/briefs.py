"""The brief: all that a specialist reads first, as data and as lines of text; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kbsupport.model import (
    Approval,
    Author,
    Customer,
    Escalation,
    Message,
    State,
    Ticket,
    TicketView,
)

_PASSAGES = 3
_SHORT = 90
_FACTS = (
    ("company", "company"), ("email", "e-mail"), ("phone", "phone"), ("language", "language"),
    ("time_zone", "time zone"), ("tone", "preferred tone"), ("products", "products"),
    ("contract_end", "contract ends"), ("account_value", "account value"),
    ("purchases", "purchases"), ("preferences", "preferences"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A reply that a specialist may send as it is, with where each part of it stands."""

    text: str
    sources: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """`suggested` of `desk brief --json`."""
        return {"text": self.text, "sources": [dict(source) for source in self.sources]}


@dataclass(frozen=True, slots=True)
class DeskBrief:
    """One escalation with everything that is known of its question and who asks.

    `elsewhere` are the customer's tickets in another help desk; `unasked` says why those are
    missing.
    """

    escalation: Escalation
    ticket: Ticket
    customer: Mapping[str, Any]
    rule: str
    tried: tuple[str, ...]
    passages: tuple[Mapping[str, Any], ...]
    history: tuple[Message, ...]
    suggested: Suggestion | None
    approvals: tuple[Approval, ...]
    others: tuple[Ticket, ...]
    elsewhere: tuple[TicketView, ...] = ()
    unasked: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """`desk brief --json`."""
        return {
            "escalation": self.escalation.to_dict(),
            "ticket_id": self.ticket.id,
            "question": self.ticket.question,
            "reason": self.ticket.reason,
            "rule": self.rule,
            "decision_id": self.ticket.decision_id,
            "customer": dict(self.customer),
            "tried": list(self.tried),
            "passages": [dict(passage) for passage in self.passages],
            "history": [message.to_dict() for message in self.history],
            "suggested": self.suggested.to_dict() if self.suggested else None,
            "draft": self.escalation.draft,
            "approvals": [approval.to_dict() for approval in self.approvals],
            "other_tickets": [_other(ticket) for ticket in self.others],
            "elsewhere": [_view(ticket) for ticket in self.elsewhere],
            "unasked": self.unasked,
        }

    def lines(self) -> tuple[str, ...]:
        """The same for people who read it in a terminal."""
        parts = (
            self._head(), self._who(), _titled("Question", [self.ticket.question]),
            _titled("Tried", self.tried), self._history(), self._found(), self._reply(),
            self._decisions(), _titled("Other tickets", map(_other_line, self.others)),
            self._elsewhere(),
        )  # fmt: skip
        return tuple(line for part in parts for line in part)

    def _head(self) -> Iterator[str]:
        one = self.escalation
        who = f"{_words(one.state)}{f', {one.owner} has it' if one.owner else ''}"
        marks = (one.id, one.ticket_id, who, one.tier, one.topic or "no topic", str(one.level))
        yield " · ".join((*marks, "urgent") if one.urgent else marks)
        yield f"first answer due {_at(one.first_due)}, solved by {_at(one.due)}"
        yield f"handed over: {self.ticket.reason}: {self.rule}"
        yield f"priority {one.priority:.2f}: {one.why_priority}"

    def _who(self) -> Iterator[str]:
        known = self.customer
        name = " ".join(str(known[key]) for key in ("id", "name") if known.get(key))
        sure = known.get("identity") or "anonymous"
        first = f"{name or 'nobody named'} · {self.ticket.tier} · {sure}"
        if known.get("reached") is False:
            first += " · the system that knows customers could not be asked"
        facts = [f"{word}: {_plain(known[key])}" for key, word in _FACTS if known.get(key)]
        return _titled("Customer", [first, *facts])

    def _history(self) -> Iterator[str]:
        return _titled("History", (_turn(message) for message in self.history))

    def _found(self) -> Iterator[str]:
        found = (
            f"{_place(p)} (words {p['term_score']:.2f}, meaning {p['vector_score']:.2f})"
            f"\n{p['text']}"
            for p in self.passages[:_PASSAGES]
        )
        return _titled("Found", found)

    def _reply(self) -> Iterator[str]:
        if self.suggested is not None:
            where = "; ".join(_place(source) for source in self.suggested.sources)
            yield from _titled(f"Suggested reply, from {where}", [self.suggested.text])
        if self.escalation.draft:
            yield from _titled("Draft", [self.escalation.draft])

    def _decisions(self) -> Iterator[str]:
        return _titled("Approvals", map(_approval_line, self.approvals))

    def _elsewhere(self) -> Iterator[str]:
        missing = [f"could not be asked: {self.unasked}"] if self.unasked else []
        return _titled("In the other help desk", [*map(_view_line, self.elsewhere), *missing])


def compose(
    escalation: Escalation,
    ticket: Ticket,
    *,
    history: Sequence[Message],
    approvals: Sequence[Approval] = (),
    others: Sequence[Ticket] = (),
    customer: Customer | None = None,
) -> DeskBrief:
    """The brief of an escalation; what the ticket was opened with counts before `customer`."""
    kept = ticket.brief
    passages = tuple(kept.get("passages") or ())
    known = kept.get("customer") or (customer.to_dict() if customer else None)
    return DeskBrief(
        escalation=escalation,
        ticket=ticket,
        customer=known or {"id": ticket.customer_id, "tier": ticket.tier},
        rule=str(kept.get("rule") or "no rule was kept"),
        tried=_tried(kept.get("tried") or (), history, passages),
        passages=passages,
        history=tuple(history),
        suggested=_suggested(kept.get("suggested"), passages),
        approvals=tuple(approvals),
        others=tuple(other for other in others if other.id != ticket.id),
    )


def _tried(
    kept: Sequence[Mapping[str, Any]],
    history: Sequence[Message],
    passages: Sequence[Mapping[str, Any]],
) -> tuple[str, ...]:
    articles = dict.fromkeys(str(passage["article_id"]) for passage in passages)
    looked = f"searched the articles; the nearest: {', '.join(articles)}" if articles else None
    said = [
        f"{'the assistant' if m.author is Author.ASSISTANT else m.by or 'a specialist'} "
        f"wrote: {_short(m.text)}"
        for m in history
        if m.author in {Author.ASSISTANT, Author.SPECIALIST}
    ]
    before = [f"{one['outcome']} for: {_short(str(one['asked']))}" for one in kept]
    return (looked or "searched the articles and found none", *before, *said)


def _suggested(
    kept: Mapping[str, Any] | None, passages: Sequence[Mapping[str, Any]]
) -> Suggestion | None:
    if kept and kept.get("text"):
        return Suggestion(str(kept["text"]), tuple(kept.get("citations") or ()))
    if not passages:
        return None
    best = passages[0]
    source = {key: best[key] for key in ("article_id", "section", "start", "end") if key in best}
    return Suggestion(str(best["text"]), (source,))


def _titled(title: str, blocks: Iterator[str] | map[str] | Sequence[str]) -> Iterator[str]:
    lines = [line for block in blocks for line in (block.splitlines() or [""])]
    if lines:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}".rstrip() for line in lines)


def _turn(message: Message) -> str:
    who = f"{message.author}{f' {message.by}' if message.by else ''}"
    files = "".join(f"\n[{a.name}, {a.kind}, {a.size} bytes]" for a in message.attachments)
    return f"{message.seq} {who}, {_at(message.created_at)}: {message.text}{files}"


def _approval_line(approval: Approval) -> str:
    told = f"{approval.id} {approval.state}: {approval.why}; asked by {approval.asked_by}"
    if approval.decided_by:
        told += f", decided by {approval.decided_by}"
    note = f"\nnote: {approval.note}" if approval.note else ""
    return f"{told}{note}\n{approval.text}"


def _other(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id, "state": str(ticket.state), "question": ticket.question,
        "created_at": ticket.created_at.isoformat(),
    }  # fmt: skip


def _other_line(ticket: Ticket) -> str:
    return (
        f"{ticket.id} {_words(ticket.state)}, {_at(ticket.created_at)}: {_short(ticket.question)}"
    )


def _view(ticket: TicketView) -> dict[str, Any]:
    return {
        "system": ticket.ref.system if ticket.ref else None,
        "id": ticket.ref.id if ticket.ref else None,
        "state": ticket.state,
        "subject": ticket.subject,
        "created_at": ticket.created_at.isoformat() if ticket.created_at else None,
    }


def _view_line(ticket: TicketView) -> str:
    where = f"{ticket.ref.system} {ticket.ref.id} " if ticket.ref else ""
    since = f", {_at(ticket.created_at)}" if ticket.created_at else ""
    return f"{where}{ticket.state}{since}: {_short(ticket.subject)}"


def _place(source: Mapping[str, Any]) -> str:
    return " > ".join(filter(None, (source.get("article_id"), source.get("section"))))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SHORT else words[: _SHORT - 1] + "…"


def _words(state: State) -> str:
    return state.replace("_", " ")


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
