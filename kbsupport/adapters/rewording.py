"""Does a rewording say what its quotes say, all of it and nothing else? Pure, and strict.

Whatever is in doubt is a flaw, for there is always something exact to send instead: the quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kbsupport.adapters.small_words import NOT, PERSONS, SmallWords, small_words

# How much longer than its quotes a rewording may be: small words and politeness, no more.
_LONGER = 1.5
_MOST_SENTENCES = 60
# Words that stand in many clauses may be read in many ways; beyond so many it is left alone.
_MOST_READINGS = 200
_LEAST_TURNED = 2

_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+")
_TOKEN = re.compile(r"\S+")
_EDGES = ".,;:!?…()[]{}\"'“”„‘’«»*_–—-|>"
_BREAKS = re.compile(r"[.,;:!?…()–—|>\"“”]")
_ENDS = re.compile(r"[.!?…:]")
_HARD = re.compile(r"[\d@/\\_#=&+<>|~^$€£¥%°*\[\]{}]|\w[.:]\w")
_MARKUP = re.compile(r"\]\s*\(|<\s*[a-z!/]|&#?\w+;|\w+://|\bwww\.", re.IGNORECASE)
_PLAIN = frozenset(" .,;:!?'\"()-–—…’‘“”/%&+")
_NOT_JOINED = (
    (re.compile(r"\b(?:cannot|can['’]t)\b", re.IGNORECASE), "can not"),
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will not"),
    (re.compile(r"n['’]t\b", re.IGNORECASE), " not"),
)
_PARTS = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ENDINGS = {
    "en": ("ing", "ed", "es", "e", "s", "d"),
    "de": ("en", "em", "es", "et", "e", "n", "s", "t"),
    "fr": ("ées", "ée", "és", "é", "ez", "er", "ent", "es", "e", "s"),
    "nl": ("en", "e", "t", "s", "n"),
    "es": ("es", "as", "os", "a", "o", "e", "s", "n"),
}
_STEM = 3


class Flaw(StrEnum):
    """Why a rewording is not sent: the closed list documented in docs/llm.md."""

    LANGUAGE = "language"
    NOTHING_SAID = "nothing_said"
    TOO_LONG = "too_long"
    SIGNS = "signs"
    UNCITED = "uncited"
    ORDER = "order"
    LEFT_OUT = "left_out"
    LINK = "link"
    NUMBER = "number"
    NAME = "name"
    WORD = "word"
    NEGATION = "negation"
    CONDITION = "condition"
    COMPANY = "company"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a rewording, and the numbers, from 1, of the quotes it rests on."""

    text: str
    rests_on: tuple[int, ...]


def can_be_checked(quotes: Sequence[str], language: str | None) -> bool:
    """True if there are words for this language; a row of a table means nothing by itself."""
    return small_words(language) is not None and not any(" | " in quote for quote in quotes)


def find_flaw(
    sentences: Sequence[Sentence], quotes: Sequence[str], language: str | None
) -> Flaw | None:
    """The first thing wrong with a rewording of these quotes, or None."""
    small = small_words(language)
    if small is None or language is None:
        return Flaw.LANGUAGE
    outside = _outside(sentences, quotes)
    if outside is not None:
        return outside
    reader = _Reading(small, _ENDINGS[language[:2].lower()])
    read = [reader.clauses(_bare(quote)) for quote in quotes]
    said = [_flat(reader.clauses(_bare(one.text))) for one in sentences]
    for one, tokens in zip(sentences, said, strict=True):
        cited = _flat([clause for n in one.rests_on for clause in read[n - 1]])
        flaw = _strange(one, quotes) or _foreign(tokens, cited)
        if flaw is not None:
            return flaw
    whole = [_flat(clauses) for clauses in read]
    return _lost(said, whole) or _torn(sentences, said, read)


def lay_out(sentences: Sequence[Sentence], quotes: Sequence[str]) -> str:
    """The text of a rewording that has no flaw: a step begins a line, with its own marker."""
    text, item = "", 0
    for one in sentences:
        first = one.rests_on[0]
        marker = _ITEM.match(quotes[first - 1])
        said = _bare(one.text).strip()
        if marker and first != item:
            text += f"{chr(10) if text else ''}{marker.group().strip()} {said}"
        else:
            gap = "" if not text else " " if marker or not item else "\n\n"
            text += f"{gap}{said}"
        item = first if marker else 0
    return text


