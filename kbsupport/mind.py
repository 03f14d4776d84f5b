"""What is thought of a question before anything is done: look, weigh, judge, decide."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kbsupport.model import (
    Evidence,
    Filter,
    Found,
    Identity,
    Outcome,
    Passage,
    Question,
    Reading,
    Reason,
    Signals,
    Verdict,
)
from kbsupport.standing import Standing, judge_and_history
from kbsupport.triage.evidence import weigh
from kbsupport.triage.live import ALL_ON, Live
from kbsupport.triage.signals import is_empty, read_signals
from kbsupport.triage.verdict import Case, decide

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.knowledge.library import Library
    from kbsupport.knowledge.remembering import Remembered
    from kbsupport.ports import Reader
    from kbsupport.standing import Shelf
    from kbsupport.triage.certificate import Certificate
    from kbsupport.triage.intent import IntentModel
    from kbsupport.triage.judge import Judge

    Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is set once for all questions."""

    passages: int
    default_tier: str
    require_certificate: bool


@dataclass(frozen=True, slots=True)
class Used:
    """Who decided, so that a replay can ask them again."""

    standing: Standing
    judge: Judge
    hashes: dict[str, str]
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class Thought:
    """Everything that is known of a question once it is decided."""

    signals: Signals
    found: Found = Found(generation=None)
    evidence: Evidence = Evidence()
    case: Case | None = None
    verdict: Verdict = Verdict(Outcome.ESCALATE, Reason.FAILED, "nothing was decided")
    used: Used | None = None

    def inputs(self) -> dict[str, Any] | None:
        """What a replay needs beside the printed decision."""
        if self.case is None or self.used is None:
            return None
        used = self.used
        return {
            "case": self.case.to_dict(),
            "policy": used.standing.policy.hash,
            "judge": used.judge.hash,
            "certificate": used.certificate.sha256 if used.certificate else None,
            "hashes": used.hashes,
            "chunks": [shown_chunk(passage) for passage in self.found.passages],
        }


def shown_chunk(passage: Passage) -> list[Any]:
    """Where a passage stands and the sha256 of its text: what a replay holds it to."""
    digest = hashlib.sha256(passage.text.encode()).hexdigest()
    return [passage.article_id, passage.start, passage.end, digest]


