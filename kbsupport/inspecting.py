"""The look at every reply before it is sent: the assistant's own, and what people write."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from kbsupport.errors import ConfigError, NotFit
from kbsupport.model import Answer, Article, Author, Checked, Customer, Question, Ticket
from kbsupport.quality.checking import check
from kbsupport.quality.drafts import Draft
from kbsupport.quality.masking import Masked, mask
from kbsupport.quality.personal import PersonalData
from kbsupport.store import approvals, articles, conversations, tickets

if TYPE_CHECKING:
    from kbsupport.ports import Reader
    from kbsupport.quality.rules import Rules
    from kbsupport.store.database import Database

# Numbers that this house gives out are nobody's phone.
_OURS = r"\b[TEARd]-[0-9a-f]+\b"


class Inspector:
    """Checks drafts by the rules that stand now."""

    def __init__(
        self,
        database: Callable[[], Database],
        rules: Callable[[], Rules],
        reader: Reader,
        order_number: str,
        *,
        verbatim: bool,
    ) -> None:
        self._database, self._rules, self._reader = database, rules, reader
        self._order_number, self._verbatim = order_number, verbatim

    @cached_property
    def personal(self) -> PersonalData:
        """Whoever finds personal data; loads what that needs when it is first needed."""
        return PersonalData((_OURS, self._order_number))

    def masked(self, text: str) -> Masked:
        """A text for eyes outside the house, with placeholders for whatever is personal."""
        return mask(text, self.personal)

    def of_answer(
        self, question: Question, customer: Customer, answer: Answer, article: Article
    ) -> Checked:
        """What is wrong with an answer of the assistant, which quotes one article."""
        draft = Draft(
            answer.text,
            answer.citations,
            {article.id: article.text},
            # An article may be shown to whoever found it; its own language is right.
            language=article.language,
            customer=customer,
            said=question.text,
            verbatim=self._verbatim,
        )
        return check(draft, self._rules(), self.personal)

    def of_person(self, ticket: Ticket, text: str) -> Checked:
        """What is wrong with a specialist's words, before the customer reads them."""
        found = {passage["article_id"] for passage in ticket.brief.get("passages") or ()}
        with self._database().read() as connection:
            sources = articles.newest_articles(connection, found)
            said = conversations.messages(connection, ticket.conversation_id)
        draft = Draft(
            text,
            sources={one: article.text for one, article in sources.items()},
            language=ticket.language,
            written=self._reader.read(text),
            customer=_customer(ticket),
            by=Author.SPECIALIST,
            said="\n".join(one.text for one in said if one.author is Author.CUSTOMER),
        )
        return check(draft, self._rules(), self.personal)

    def pass_person(self, ticket: Ticket, text: str, *, anyway: bool) -> Checked:
        """What is to be warned of; NotFit if it must not be sent, unless they insist."""
        if not text.strip():
            raise ConfigError("an answer without words is none; write a text")
        checked = self.of_person(ticket, text)
        if not checked.passed and not anyway:
            raise NotFit(checked.said)
        return checked

    def pass_edit(self, approval_id: str, text: str, *, anyway: bool) -> None:
        """The same for the words that a reviewer puts in place of those that wait for a yes."""
        with self._database().read() as connection:
            waiting = approvals.find_approval(connection, approval_id)
            ticket = waiting and tickets.find_ticket(connection, waiting.ticket_id)
        if ticket:  # of an approval that there is not, the desk says so
            self.pass_person(ticket, text, anyway=anyway)


def _customer(ticket: Ticket) -> Customer:
    known = ticket.brief.get("customer") or {}
    return Customer(
        ticket.customer_id, ticket.tier, name=known.get("name"), email=known.get("email"),
        phone=known.get("phone"), company=known.get("company"),
    )  # fmt: skip
