"""The loop that learns: what customers and people say comes back as labels, bounds and alarms."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kbsupport.learning.recalled import Gone, recall
from kbsupport.loop.shadow import Silent, TopicShadow, by_topic
from kbsupport.model import Outcome, Reason, Review, ReviewKind, ReviewState
from kbsupport.store import articles, decisions, labels, reviews
from kbsupport.triage.verdict import decide, without_switches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.gaps.finding import Gaps
    from kbsupport.learning.learner import Learner
    from kbsupport.learning.results import Learnt
    from kbsupport.learning.seeing import Observer
    from kbsupport.loop.drifting import Drifting
    from kbsupport.loop.hearing import Hearing
    from kbsupport.loop.reviewing import Reviews
    from kbsupport.loop.switches import Switches
    from kbsupport.people import People
    from kbsupport.ports import Embedder
    from kbsupport.standing import Shelf
    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView

_EVERY = tuple(ReviewState)
# Where a rule spoke first, no label would change what is done.
_BY_THE_NUMBER = frozenset(
    {Reason.BELOW_THRESHOLD, Reason.UNCERTIFIED, Reason.CERTIFIED_THRESHOLD,
     Reason.PRIOR_THRESHOLD, Reason.TWO_CLOSE_ARTICLES, Reason.SHADOW, Reason.SWITCHED_OFF,
     Reason.SUSPENDED, Reason.QUALITY, Reason.NOTHING_TO_QUOTE}
)  # fmt: skip


class Parts(Protocol):
    """What the loop needs of the app, which builds each part when it is first touched."""

    @property
    def database(self) -> Database:
        """What must survive."""
        ...

    @property
    def shelf(self) -> Shelf:
        """What decides right now."""
        ...

    @property
    def learner(self) -> Learner:
        """Whoever learns from labels."""
        ...

    @property
    def observer(self) -> Observer:
        """Whoever puts questions to the system without asking them."""
        ...

    @property
    def embedder(self) -> Embedder:
        """The model that turns texts into vectors."""
        ...

    @property
    def people(self) -> People:
        """The parts that look after customers and specialists."""
        ...


class Loop:
    """Builds each part when it is first touched."""

    def __init__(self, parts: Parts, default_tier: str) -> None:
        self._parts, self._default_tier = parts, default_tier

    @cached_property
    def hearing(self) -> Hearing:
        """Whoever takes feedback."""
        from kbsupport.loop.hearing import Hearing

        people = self._parts.people
        return Hearing(self._parts.database, people.audit_key, self._parts.people.clock)

    @cached_property
    def switches(self) -> Switches:
        """What people let be answered alone."""
        from kbsupport.loop.switches import Switches

        parts = self._parts
        return Switches(
            parts.shelf,
            lambda: parts.database,
            lambda: parts.people.audit_key,
            parts.people.clock,
        )

    @cached_property
    def reviews(self) -> Reviews:
        """What people should look at again."""
        from kbsupport.loop.reviewing import Reviews

        parts, people = self._parts, self._parts.people
        return Reviews(
            parts.database, parts.shelf, self.switches, people.audit_key,
            lambda: people.rota().lead.id, parts.people.clock,
        )  # fmt: skip

    @cached_property
    def drifting(self) -> Drifting:
        """Whoever notices that tickets have changed."""
        from kbsupport.loop.drifting import Drifting

        parts, people = self._parts, self._parts.people
        return Drifting(
            parts.database, parts.shelf, self.switches, lambda: people.rota().lead.id, people.clock
        )

    @cached_property
    def gaps(self) -> Gaps:
        """Whoever finds what should be written next."""
        from kbsupport.gaps.finding import Gaps

        parts = self._parts
        return Gaps(parts.observer, lambda: parts.learner, parts.people.clock)

    def collect(self) -> str | None:
        """Propose labels for whatever people did since the last time; why not, if that failed."""
        return self._parts.people.outbox.deliver(only="review").failed.get("review")

    def reorder(self) -> int:
        """Put the label that settles most doubt first; how many were weighed."""
        from kbsupport.learning.worth import Candidate, worth
        from kbsupport.loop.scale import weighed

        waiting = self._doubtful()
        if not waiting:
            return 0
        vectors = self._parts.embedder.embed([one.question["text"] for one in waiting.values()])
        candidates = [
            Candidate(number, vector, stored.body["probability"])
            for (number, stored), vector in zip(waiting.items(), vectors, strict=True)
        ]
        asked = worth(candidates, self._learnt_vectors())
        gains = {f"R-{one.ticket_id}": one.worth for one in asked}
        failed = {f"R-{n}" for n, one in waiting.items() if one.body["outcome"] == Outcome.RESOLVE}
        with self._parts.database.write() as connection:
            reviews.weigh_anew(connection, weighed(gains, failed))
        return len(asked)

    def _doubtful(self) -> dict[int, DecisionView]:
        """What waits for a label that the judge decided; what an alarm asks for keeps its place."""
        from kbsupport.learning.worth import MOST
        from kbsupport.loop.drifting import CHANGED

        doubtful = {}
        for one in self.reviews.queue(ReviewKind.LABEL, limit=MOST):
            if one.why.startswith(CHANGED):
                continue
            _, stored = self.reviews.show(one.id)
            if stored is not None and stored.body["reason"] in _BY_THE_NUMBER:
                doubtful[int(one.id.removeprefix("R-"))] = stored
        return doubtful

    def _learnt_vectors(self) -> NDArray[np.float32]:
        import numpy as np

        made = self._parts.embedder
        with self._parts.database.read() as connection:
            hashes = [one.content_hash for one in labels.load_labels(connection, labels.HISTORY)]
            found = articles.known_vectors(connection, hashes, made.name, made.dimension)
        return np.array(list(found.values()), np.float32).reshape(len(found), made.dimension)

    def learn(self) -> Learnt | None:
        """Learn what people agreed on; None if there is nothing new."""
        agreed = self.reviews.confirmed()
        if not agreed:
            return None
        made = self._parts.learner.learn([label for _, label in agreed], "review")
        self.reviews.learnt([review for review, _ in agreed])
        return made

    def shadow(self, since: datetime | None = None) -> tuple[TopicShadow, ...]:
        """What would have been answered while the assistant was silent, topic by topic."""
        self.collect()
        with self._parts.database.read() as connection:
            silent = decisions.held_back(connection, str(Reason.SHADOW), since)
            said = {
                one.decision_id: one
                for one in reviews.reviews(connection, _EVERY, ReviewKind.LABEL, limit=1_000_000)
            }
        rules = self._parts.shelf.standing().policy.for_tier(self._default_tier)
        rows = [self._silent(stored, said.get(stored.id)) for stored in silent]
        return by_topic(rows, rules.risk)

    def _silent(self, stored: DecisionView, review: Review | None) -> Silent:
        case = (stored.inputs or {}).get("case", {})
        theirs = review.proposed.accept_ids if review else ()
        best = stored.body["article_id"]
        settled = review.settled if review else None
        return Silent(
            ticket_id=stored.body["ticket_id"] or stored.id,
            topic=case.get("topic"),
            article_id=best,
            would_resolve=self._would_resolve(stored),
            answered=review is not None,
            theirs=theirs[0] if theirs else None,
            confirmed=None if settled is None else best in settled.says.accept_ids,
        )

    def _would_resolve(self, stored: DecisionView) -> bool:
        if stored.body["reason"] != Reason.SHADOW:
            return False  # it would have gone to a person anyway
        try:
            found = recall(self._parts.database, stored)
        except Gone:
            return False
        case = without_switches(found.case)
        verdict = decide(found.evidence, found.signals, case, found.policy, found.certificate)
        return verdict.outcome is Outcome.RESOLVE