class Mind:
    """Looks at a question with what decides right now; it acts on nothing."""

    def __init__(self, library: Library, reader: Reader, shelf: Shelf, rules: Rules) -> None:
        self.library, self.shelf, self.rules = library, shelf, rules
        self._reader = reader
        self._spoken: tuple[int | None, tuple[str, ...]] = (None, ())

    def think(
        self,
        question: Question,
        tier: str,
        earlier: Sequence[str],
        *,
        asked_back: bool,
        answered: bool = False,
        identity: Identity = Identity.ANONYMOUS,
    ) -> Thought:
        """Look, weigh, judge and decide."""
        standing = self.shelf.standing()
        if is_empty(question.text):
            return self.decide(read_signals(question.text), Found(None), tier, standing)
        with self.library.steady():
            return self._look(question, tier, earlier, standing, (asked_back, answered, identity))

    def _look(
        self,
        question: Question,
        tier: str,
        earlier: Sequence[str],
        standing: Standing,
        before: tuple[bool, bool, Identity],
    ) -> Thought:
        asked_back, answered, identity = before
        vector = self.library.embed(question.text)
        reading = self.read(standing.intents, question.text, vector)
        signals = read_signals(question.text, earlier, reading)
        by = Filter(question.audience, tier, question.language, question.product)
        judge = standing.judge_for(any_history=self.library.memory().any_history)
        count = self.rules.passages
        found = self.library.search(question.text, vector, by, count, judge.ranking)
        signals = self.with_details(question.text, signals, found, standing, earlier)
        return self.decide(
            signals, found, tier, standing,
            asked_back=asked_back, answered=answered, identity=identity, live=standing.live,
        )  # fmt: skip

    def hear(self, text: str, earlier: Sequence[str]) -> Signals:
        """What a message says by itself, where nothing is looked for."""
        return read_signals(text, earlier, self._reader.read(text))

    def read(self, intents: IntentModel | None, text: str, vector: Vector) -> Reading:
        """What libraries and fitted models say of a message."""
        reading = self._reader.read(text)
        if intents is None or not intents.reads(vector):
            return reading
        intent, probability = intents.predict(vector, text)
        return replace(reading, intent=intent, intent_probability=probability)

    def decide(
        self,
        signals: Signals,
        found: Found,
        tier: str,
        standing: Standing,
        *,
        asked_back: bool = False,
        answered: bool = False,
        identity: Identity = Identity.ANONYMOUS,
        live: Live = ALL_ON,
    ) -> Thought:
        """Weigh what was found and decide by what stands; labels are decided as if all were on."""
        memory = self.library.memory() if found.generation is not None else None
        judge = standing.judge_for(any_history=memory is not None and memory.any_history)
        evidence = weigh(found, judge.records)
        hashes = self.hashes(standing, judge, memory)
        # Where nothing was looked for, nothing speaks for or against a certificate.
        certificate, lapsed = standing.valid_certificate(hashes) if hashes else (None, None)
        topic = found.matches[0].topic if found.matches else None
        held = live.held(tier, topic)
        case = Case(
            tier=tier,
            order=tuple(match.article_id for match in found.matches),
            topic=topic,
            probability=judge.probability(evidence, signals),
            asked_back=asked_back,
            verified=identity is Identity.VERIFIED,
            named=identity is not Identity.ANONYMOUS,
            answered=answered,
            languages=self._languages(found),
            prior_threshold=judge.threshold,
            require_certificate=self.rules.require_certificate,
            held=None if held is None else str(held.reason),
            held_by=held.said if held else "",
        )
        verdict = decide(evidence, signals, case, standing.policy, certificate)
        notices = (*found.notices, *standing.notices, *([lapsed] if lapsed else []))
        used = Used(standing, judge, hashes, certificate)
        return Thought(signals, replace(found, notices=notices), evidence, case, verdict, used)

    def certificate(self) -> tuple[Certificate | None, str | None]:
        """The one that holds right now, else why the one there is does not."""
        standing, memory = self.shelf.standing(), self.library.memory()
        judge = standing.judge_for(any_history=memory.any_history)
        return standing.valid_certificate(self.hashes(standing, judge, memory))

    def notices(self) -> tuple[str, ...]:
        """What every decision is accompanied by: what is broken, or holds no longer."""
        lapsed = self.certificate()[1]
        broken = (*self.library.open().notices, *self.shelf.standing().notices)
        return (*broken, *([lapsed] if lapsed else []))

    def hashes(self, standing: Standing, judge: Judge, memory: Remembered | None) -> dict[str, str]:
        """What a certificate must have been issued for."""
        if memory is None:
            return {}
        live = self.library.open()
        return {
            "generation": live.content_hash,
            "embedder": live.generation.embedder,
            "judge": judge_and_history(judge, memory.history),
            "policy": standing.policy.hash,
        }

    def with_details(
        self,
        text: str,
        signals: Signals,
        found: Found,
        standing: Standing,
        earlier: Sequence[str] = (),
    ) -> Signals:
        """Which details policy asks for on the topic that was found, and nobody has named yet."""
        topic = found.matches[0].topic if found.matches else None
        details = standing.policy.details_for(topic)
        if not details:
            return signals
        products = self.library.open().catalog.products
        read = read_signals(text, earlier, details=details, products=products)
        return replace(signals, missing=read.missing)

    def _languages(self, found: Found) -> tuple[str, ...]:
        """What the articles are written in: as they say, else as a reader finds."""
        if found.generation is None:
            return ()
        if self._spoken[0] != found.generation:
            self._spoken = (found.generation, self.library.languages(self._reader.read))
        return self._spoken[1]
