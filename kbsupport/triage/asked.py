"""How many different questions a message asks, and which details it leaves out; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# What a policy may ask for, and the signs that it is there.
_ORDER_NUMBER = re.compile(
    r"\b[A-Z]{1,5}[-_ ]?\d{4,}\b|#\s?\d{3,}\b"
    r"|\b(?:order|bestell|commande|pedido|ordine|invoice|case|ticket|claim)\w{0,8}"
    r"(?:\s(?:no|nr|num|number|nummer|id|ref|reference"
    r"|is))*[.:#\s]{1,3}(?=[\w-]{0,12}\d{3})[\w-]{4,20}",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\bv\.?\s?\d+(?:\.\d+)*\b|\b\d+\.\d+\.\d+\b"
    r"|\b(?:version|firmware|fw|app|release|build|update|android|ios|windows|macos)\s"
    r"(?:is\s|version\s|v)?\d+(?:\.\d+)*\b",
    re.IGNORECASE,
)
_MODEL = re.compile(r"\b(?=\w{0,12}\d)(?=\w{0,12}[A-Z])[A-Z][A-Za-z]{0,8}-?\d{1,4}[A-Za-z]{0,2}\b")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.\w")
_SERIAL = re.compile(r"\b(?=[\w-]{0,30}\d{4})[A-Z][A-Z0-9]{1,5}-?\d{4,}[\w-]{0,12}\b")
_FOUND_BY: dict[str, Callable[[str], object]] = {
    "order_number": _ORDER_NUMBER.search,
    "version": _VERSION.search,
    "product": _MODEL.search,
    "email": _EMAIL.search,
    "serial_number": _SERIAL.search,
}
DETAILS = frozenset(_FOUND_BY)

_NUMBERED = re.compile(r"(?:^|[\s:;,])(?:\(?([1-9])[).:]|([1-9])\.)\s?(?=[A-Za-z])")
_ORDINAL = re.compile(
    r"\b(?:first(?:ly| of all)?|second(?:ly)?|third(?:ly)?|finally|lastly)(?=[:,]| please| i )"
    r"|\band (?:second|third)\b",
    re.IGNORECASE,
)
_ASKS = (
    r"(?:how|what|what's|whats|where|when|which|who|why|can|could|do|does|did|is|are|will|would"
    r"|should"
    r"|may|am|please|pls|need to|i need|i want|i'd like|i would like|want to|send)"
)
# "also" and "plus" join questions only where a new clause begins: "could it also fit", "my Plus".
# Bounded runs of signs: a page of "?!" or of blanks is read once, not once for each of them.
_BREAK = r"(?:[,;.!?\n][\s.!?]{0,4}(?:(?:and|but)\s{1,4})?|\s{1,4}and\s{1,4}|^)"
_JOINED = re.compile(
    rf"{_BREAK}(?:also|plus|additionally)[:,\s]+(?=(?:[\w']+\s+){{0,4}}?(?:{_ASKS}|my|our|the)\b)"
    rf"|{_BREAK}(?:separately|besides|by the way|btw|while i'?m (?:here|at it)"
    r"|another (?:question|thing|point)|one more (?:question|thing)|on another note)[:,\s]+"
    rf"|[,\s]{{1,4}}(?-i:AND)\s{{1,4}}(?={_ASKS}\b)",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"(?:^|[.!?:\n]\s{0,4}|\b(?:have|got|ask)\s+)"
    r"(?:two|three|four|five|2|3|4|5|several|a few|a couple of|some)"
    r" (?:different |separate |quick |more )?(?:things|questions|points|issues|problems)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(rf"\?|(?:^|[.!,;:]\s?|\b(?:and|so|hi|hello)\s){_ASKS}\b", re.IGNORECASE)
_CONTENT = re.compile(r"[^\W\d_]{4,}")
# Words of asking and of courtesy tell nothing of what is asked.
_HOLLOW = frozenset(
    """what when where which whom whose with that this these those there then them they have does
    will would could should about from your yours mine into please thanks thank want need know long
    much many more some also just like been being still only possible make work works need does
    first second third question questions things hello help tell else take cost""".split()
)
_MOST = 9
# A question of its own brings so many words of its own.
_OWN = 2


def split_questions(text: str) -> tuple[str, ...]:
    """The different questions of a message in its words; one if nothing divides them."""
    parts = _numbered(text)
    if len(parts) > 1:
        return parts[:_MOST]
    pieces = [piece.strip() for piece in _ORDINAL.sub("\x1f", text).split("\x1f")]
    if len(pieces) < 3:  # noqa: PLR2004 - a lone "first" divides nothing
        pieces = [text]
    joined = [part for piece in pieces for part in _JOINED.split(piece)]
    return _different([part for part in joined if part and _content(part)])[:_MOST] or (text,)


def count_questions(text: str) -> int:
    """How many different questions a message asks; what asks nothing has none."""
    parts = len(split_questions(text))
    if parts > 1:
        return parts
    if _SEVERAL.search(text):
        return 2
    return 1 if _ASKING.search(text) else 0


def missing_details(
    texts: Sequence[str], details: Sequence[str], products: Sequence[str]
) -> tuple[str, ...]:
    """The details that none of these texts holds; `products` are names that count as one."""
    together = "\n".join(texts)
    named = {detail for detail, found in _FOUND_BY.items() if detail in details and found(together)}
    spoken = together.casefold()
    if any(re.search(rf"\b{re.escape(name.casefold())}", spoken) for name in products if name):
        named.add("product")
    return tuple(dict.fromkeys(detail for detail in details if detail not in named))


def _numbered(text: str) -> tuple[str, ...]:
    """Pieces that begin with 1, 2, 3 … in this order."""
    starts: list[tuple[int, int]] = []
    for mark in _NUMBERED.finditer(text):
        if (mark[1] or mark[2]) == str(len(starts) + 1):
            starts.append(mark.span())
    ends = [*(start for start, _ in starts[1:]), len(text)]
    pieces = (text[begin:end].strip() for (_, begin), end in zip(starts, ends, strict=False))
    return tuple(piece for piece in pieces if _content(piece))


def _different(parts: list[str]) -> tuple[str, ...]:
    """Parts that ask about something of their own; the others belong to the one before."""
    kept: list[str] = []
    for part in parts:
        known = set().union(*map(_content, kept)) if kept else set()
        own = _content(part) - known
        lone = kept and len(_content(kept[-1])) < _OWN
        if lone or (kept and (len(own) < _OWN or not _ASKING.search(part))):
            kept[-1] = f"{kept[-1]} {part.strip()}"
        else:
            kept.append(part.strip())
    return tuple(kept)


def _content(text: str) -> set[str]:
    return {word.casefold() for word in _CONTENT.findall(text)} - _HOLLOW
