"""What we need from outside: small Protocols, one or two verbs each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.model import (
        Answer,
        Article,
        Customer,
        Message,
        Notice,
        Order,
        Passage,
        Question,
        Reading,
        Ref,
        State,
        TicketView,
    )

    Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Texts in, unit vectors out; its name is stored with the index."""

    name: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length one for each text, whatever else is in the batch."""
        ...


class AnswerWriter(Protocol):
    """Question and passages in, a cited answer out."""

    def write(
        self,
        question: Question,
        article: Article,
        passages: Sequence[Passage],
        relevance: Callable[[str], float],
    ) -> Answer | None:
        """The answer, or None if nothing can be quoted; `relevance` weighs any text, 0…1."""
        ...


class Rewriter(Protocol):
    """An answer that has passed in, the same in other words out."""

    def reword(self, question: Question, article: Article, answer: Answer) -> Answer:
        """The answer in other words, or as it is; it never raises."""
        ...


class Reader(Protocol):
    """A message in, what its wording says out: language and mood."""

    def read(self, text: str) -> Reading:
        """The reading of any text, however long, empty or broken; it never raises."""
        ...


class Crm(Protocol):
    """An id in, what is known of that customer out."""

    def find(self, customer_id: str) -> Customer | None:
        """The customer; None if unknown there; UpstreamError if it cannot be asked."""
        ...


class Tiers(Protocol):
    """What a customer pays for, where another system than the CRM knows it."""

    def tier_of(self, customer_id: str) -> str | None:
        """The tier; None if unknown there; UpstreamError if it cannot be asked."""
        ...


class Orders(Protocol):
    """The number of an order in, what became of it out."""

    def find(self, number: str) -> Order | None:
        """The order; None if unknown there; UpstreamError if it cannot be asked."""
        ...


class Ticketing(Protocol):
    """A help desk of another make. Each write takes a key: called twice, it is done once."""

    name: str

    def history(self, customer_id: str) -> Sequence[TicketView]:
        """The customer's tickets there, the newest first."""
        ...

    def open(self, ticket: TicketView, key: str) -> Ref:
        """Make a ticket there, or find the one that was made with this key."""
        ...

    def reply(self, ref: Ref, message: Message, key: str) -> None:
        """Say something to the customer on that ticket."""
        ...

    def note(self, ref: Ref, text: str, key: str) -> None:
        """Say something to colleagues on that ticket."""
        ...

    def set_status(self, ref: Ref, state: State, key: str) -> None:
        """Tell where the ticket stands."""
        ...


class Notifier(Protocol):
    """Tells staff what waits for them."""

    def notify(self, notice: Notice) -> None:
        """Tell them once; UpstreamError if it did not reach anybody."""
        ...
