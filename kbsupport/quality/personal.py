"""Personal data that a text shows by its shape: addresses, numbers; names are not found."""

from __future__ import annotations

import ipaddress
import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING

from kbsupport.quality.patterns import whole_signs

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

# Presidio's patterns for addresses take the square of the length of what they look at.
_PIECE, _OVERLAP = 2_000, 300
_SURE = 0.3


class Entity(StrEnum):
    """What is found, in Presidio's own words."""

    EMAIL = "EMAIL_ADDRESS"
    PHONE = "PHONE_NUMBER"
    CARD = "CREDIT_CARD"
    IBAN = "IBAN_CODE"
    IP = "IP_ADDRESS"
    SSN = "US_SSN"


# What every text must hold in which one of these is found; see `possible`.
_NEEDS = {
    Entity.EMAIL: r"\S@\w",
    Entity.IBAN: r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){8}",
    Entity.IP: r"\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:",
    # Of telephone numbers, cards and social security numbers none has fewer than seven digits.
    Entity.PHONE: r"\d(?:[^\w\n]{0,4}\d){6}",
}
_POSSIBLE = re.compile("|".join(_NEEDS.values()))
_EXAMPLES = re.compile(r"[@.](?:example\.(?:com|org|net)|example|test|invalid)\Z", re.IGNORECASE)
_AROUND = 40


@dataclass(frozen=True, slots=True)
class Found:
    """What stands where, and how sure that is, 0…1."""

    entity: Entity
    start: int
    end: int
    score: float


def possible(text: str) -> bool:
    """False if `PersonalData.find` finds nothing there; told without it, in microseconds."""
    return _POSSIBLE.search(text) is not None


class PersonalData:
    """Finds personal data with Presidio, without any model; safe to share among threads.

    `ours` are patterns of numbers that are no personal data: order numbers, ids of tickets.
    Presidio is imported when a text first holds what it could find, or by `warm`.
    """

    def __init__(self, ours: Sequence[str] = ()) -> None:
        self._ours = [re.compile(pattern) for pattern in ours]
        self._lock = threading.Lock()
        self._analyzer: AnalyzerEngine | None = None

    def warm(self) -> None:
        """Load it now, so that no text has to wait for it."""
        self._loaded()

    def find(self, text: str) -> tuple[Found, ...]:
        """What was found, in order; no two overlap. Addresses that lead to nobody are left out."""
        if not possible(text):
            return ()
        text = whole_signs(text)
        found = [
            one
            for at, piece in _pieces(text)
            if possible(piece)
            for one in self._look(piece, at)
            if not _nobody(one.entity, text[one.start : one.end]) and not self._is_ours(text, one)
        ]
        return tuple(_surest(found))

    def _is_ours(self, text: str, one: Found) -> bool:
        around = max(0, one.start - _AROUND), one.end + _AROUND
        numbers = (match for ours in self._ours for match in ours.finditer(text, *around))
        return any(match.start() <= one.start and one.end <= match.end() for match in numbers)

    def _look(self, piece: str, at: int) -> Iterator[Found]:
        for one in self._loaded().analyze(piece, language="en"):
            yield Found(Entity(one.entity_type), at + one.start, at + one.end, round(one.score, 2))

    def _loaded(self) -> AnalyzerEngine:
        if self._analyzer is None:
            with self._lock:
                if self._analyzer is None:
                    from kbsupport.quality.recognizers import build

                    self._analyzer = build(_SURE)
        return self._analyzer


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """A long text in pieces that overlap by more than anything that is looked for."""
    for start in range(0, max(len(text) - _OVERLAP, 1), _PIECE - _OVERLAP):
        yield start, text[start : start + _PIECE]


def _surest(found: list[Found]) -> list[Found]:
    """Of those that overlap the surest one, of equals the longest."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (-one.score, one.start - one.end, one.start)):
        at = bisect_left(kept, one.end, key=attrgetter("start"))
        if at == 0 or kept[at - 1].end <= one.start:
            kept.insert(at, one)
    return kept


def _nobody(entity: Entity, value: str) -> bool:
    """Addresses set apart for examples, and those of this machine or of any home network."""
    check = _LEADS_NOWHERE.get(entity)
    return check is not None and check(value)


def _example(value: str) -> bool:
    return _EXAMPLES.search(value) is not None


def _private(value: str) -> bool:
    return not ipaddress.ip_interface(value).ip.is_global


_LEADS_NOWHERE: dict[Entity, Callable[[str], bool]] = {
    Entity.EMAIL: _example,
    Entity.IP: _private,
}
