"""A new generation is another system: labels are replayed on it, the certificate proven again.

This is done before the generation is published, so that the new certificate is there as soon as
questions are. The old one cannot hold by mistake, for it names the system it was issued for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kbsupport.errors import KbSupportError
from kbsupport.evaluation.judged import Judged
from kbsupport.learning.deciding import as_last, decide_all, differs
from kbsupport.learning.learner import Learner
from kbsupport.learning.proving import Proof, prove_anew
from kbsupport.model import ESCALATE, Check, Label, Mistake, Outcome, Renewed
from kbsupport.standing import CERTIFICATE, INTENTS, REFERENCE, keep_artefacts
from kbsupport.store import generations
from kbsupport.store import labels as store

if TYPE_CHECKING:
    from typing import Any

    from kbsupport.knowledge.indexing import Progress
    from kbsupport.learning.seeing import Observer, Seen
    from kbsupport.standing import Shelf
    from kbsupport.store.database import Database
    from kbsupport.store.generations import Generation
    from kbsupport.store.labels import StoredLabel
    from kbsupport.triage.certificate import Certificate


@dataclass(frozen=True, slots=True)
class Demand:
    """Labels of which a generation may answer no more than so many wrongly."""

    labels: Sequence[Label]
    max_wrong: int = 0


@dataclass(frozen=True, slots=True)
class _Replay:
    """What the stored labels say of a generation that is not live yet."""

    proof: Proof
    decided: Mapping[int, Judged]
    last: Mapping[int, Mapping[str, Any]]


class Renewal:
    """Stands at the gate of one index run; what it found is there once the run is over."""

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        look: Callable[[Generation], Observer],
        progress: Progress,
        demand: Demand | None = None,
    ) -> None:
        self._database, self._shelf, self._look = database, shelf, look
        self._progress, self._demand = progress, demand
        self._replay: _Replay | None = None
        self._fresh = False
        self.replayed: Renewed | None = None
        self.check: Check | None = None
        self.notices: tuple[str, ...] = ()

    def admits(self, generation: Generation, *, fresh: bool) -> bool:
        """Replay what is stored, where behaviour may change; False if the check does not hold."""
        self._fresh = fresh
        if not self._anything_stands() and self._demand is None:
            return True
        observer = self._look(generation)
        try:
            if self._anything_stands():
                self._replay = self._tried(observer, generation)
            if self._demand is None:
                return True
            self.check = self._checked(observer, self._demand)
            return self.check.holds
        finally:
            observer.mind.library.close()

    def published(self) -> None:
        """Put the certificate that was proven in force, or withdraw the former one."""
        if self.check is not None:
            self.check = replace(self.check, published=self._fresh)
        if self._replay is None:
            return
        proof, former = self._replay.proof, self._shelf.standing().certificate
        had = self._has_certificate()
        self._shelf.write(REFERENCE, proof.looked_like)
        self._shelf.write(CERTIFICATE, proof.certificate.to_dict() if proof.certificate else None)
        with self._database.write() as connection:
            store.note_last(connection, {of: as_last(d) for of, d in self._replay.decided.items()})
            standing = self._shelf.standing()
            if standing.judge is not None:
                keep_artefacts(connection, standing, standing.judge)
        state = "renewed" if proof.certificate else "withdrawn" if had else "none"
        self.replayed = _counted(self._replay, state)
        self.notices = tuple(_notices(state, proof, former))

    def _anything_stands(self) -> bool:
        """A home without labels and certificate has nothing to renew, and loads nothing."""
        with self._database.read() as connection:
            return self._has_certificate() or store.count(connection) > 0

    def _has_certificate(self) -> bool:
        return (self._shelf.home / CERTIFICATE).exists()

    def _tried(self, observer: Observer, generation: Generation) -> _Replay | None:
        try:
            if self._fresh:
                self._follow_model(observer, generation)
            return self._replayed(observer) if self._is_due(observer) else None
        except KbSupportError as error:
            if self._demand is not None:
                raise
            # Articles are not kept from customers because a label cannot be replayed.
            why = f"the labels could not be replayed ({error}); run `kbsupport calibrate` again"
            return _Replay(Proof(None, why), {}, {})

    def _follow_model(self, observer: Observer, generation: Generation) -> None:
        """Stored labels and the model of intents speak the language of the embedder."""
        with self._database.read() as connection:
            live = generations.live(connection)
            past = [one.label for one in store.load_labels(connection, store.HISTORY)]
        observer.embed_again(self._progress)
        if live is not None and live.embedder != generation.embedder:
            self._shelf.write(INTENTS, None)
            Learner(observer).teach_intents(past, self._progress)

    def _is_due(self, observer: Observer) -> bool:
        """Not if the certificate holds; a run that was killed after its flip is made up for."""
        certificate = self._shelf.standing().certificate
        if certificate is None:
            return self._fresh
        looked_at = observer.mind.library.open()
        now = looked_at.content_hash, looked_at.generation.embedder
        return now != (certificate.hashes["generation"], certificate.hashes["embedder"])

    def _replayed(self, observer: Observer) -> _Replay:
        with self._database.read() as connection:
            stored = store.load_labels(connection)
        published = frozenset(a.id for a in observer.mind.library.articles() if a.published)
        labels = [_as_of_now(one.label, published) for one in stored]
        seen = self._seen(observer, labels, "replaying")
        proof = _prove(observer, stored, seen)
        standing = replace(self._shelf.standing(), certificate=proof.certificate)
        decided = decide_all(observer, seen, standing)
        ids = [one.id for one in stored]
        last = {one.id: one.last for one in stored if one.last is not None}
        return _Replay(proof, dict(zip(ids, decided, strict=True)), last)

    def _checked(self, observer: Observer, demand: Demand) -> Check:
        standing = self._shelf.standing()
        if self._replay is not None:
            standing = replace(standing, certificate=self._replay.proof.certificate)
        seen = self._seen(observer, demand.labels, "checking")
        decided = decide_all(observer, seen, standing)
        return Check(
            labels=len(decided),
            resolved=sum(one.resolved for one in decided),
            max_wrong=demand.max_wrong,
            published=False,
            wrong_ones=tuple(
                Mistake(one.label.id, one.article_id, one.label.accept_ids)
                for one in decided
                if one.wrong
            ),
        )

    def _seen(self, observer: Observer, labels: Sequence[Label], step: str) -> list[Seen]:
        any_history = observer.mind.library.memory().any_history
        judge = self._shelf.standing().judge_for(any_history=any_history)
        seen = observer.see(labels, self._progress, step)
        return [observer.ordered(one, judge.ranking) for one in seen]


def _prove(observer: Observer, stored: Sequence[StoredLabel], seen: Sequence[Seen]) -> Proof:
    apart = [place for place, one in enumerate(stored) if one.role == store.THRESHOLD]
    source = ", ".join(dict.fromkeys(stored[place].source for place in apart))
    return prove_anew(Learner(observer), observer, [seen[place] for place in apart], source)


def _as_of_now(label: Label, published: frozenset[str]) -> Label:
    """Once all the articles that answer a ticket are gone, only a person can."""
    gone = label.answerable and published.isdisjoint(label.accept_ids)
    return replace(label, expected=ESCALATE) if gone else label


def _counted(replay: _Replay, state: str) -> Renewed:
    before = {
        of: (last["outcome"] == Outcome.RESOLVE, bool(last["right"]))
        for of, last in replay.last.items()
    }
    known = {of: replay.decided[of] for of in before}
    certificate = replay.proof.certificate
    return Renewed(
        labels=len(replay.decided),
        flips=sum(differs(one, replay.last[of]) for of, one in known.items()),
        became_wrong=sum(one.wrong and before[of] != (True, False) for of, one in known.items()),
        became_right=sum(
            one.resolved and one.right and before[of] != (True, True) for of, one in known.items()
        ),
        certificate=state,
        id=certificate.id if certificate else None,
    )


def _notices(state: str, proof: Proof, former: Certificate | None) -> list[str]:
    if state == "withdrawn":
        named = former.id if former else "the certificate"
        return [f"{named} is withdrawn: {proof.why}"]
    if proof.certificate is None or former is None:
        return []
    lost = sorted(_proven(former) - _proven(proof.certificate))
    return [f"{proof.certificate.id} proves nothing for {', '.join(lost)} any more"] if lost else []


def _proven(certificate: Certificate) -> set[str]:
    return {name for name, bound in certificate.tiers.items() if bound.threshold is not None}
