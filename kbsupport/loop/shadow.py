"""Shadow mode: what the assistant would have said, held against what people did; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kbsupport.triage.bounds import clopper_pearson_upper, labels_needed

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Silent:
    """One question that was decided silently.

    `would_resolve` is what the assistant would have done; `theirs` is the article that the
    person's answer rests on, None where it rests on none, and `answered` whether there is one yet.
    """

    ticket_id: str
    topic: str | None
    article_id: str | None
    would_resolve: bool
    answered: bool
    theirs: str | None
    confirmed: bool | None = None

    @property
    def wrong(self) -> bool | None:
        """Whether people did otherwise; a reviewer's word counts before what an answer looks like.

        None while nobody has answered, or where an answer in other words says nothing either way.
        """
        if not self.would_resolve or not self.answered:
            return None
        if self.confirmed is not None:
            return not self.confirmed
        return None if self.theirs is None else self.theirs != self.article_id


@dataclass(frozen=True, slots=True)
class TopicShadow:
    """How one topic would have gone, and whether it may go live."""

    topic: str | None
    tickets: int
    would_resolve: int
    compared: int
    wrong: int
    unclear: int
    bound: float
    risk: float
    alpha: float

    @property
    def may_go_live(self) -> bool:
        """True once it is proven that no more are wrong than the policy allows."""
        return self.compared > 0 and self.bound <= self.risk

    @property
    def proposal(self) -> str:
        """What to do about it, in words."""
        if self.may_go_live:
            return f"may go live: kbsupport switch on {self.topic or ''}".rstrip()
        if not self.would_resolve:
            return "nothing would have been answered"
        if self.unclear:
            return f"review {self.unclear} answers in other words: kbsupport review"
        more = labels_needed(self.wrong, self.risk, self.alpha) - self.compared
        return f"{more} more that agree would prove it"

    def to_dict(self) -> dict[str, Any]:
        """One row of `shadow report --json`."""
        return {
            "topic": self.topic, "tickets": self.tickets, "would_resolve": self.would_resolve,
            "compared": self.compared, "wrong": self.wrong, "unclear": self.unclear,
            "bound": self.bound, "risk": self.risk, "may_go_live": self.may_go_live,
            "proposal": self.proposal,
        }  # fmt: skip


def by_topic(silent: Iterable[Silent], risk: float) -> tuple[TopicShadow, ...]:
    """One row for each topic, the one with most answers to gain first."""
    groups: dict[str | None, list[Silent]] = {}
    for one in silent:
        groups.setdefault(one.topic, []).append(one)
    rows = [_row(topic, ones, risk, len(groups)) for topic, ones in groups.items()]
    return tuple(sorted(rows, key=lambda row: (-row.would_resolve, row.topic or "")))


def _row(topic: str | None, ones: Sequence[Silent], risk: float, topics: int) -> TopicShadow:
    said = [one.wrong for one in ones]
    compared = [one for one in said if one is not None]
    unclear = sum(one.would_resolve and one.answered and one.wrong is None for one in ones)
    wrong = sum(compared)
    # Of many topics one would look safe by luck: together they are wrong once in twenty.
    alpha = (1 - CONFIDENCE) / topics
    bound = clopper_pearson_upper(wrong, len(compared), 1 - alpha) if compared else 1.0
    would = sum(one.would_resolve for one in ones)
    return TopicShadow(topic, len(ones), would, len(compared), wrong, unclear, bound, risk, alpha)