def _outside(sentences: Sequence[Sentence], quotes: Sequence[str]) -> Flaw | None:
    """What can be seen without reading: length, citations and their order, signs."""
    if not sentences or not all(one.text.strip() for one in sentences):
        return Flaw.NOTHING_SAID
    length = sum(len(one.text) for one in sentences)
    if len(sentences) > _MOST_SENTENCES or length > _LONGER * sum(map(len, quotes)):
        return Flaw.TOO_LONG
    last = 0
    for one in sentences:
        if not one.rests_on or not all(1 <= n <= len(quotes) for n in one.rests_on):
            return Flaw.UNCITED
        alone = len(one.rests_on) == 1 or not any(_ITEM.match(quotes[n - 1]) for n in one.rests_on)
        if not alone or min(one.rests_on) < last:
            return Flaw.ORDER
        last = min(one.rests_on)
    missing = set(range(1, len(quotes) + 1)) - {n for one in sentences for n in one.rests_on}
    return Flaw.LEFT_OUT if missing else None


def _strange(one: Sentence, quotes: Sequence[str]) -> Flaw | None:
    """Signs and markup that the quotes do not have: seen, unseen, or made to look like others."""
    cited = " ".join(quotes[n - 1] for n in one.rests_on)
    if not all(_may_stand(sign, cited) for sign in one.text):
        return Flaw.SIGNS
    if any(found.group() not in cited for found in _MARKUP.finditer(one.text)):
        return Flaw.LINK
    return None


def _may_stand(sign: str, cited: str) -> bool:
    """Letters and plain stops; anything else that can be seen, only as quoted."""
    if sign in _PLAIN or (sign.isascii() and sign.isalnum()):
        return True
    kind = unicodedata.category(sign)
    return kind in {"Ll", "Lu"} or (kind not in _UNSEEN and sign in cited)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word that carries meaning (`stem`), turns a sentence (`turn`), or stands as it is."""

    key: str
    spelt: str
    begins: bool
    turn: bool = False
    hard: bool = False
    unit: str = ""


Clause = tuple[_Token, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads texts of one language into clauses."""

    small: SmallWords
    endings: tuple[str, ...]

    def clauses(self, text: str) -> tuple[Clause, ...]:
        """The clauses of a text that hold anything."""
        made: list[list[_Token]] = [[]]
        begins = True
        for found in _TOKEN.finditer(_apart(text)):
            core = found.group().strip(_EDGES)
            before, _, after = found.group().partition(core) if core else (found.group(), "", "")
            if _BREAKS.search(before):
                made.append([])
            for token in self._tokens(core, begins) if core else ():
                if token.spelt.lower() in self.small.joins:
                    made.append([])
                if token.key:
                    made[-1].append(token)
                begins = False
            if _BREAKS.search(after):
                made.append([])
            begins = begins or _ENDS.search(after) is not None
        return tuple(_with_units(clause) for clause in made if clause)

    def _tokens(self, core: str, begins: bool) -> Iterator[_Token]:
        if _HARD.search(core):
            yield _Token(core, core, begins, hard=True)
            return
        for part in _PARTS.findall(core):
            low = part.lower()
            if low in self.small.turns:
                yield _Token(self.small.turns[low], part, begins, turn=True)
            elif low in self.small.free:
                yield _Token("", part, begins)
            else:
                yield _Token(f"~{self._stem(low)}", part, begins)
            begins = False

    def _stem(self, word: str) -> str:
        for ending in self.endings:
            if word.endswith(ending) and len(word) - len(ending) >= _STEM:
                return word[: -len(ending)]
        return word


def _with_units(clause: Sequence[_Token]) -> Clause:
    """A number is told with what it counts: the word behind it."""
    made = []
    for token, behind in zip(clause, [*clause[1:], None], strict=True):
        counts = token.hard and behind is not None and not behind.turn
        made.append(
            _Token(token.key, token.spelt, token.begins, token.turn, token.hard,
                   behind.key if counts and behind is not None else "")
        )  # fmt: skip
    return tuple(made)


