"""Decide a stored decision again from what it was decided from, and search for it again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kbsupport.errors import KbSupportError, NotFound
from kbsupport.learning.recalled import Gone, Recalled, recall
from kbsupport.mind import shown_chunk
from kbsupport.model import Audience, Filter, Found, Outcome, Reason, Verdict
from kbsupport.standing import judge_and_history
from kbsupport.store import decisions
from kbsupport.store import labels as kept
from kbsupport.triage.evidence import weigh
from kbsupport.triage.verdict import decide

if TYPE_CHECKING:
    from kbsupport.knowledge.library import Library
    from kbsupport.ports import Embedder
    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView

_NEAR = 1e-6
_HALF_A_DIGIT = 1e-9  # scores are rounded to six digits, which floats hold only nearly
# What may befall an answer after the verdict to give it.
_AFTER_THE_VERDICT = (Reason.NOTHING_TO_QUOTE, Reason.FAILED)
_SCORES = ("term_score", "vector_score")


@dataclass(frozen=True, slots=True)
class Repeated:
    """A decision made again: `differs` and `gone` say in sentences why it is not the same."""

    decision_id: str
    searched: bool
    probability: tuple[float, float] | None
    verdict: tuple[Mapping[str, Any], Mapping[str, Any]] | None
    differs: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """True if all of it was replayed and came out the same."""
        return not self.differs and not self.gone

    def to_dict(self) -> dict[str, Any]:
        """`replay --json`; `probability` and `verdict` are {`stored`,`again`} or null."""
        return {
            "decision_id": self.decision_id,
            "same": self.same,
            "searched": self.searched,
            "probability": _both(self.probability),
            "verdict": _both(self.verdict),
            "differs": list(self.differs),
            "gone": list(self.gone),
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """What `replay` says on a terminal."""
        if self.same:
            how = "decided and searched again" if self.searched else "decided again"
            head = f"{self.decision_id}: {how}, and the same"
        else:
            fault = "not the same" if self.differs else "cannot be replayed in full"
            head = f"{self.decision_id}: {fault}"
        lines = [head]
        if self.probability is not None and self.verdict is not None:
            again = self.verdict[1]
            lines.append(f"  probability {self.probability[1]!r}, {again['outcome']}")
            lines.append(f"  {again['reason']}: {again['rule']}")
        lines += [f"  differs: {said}" for said in self.differs]
        lines += [f"  gone: {said}" for said in self.gone]
        return [*lines, *(f"  note: {said}" for said in self.notes)]


@dataclass(frozen=True, slots=True)
class Replaying:
    """Replays stored decisions; `search_in` opens the chunks of a generation for an exact scan."""

    database: Database
    embedder: Callable[[], Embedder]
    search_in: Callable[[int], Library]

    def replay(self, decision_id: str, *, search: bool = False) -> Repeated:
        """Decide again from the stored evidence; `search` also looks for the evidence again."""
        stored = find(self.database, decision_id)
        try:
            recalled = recall(self.database, stored)
        except Gone as gone:
            return Repeated(stored.id, search, None, None, gone=gone.said)
        again = _decided_again(stored, recalled, search)
        if not search:
            return again
        try:
            differs, notes = self._searched_again(stored, recalled)
        except Gone as gone:
            return replace(again, gone=gone.said)
        return replace(again, differs=(*again.differs, *differs), notes=(*again.notes, *notes))

    def _searched_again(
        self, stored: DecisionView, recalled: Recalled
    ) -> tuple[list[str], list[str]]:
        if stored.generation is None:
            return [], ["nothing was searched for this message"]
        self._unchanged(recalled)
        body, asked = stored.body, stored.question
        by = Filter(
            Audience(asked["audience"]), recalled.case.tier, asked["language"], asked["product"]
        )
        library = self.search_in(stored.generation)
        try:
            vector = library.embed(asked["text"])
            count, ranking = max(len(body["passages"]), 1), recalled.judge.ranking
            found = library.search(asked["text"], vector, by, count, ranking)
        except KbSupportError as error:
            raise Gone(f"generation {stored.generation} cannot be searched: {error}") from error
        finally:
            library.close()
        return _found_otherwise(stored, recalled, found), []

    def _unchanged(self, recalled: Recalled) -> None:
        """The model and the past tickets that a search depends on, beside its chunks."""
        gone = []
        was, now = recalled.hashes.get("embedder"), self.embedder().name
        if was != now:
            gone.append(f"the embedding model is {now} now and was {was}")
        with self.database.read() as connection:
            history = kept.history_stamp(connection)
        if judge_and_history(recalled.judge, history) != recalled.hashes.get("judge"):
            gone.append("the past tickets have changed since: what they say cannot be asked again")
        if recalled.chunks is None:
            gone.append("the decision was stored without its chunks, by an earlier version")
        if gone:
            raise Gone(*gone)


def find(database: Database, decision_id: str) -> DecisionView:
    """A stored decision, or an error that says how to get one."""
    with database.read() as connection:
        found = decisions.find_decision(connection, decision_id)
    if found is None:
        raise NotFound(f"no decision {decision_id!r}; `kbsupport ask --json` prints decision_id")
    return found


def _decided_again(stored: DecisionView, recalled: Recalled, searched: bool) -> Repeated:
    evidence, signals, case = recalled.evidence, recalled.signals, recalled.case
    probability = recalled.judge.probability(evidence, signals)
    again = decide(
        evidence, signals, replace(case, probability=probability), recalled.policy,
        recalled.certificate,
    )  # fmt: skip
    was, now = _stored_verdict(stored), _verdict(again)
    differs, notes = [], []
    if not _equal(probability, case.probability):
        differs.append(f"the probability is {probability!r} and was {case.probability!r}")
    if was["reason"] in _AFTER_THE_VERDICT:
        notes.append(
            f"replayed up to the verdict; what came after it ({was['rule']}) is not done again"
        )
        if again.outcome is not Outcome.RESOLVE:
            differs.append(f"the verdict is {again.outcome} and was to resolve")
    else:
        other = [name for name in was if was[name] != now[name]]
        differs += [f"{name} is {now[name]!r} and was {was[name]!r}" for name in other]
    return Repeated(
        stored.id,
        searched,
        (case.probability, probability),
        (was, now),
        tuple(differs),
        notes=tuple(notes),
    )


def _found_otherwise(stored: DecisionView, recalled: Recalled, found: Found) -> list[str]:
    """Each thing that the search finds otherwise than it did."""
    differs = []
    order = tuple(match.article_id for match in found.matches)
    if order != recalled.case.order:
        before = _named(recalled.case.order)
        differs.append(f"the articles found are {_named(order)}, were {before}")
    now = weigh(found, recalled.judge.records)
    for name, was in recalled.evidence.channels.to_dict().items():
        value = getattr(now.channels, name)
        if not _close(value, was):
            differs.append(f"{name} of the best article is {value}, was {was}")
    if [shown_chunk(passage) for passage in found.passages] != recalled.chunks:
        differs.append("the passages are not those that were shown")
        return differs
    for passage, was in zip(found.passages, stored.body["passages"], strict=True):
        differs += [
            f"{name} of {passage.article_id} at {passage.start} is {getattr(passage, name)}, "
            f"was {was[name]}"
            for name in _SCORES
            if not _close(getattr(passage, name), was[name])
        ]
    return differs


def _stored_verdict(stored: DecisionView) -> dict[str, Any]:
    body = stored.body
    return {
        "outcome": body["outcome"],
        "reason": body["reason"],
        "rule": body["evidence"]["rule"],
        "certified": body["certified"],
        "certificate": body["certificate"],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": str(verdict.outcome),
        "reason": str(verdict.reason),
        "rule": verdict.rule,
        "certified": verdict.certified,
        "certificate": verdict.certificate,
    }


def _equal(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _NEAR + _HALF_A_DIGIT


def _named(order: tuple[str, ...]) -> str:
    return ", ".join(order) or "none"


def _both(pair: tuple[Any, Any] | None) -> dict[str, Any] | None:
    return None if pair is None else {"stored": pair[0], "again": pair[1]}
