"""Why something was decided, in words for a support lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.learning.recalled import Gone, Recalled, recall
from kbsupport.learning.replaying import find
from kbsupport.model import Evidence
from kbsupport.triage.judge import features
from kbsupport.triage.verdict import what_would_change

if TYPE_CHECKING:
    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView

_MOST_PARTS = 6
_STRONG, _WORTH_A_WORD = 1.0, 0.1
_DONE = {
    "resolve": "It was answered from {article}",
    "clarify": "Something was asked back",
    "reply": "A greeting or thanks was returned",
    "escalate": "It was handed over to a person",
}
# Their numbers are on scales that only the judge knows.
_UNSPOKEN = frozenset({"score", "lead", "share", "crowd", "length", "agreement"})
_AMONG_OTHERS = ", compared with the other articles found"

# What each feature of the judge is, so that "speaks for it" or "against it" can follow.
WORDS: Mapping[str, str] = {
    "score": "how well the article fits, all ways of looking together",
    "lead": "how far it is ahead of the next article",
    "share": "its share among the articles found",
    "crowd": "how well the articles found fit on average",
    "vector_best": "how near its closest passage is in meaning",
    "vector_mean": "how near its three closest passages are in meaning",
    "vector_about": "how near the article as a whole is in meaning",
    "terms": "how much of the question the article speaks of, in its words",
    "spelling": "how alike title and question are spelt",
    "passage_terms": "how much of the question one passage speaks of, in its words",
    "recall": "what titles and earlier questions say about this article",
    "seen_best": "how near the closest earlier question of this article is",
    "seen_mean": "how near its three closest earlier questions are",
    "seen_likeness": "how alike its closest earlier question is, in words and meaning",
    "agreement": "how many ways of looking put this article first",
    "unanswered_recall": "how much it is like what no article could answer",
    "unanswered_best": "how near the closest question is that no article could answer",
    "unanswered_mean": "how near the five closest questions are that no article could answer",
    "unanswered_likeness": "how alike the closest question is that no article could answer",
    "recall_over_unanswered": "whether it is rather like what this article answered than like "
    "what none could answer",
    "seen_over_unanswered": "whether an answered question is nearer than an unanswered one",
    "likeness_over_unanswered": "whether an answered question is more alike than an unanswered one",
    "length": "how long the question is",
    "unknown": "the share of its words that stand in no article",
    "coverage": "the share of its words, by weight, that the article holds",
    "all_covered": "whether the article holds all of its words",
    "several_questions": "whether it asks several things",
    "complaint": "whether it reads as a complaint",
    "frustration": "how frustrated it reads",
    "bug_report": "whether it reports a fault",
    "feature_request": "whether it wishes for something new",
    "complexity": "how complex it is",
    "own_case": "how much it is about the customer's own case",
    "record": "what labels have shown of this article so far",
    "bias": "how often such a question is answered rightly, before anything is looked at",
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one thing the judge looks at adds to the log-odds, and what that is."""

    name: str
    value: float | None
    adds: float

    @property
    def words(self) -> str:
        """The part as a sentence."""
        sign = "for" if self.adds > 0 else "against"
        strongly = " strongly" if abs(self.adds) >= _STRONG else ""
        spoken = self.value is not None and self.name not in _UNSPOKEN
        value = f" ({self.value:.2f})" if spoken else ""
        return f"{name_in_words(self.name)}{value} speaks{strongly} {sign} it"

    def to_dict(self) -> dict[str, Any]:
        """One entry of `parts`."""
        return {"name": self.name, "value": self.value, "adds": self.adds, "words": self.words}


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision in plain words."""

    decision_id: str
    asked: str
    body: Mapping[str, Any]
    evidence: tuple[str, ...]
    parts: tuple[Part, ...]
    would_change: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """`explain --json`."""
        body = self.body
        return {
            "decision_id": self.decision_id,
            "question": self.asked,
            "outcome": body["outcome"],
            "reason": body["reason"],
            "rule": body["evidence"]["rule"],
            "article_id": body["article_id"],
            "probability": body["probability"],
            "certified": body["certified"],
            "certificate": body["certificate"],
            "tier": body["customer"]["tier"],
            "evidence": list(self.evidence),
            "parts": [part.to_dict() for part in self.parts],
            "would_change": list(self.would_change),
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """What `explain` says on a terminal."""
        body = self.body
        done = _DONE[body["outcome"]].format(article=body["article_id"])
        lines = [
            f"Asked by a {body['customer']['tier']} customer: {' '.join(self.asked.split())}",
            f"{done}, because {body['evidence']['rule']} [{body['reason']}].",
        ]
        if body["article_id"] is not None:
            lines.append(
                f"The best article is {body['article_id']}; the judge gives it a probability of "
                f"{body['probability']:.3f} of being right{_proof(body)}."
            )
        for head, said in (
            ("What was seen:", self.evidence),
            ("What moved the judge, the strongest first:", [part.words for part in self.parts]),
            ("What would have led elsewhere:", self.would_change),
            ("Note:", self.notes),
        ):
            if said:
                lines += ["", head, *(f"  - {one}" for one in said)]
        return lines


def explain(database: Database, decision_id: str) -> Explained:
    """Why a stored decision was made, and what would have changed it."""
    stored = find(database, decision_id)
    asked = str(stored.question["text"])
    try:
        recalled = recall(database, stored)
    except Gone as gone:
        return Explained(stored.id, asked, stored.body, (), (), (), gone.said)
    changes = what_would_change(
        recalled.evidence, recalled.signals, recalled.case, recalled.policy, recalled.certificate
    )
    found = bool(recalled.case.order)
    return Explained(
        decision_id=stored.id,
        asked=asked,
        body=stored.body,
        evidence=tuple(read_out(recalled.evidence)) if found else (),
        parts=tuple(_parts(recalled)) if found else (),
        would_change=changes,
        notes=_notes(stored),
    )


def name_in_words(name: str) -> str:
    """What a feature of the judge is called where people read."""
    if name.endswith("_lead") and name.removesuffix("_lead") in WORDS:
        return WORDS[name.removesuffix("_lead")] + _AMONG_OTHERS
    return WORDS.get(name, name.replace("_", " "))


def read_out(evidence: Evidence) -> list[str]:
    """The numbers of the search as sentences."""
    held, words, unknown = evidence.words_covered, evidence.words, evidence.words_unknown
    shares = evidence.first_share, evidence.second_share
    said = [
        f"of its {words} different words the article holds {held}; {unknown} stand in no article",
        "of the articles found it has {:.0%} of the weight, the next one {:.0%}".format(*shares),
    ]
    if evidence.rankings_agree:
        said.append("by its words and by its meaning the same article comes first")
    else:
        by_words = evidence.best_by_terms or "none"
        said.append(
            f"by its words {by_words} comes first, by its meaning {evidence.best_by_vectors}"
        )
    seen, refused = evidence.channels.seen_best, evidence.unanswered.best
    if seen or refused:
        said.append(
            f"the nearest title or earlier question of the article is {seen:.2f} near (1 is the "
            f"same), the nearest that no article could answer {refused:.2f}"
        )
    return said


def _parts(recalled: Recalled) -> list[Part]:
    given = features(recalled.evidence, recalled.signals)
    parts = recalled.judge.parts(recalled.evidence, recalled.signals)
    return [
        Part(name, given.get(name), adds)
        for name, adds in parts.items()
        if abs(adds) >= _WORTH_A_WORD and name != "bias"
    ][:_MOST_PARTS]


def _notes(stored: DecisionView) -> tuple[str, ...]:
    if stored.body["reason"] in ("nothing_to_quote", "failed"):
        return ("what would have led elsewhere is told of the verdict before the answer was made",)
    return ()


def _proof(body: Mapping[str, Any]) -> str:
    if body["certified"]:
        return f", and {body['certificate']} proves how often such answers are wrong"
    return ", and no certificate says how often that is wrong"
