"""A draft of the article that is missing, from what people wrote back; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kbsupport.knowledge.words import words

_POINTS = 8
_FEWEST_WORDS, _MOST_WORDS = 4, 60
# Two sentences say the same when so many of their words are the same.
_SAME = 0.5
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\s|$)|[.!?](?=\S)[^.!?\n]*)*[.!?]*")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s*")
# Whatever may name a person or one customer's case; a draft is for everybody.
_PHONE = re.compile(r"(?:\+|\b00)\d[\d ()/-]{6,}\d")
_PERSONAL = re.compile(
    r"@|\b[A-Z]{2,5}-?\d{4,}\b|\d{5,}|\b(?:mr|mrs|ms|dr|sir|madam)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"^\W*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|thanks?|thank you|many thanks|"
    r"(?:best|kind|warm) regards|regards|cheers|yours|sincerely|sorry|we apologi[sz]e|"
    r"have a nice|glad|you'?re welcome|let us know|hope th)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Point:
    """Something that the article should say, and how many people's replies say it."""

    text: str
    replies: int

    def to_dict(self) -> dict[str, Any]:
        """`text` and `replies`."""
        return {"text": self.text, "replies": self.replies}


@dataclass(frozen=True, slots=True)
class Outline:
    """What to write: the questions to answer, and what people answered so far."""

    title: str
    questions: tuple[str, ...]
    points: tuple[Point, ...]
    replies: int

    def to_dict(self) -> dict[str, Any]:
        """`outline` of a gap."""
        return {
            "title": self.title,
            "questions": list(self.questions),
            "points": [point.to_dict() for point in self.points],
            "replies": self.replies,
        }

    def lines(self) -> list[str]:
        """The draft as Markdown, for a person to finish."""
        asked = [f"- {_short(text)}" for text in self.questions]
        head = [f"# {self.title}", "", "Questions it should answer:", "", *asked]
        if not self.points:
            return [*head, "", "Nobody has answered these yet: ask whoever knows."]
        said = [
            f"- {point.text}" + (f" ({point.replies} replies)" if point.replies > 1 else "")
            for point in self.points
        ]
        return [*head, "", f"What people answered, in {self.replies} replies:", "", *said]


def outline(name: str, questions: Sequence[str], replies: Sequence[str]) -> Outline:
    """A draft: what most replies say comes first, in the words of the shortest of them."""
    groups: list[list[tuple[int, str]]] = []
    heard: list[list[set[str]]] = []
    for number, reply in enumerate(replies):
        for sentence in sentences(reply):
            spoken = set(words(sentence))
            place = next((n for n, group in enumerate(heard) if _like(spoken, group[0])), None)
            if place is None:
                groups.append([(number, sentence)])
                heard.append([spoken])
            else:
                groups[place].append((number, sentence))
                heard[place].append(spoken)
    points = [
        Point(min((text for _, text in group), key=len), len({number for number, _ in group}))
        for group in groups
    ]
    # Sorting is stable: what is said equally often stays in the order in which people said it.
    best = sorted(points, key=lambda point: -point.replies)[:_POINTS]
    return Outline(name, tuple(map(without_persons, questions)), tuple(best), len(replies))


def sentences(reply: str) -> list[str]:
    """What a reply says to everybody: no greeting, nothing that names a person or a case."""
    found = []
    for line in reply.splitlines():
        for match in _SENTENCE.finditer(_BULLET.sub("", line)):
            sentence = " ".join(match[0].split())
            few = _FEWEST_WORDS <= len(sentence.split()) <= _MOST_WORDS
            if few and not _private(sentence) and not _COURTESY.match(sentence):
                found.append(sentence)
    return found


def without_persons(text: str) -> str:
    """A question with whatever may name a person or a case replaced by an ellipsis."""
    text = _PHONE.sub("…", text)
    return " ".join("…" if _PERSONAL.search(word) else word for word in text.split())


def _private(sentence: str) -> bool:
    return bool(_PERSONAL.search(sentence) or _PHONE.search(sentence))


def _like(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= _SAME * len(one | other)


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