def _flat(clauses: Sequence[Clause]) -> Clause:
    return tuple(token for clause in clauses for token in clause)


def _apart(text: str) -> str:
    """With every negation as a word of its own."""
    plain = unicodedata.normalize("NFC", text)
    for joined, parts in _NOT_JOINED:
        plain = joined.sub(parts, plain)
    return plain


def _bare(text: str) -> str:
    return _ITEM.sub("", text, count=1) if _ITEM.match(text) else text


def _foreign(tokens: Clause, quoted: Clause) -> Flaw | None:
    """Something that none of the quotes says that this sentence rests on."""
    keys, spelt = {token.key for token in quoted}, {token.spelt for token in quoted}
    for token in tokens:
        if token.hard and token.key not in keys:
            return Flaw.NUMBER if re.search(r"\d", token.key) else Flaw.LINK
        if token.turn and token.key not in keys:
            return Flaw.NEGATION if token.key == NOT else Flaw.CONDITION
        if not token.turn and token.key not in keys:
            return Flaw.NAME if _named(token) else Flaw.WORD
        if not token.turn and _named(token) and token.spelt not in spelt:
            return Flaw.NAME
    units = {(token.key, token.unit) for token in quoted if token.hard}
    if any(t.hard and t.unit and (t.key, t.unit) not in units for t in tokens):
        return Flaw.NUMBER
    return None


def _named(token: _Token) -> bool:
    return token.spelt[1:].lower() != token.spelt[1:] or (
        token.spelt[0].isupper() and not token.begins
    )


def _lost(said: Sequence[Clause], quotes: Sequence[Clause]) -> Flaw | None:
    """Anything but a person that is said less often, or more often, than in the quotes.

    A word that may be dropped may be the one that matters, as in "unopened items can be returned".
    """
    now, then = (
        Counter((t.key, t.turn) for side in sides for t in side) for sides in (said, quotes)
    )
    changed = [one for one in now | then if now[one] != then[one] and one[0] not in PERSONS]
    if any(turn for _, turn in changed):
        return Flaw.NEGATION if (NOT, True) in changed else Flaw.CONDITION
    return Flaw.LEFT_OUT if changed else None


def _torn(
    sentences: Sequence[Sentence], said: Sequence[Clause], quotes: Sequence[Sequence[Clause]]
) -> Flaw | None:
    """Words of one clause told apart, or with those of another: "45 days" of something else.

    The rewording is walked word by word. Each word belongs to a clause that has it, a clause that
    was left is over, and its words keep their order; only what stands behind may be told first,
    as in "within 7 days we refund you". If the words can be read in no such way, facts have
    changed company.
    """
    numbered = [(n, clause) for n, clauses in enumerate(quotes, 1) for clause in clauses]
    states = {_Walk()}
    for one, tokens in zip(sentences, said, strict=True):
        allowed = [i for i, (n, _) in enumerate(numbered) if n in one.rests_on]
        for token in tokens:
            states = {
                after
                for state in states
                for i in allowed
                for after in _steps(state, i, token, numbered[i][1])
            }
            if not states or len(states) > _MOST_READINGS:
                return Flaw.COMPANY
    return None


@dataclass(frozen=True, slots=True)
class _Walk:
    """The clause that is being told, where in it that began, how far it got, and what is over."""

    place: int = -1
    first: int = 0
    reached: int = 0
    told: int = 0
    over: frozenset[int] = frozenset()


def _steps(walk: _Walk, place: int, token: _Token, clause: Clause) -> Iterator[_Walk]:
    """The walks after this word, read as part of this clause."""
    if place in walk.over:
        return
    places = [at for at, other in enumerate(clause) if other.key == token.key]
    if place != walk.place:
        over = walk.over | {walk.place}
        yield from (_Walk(place, at, at, 1, over) for at in places)
        return
    turned = walk.reached < walk.first
    # One word alone that changes its place may be the one who pays, or the one that is denied.
    may_turn = not turned and min(walk.told, walk.first) >= _LEAST_TURNED
    for at in places:
        ahead = walk.reached < at < walk.first if turned else at > walk.reached
        if ahead or (may_turn and at < walk.first):
            yield _Walk(place, walk.first, at, walk.told + 1, walk.over)
