"""Texts to terms: the same few lines read an article when it is indexed and a question later."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"\w+")
_ES = re.compile(r"(?:ss|x|ch|sh)es$")
_VOWEL = re.compile(r"[aeiouy]")
_SHORT = 3
_NGRAMS = (3, 4, 5)
_LANGUAGES = frozenset({"de", "en", "es", "fr", "it", "nl", "pt", "zh"})

# A question may be a pasted log; what lies beyond this says nothing new and costs time.
LONGEST = 20_000


def words(text: str) -> list[str]:
    """Lower-case words, lightly stemmed, in order."""
    return [stem(word) for word in _WORD.findall(text[:LONGEST].lower())]


def pairs(found: list[str]) -> list[str]:
    """Neighbouring words, which say more than either alone."""
    return [f"{a} {b}" for a, b in pairwise(found)]


def terms(text: str) -> list[str]:
    """Words and pairs of each line; a pair never crosses a line."""
    found = []
    for line in text[:LONGEST].splitlines():
        on_line = words(line)
        found += on_line + pairs(on_line)
    return found


def letters(text: str) -> list[str]:
    """Runs of 3 to 5 letters inside each padded word: what is left of a word that is misspelt."""
    return [run for word in _WORD.findall(text[:LONGEST].lower()) for run in _runs(word)]


def slug_words(article_id: str) -> str:
    """The words of an id that is a path; a leading language code says nothing."""
    parts = [part for part in re.split(r"[-_/\s.]+", article_id) if part]
    return " ".join(parts[1:] if parts and parts[0] in _LANGUAGES else parts)


@lru_cache(maxsize=50_000)
def _runs(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(
        padded[start : start + size]
        for size in _NGRAMS
        for start in range(max(1, len(padded) - size + 1))
    )


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Plural, -ing, -ed, a last -e, and y to i: light enough to be harmless elsewhere."""
    word = _singular(word)
    for suffix in ("ing", "ed"):
        rest = word.removesuffix(suffix)
        if rest != word and len(rest) >= _SHORT and _VOWEL.search(rest):
            doubled = len(rest) > _SHORT and rest[-1] == rest[-2] and rest[-1] not in "lsz"
            word = rest[:-1] if doubled else rest
            break
    if len(word) > _SHORT and word.endswith("e"):
        word = word[:-1]
    if len(word) > _SHORT and word.endswith("y"):
        word = word[:-1] + "i"
    return word


def _singular(word: str) -> str:
    if len(word) > _SHORT + 1 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > _SHORT + 1 and _ES.search(word):
        return word[:-2]
    if len(word) > _SHORT and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
