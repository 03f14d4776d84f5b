"""Texts for eyes that must not see what is in them: logs, and models outside the house."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from kbsupport.model import Customer
from kbsupport.quality.personal import Entity, Found, possible
from kbsupport.quality.secrets import find_secrets

_WORDS: Mapping[Entity, str] = {
    Entity.EMAIL: "EMAIL",
    Entity.PHONE: "PHONE",
    Entity.CARD: "CARD",
    Entity.IBAN: "IBAN",
    Entity.IP: "IP",
    Entity.SSN: "SSN",
}
_PLACEHOLDER = re.compile(r"\[[A-Z]+_\d+\]")
_FEWEST_OF_A_NAME = 2

# A log is read by many and needs no exact finding: whatever could be personal goes.
_LOGGED = (
    (re.compile(r"[^\s<>\"'(),;:@]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})*"), "[EMAIL]"),
    (re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"), "[IBAN]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "[IP]"),
    (re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![\w:])"), "[IP]"),
    (re.compile(r"(?<![\w-])\+?\(?\d(?:[^\w\n:,;]{0,4}\d){6,}(?![\w])"), "[NUMBER]"),
)
_DAY = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")
_LONGEST_LOGGED = 2_000


class Finder(Protocol):
    """What finds personal data."""

    def find(self, text: str) -> Sequence[Found]:
        """What stands where."""
        ...


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with placeholders, and what they stand for; keep that in memory only."""

    text: str
    originals: Mapping[str, str] = field(default_factory=dict, repr=False)

    def unmask(self, text: str) -> str:
        """The same placeholders in any text, as they were; those nobody gave out stay."""
        return _PLACEHOLDER.sub(lambda one: self.originals.get(one[0], one[0]), text)


def mask(
    text: str,
    personal: Finder,
    customer: Customer | None = None,
    before: Masked | None = None,
) -> Masked:
    """Personal data and secrets as [EMAIL_1], [SECRET_1] …: the same value, the same placeholder.

    The customer's name and company are masked too, since a model would have to be told them.
    `before` is what was masked for the same reader; its placeholders are used again.
    """
    originals = dict(before.originals) if before else {}
    given = {value: name for name, value in originals.items()}
    taken = set(originals) | set(_PLACEHOLDER.findall(text))
    parts, at = [], 0
    for start, end, word in _spans(text, personal, customer):
        value = text[start:end]
        if value not in given:
            name = next(name for name in _names(word) if name not in taken)
            taken.add(name)
            given[value], originals[name] = name, value
        parts += [text[at:start], given[value]]
        at = end
    return Masked("".join((*parts, text[at:])), originals)


def masked_for_log(text: str, keep: Sequence[re.Pattern[str]] = ()) -> str:
    """A text that a log may hold: on one line, cut short, without personal data and secrets.

    It masks more than it must, loads nothing and never raises. What matches `keep` stays.
    """
    text = text[:_LONGEST_LOGGED] + ("…" if len(text) > _LONGEST_LOGGED else "")
    for secret in reversed(find_secrets(text)):
        text = f"{text[: secret.start]}[SECRET]{text[secret.end :]}"
    for shape, word in _LOGGED if possible(text) else ():
        parts = _parts(shape, text)
        text = "".join(p if not value or _kept(p, keep) else word for p, value in parts)
    return " ".join(text.split())


def _parts(shape: re.Pattern[str], text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and of each whether it is what was looked for."""
    at = 0
    for match in shape.finditer(text):
        yield text[at : match.start()], False
        yield match[0], True
        at = match.end()
    yield text[at:], False


def _kept(value: str, keep: Sequence[re.Pattern[str]]) -> bool:
    return _DAY.match(value) is not None or any(pattern.search(value) for pattern in keep)


def _spans(
    text: str, personal: Finder, customer: Customer | None
) -> Iterator[tuple[int, int, str]]:
    """What to mask, from left to right; of what overlaps the first, and of that the longest."""
    found = [(one.start, one.end, "SECRET") for one in find_secrets(text)]
    found += [(one.start, one.end, _WORDS[one.entity]) for one in personal.find(text)]
    for name, word in _known(customer):
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        found += [(*one.span(), word) for one in re.finditer(pattern, text, re.IGNORECASE)]
    last = 0
    for start, end, word in sorted(found, key=lambda one: (one[0], -one[1])):
        if start >= last:
            yield start, end, word
            last = end


def _known(customer: Customer | None) -> Iterator[tuple[str, str]]:
    if customer is None:
        return
    for name in filter(None, (customer.name, *(customer.name or "").split())):
        if len(name) > _FEWEST_OF_A_NAME:
            yield name, "NAME"
    if customer.company:
        yield customer.company, "COMPANY"


def _names(word: str) -> Iterator[str]:
    return (f"[{word}_{number}]" for number in count(1))
