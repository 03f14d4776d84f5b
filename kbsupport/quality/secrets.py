"""Keys, tokens and passwords in a text, told by their shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kbsupport.quality.patterns import Patterns

# What each looks like: where the maker gives its keys a beginning, that beginning.
_BEGIN = r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"
_SHAPES = {
    "private key": _BEGIN + r"[0-9A-Za-z+/=\s:,.-]*?" + _BEGIN.replace("BEGIN", "END"),
    "private key, cut short": _BEGIN + r"[0-9A-Za-z+/=\s]*",
    "AWS key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
    "Stripe key": r"\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}",
    "webhook secret": r"\bwhsec_[0-9A-Za-z+/=]{24,}",
    "signed token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{4,}(?:\.[0-9A-Za-z_-]{10,})?",
    "GitHub token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{22,})",
    "GitLab token": r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[0-9A-Za-z_-]{20,}",
    "Slack token": r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    "Slack webhook": r"\bhooks\.slack\.com/(?:services|workflows)/[0-9A-Za-z/_-]{20,}",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "model provider key": r"\bsk-[0-9A-Za-z_-]{20,}",
    "package registry token": r"\b(?:npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_-]{50,})",
    "mail service key": r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}",
    "kbsupport key": r"\bkbs_[0-9A-Za-z]+_[0-9A-Za-z_-]{16,}",
    "password in a link": r"\b[A-Za-z][0-9A-Za-z+.-]*://[^\s/:@]+:[^\s/@]+@",
}
_NAMED = (
    r"(?:pass ?word|pass ?wd|pwd|pass ?phrase|pass ?code|passwort|kennwort|mot de passe|"
    r"wachtwoord|api[ _-]?key|api[ _-]?token|access[ _-]?token|auth[ _-]?token|secret[ _-]?key|"
    r"client[ _-]?secret|secret|pin|puk|api-schlüssel|clé api|api-sleutel)"
)
# "Password: must hold 8 signs" names no password: a value is told by what no plain word has.
_VALUE = r"[\"'`“„«]?([^\s\"'`“”„«»<>,]{4,128})"
_GIVEN = (
    r"(?:^|[^\pL\pN])" + _NAMED + r"(?: \pL{1,12}){0,3} ?"
    r"(?:=|:|=>|\bis\b:?|\bist\b:?|\blautet\b:?|\best\b:?|\bluidt\b:?) ?" + _VALUE
)
_PLAIN = re.compile(
    r"[^\W\d_]+(?:[-'’/.][^\W\d_]+)*|[\d.,:/%]{1,3}|\W+|[\[{(<*].*|\w+://.*|www\..*"
)
_FEWEST, _FEWEST_DIGITS = 6, 4


@dataclass(frozen=True, slots=True)
class Secret:
    """What kind of secret stands where."""

    kind: str
    start: int
    end: int


def find_secrets(text: str) -> tuple[Secret, ...]:
    """All of them, in order and none inside another; the time is in proportion to the text."""
    found = [Secret(kind, *span) for kind, shape in _shapes().items() for span in shape.find(text)]
    found += [Secret("password", *span) for span in _given().find(text) if _told(text, span)]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Secret] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


@cache
def _shapes() -> dict[str, Patterns]:
    return {kind: Patterns([shape], any_case=False) for kind, shape in _SHAPES.items()}


@cache
def _given() -> Patterns:
    return Patterns([_GIVEN], group=1)


def _told(text: str, span: tuple[int, int]) -> bool:
    """True if what is said to be a password looks like one, and not like a word."""
    value = text[slice(*span)].rstrip(".!?;:)")
    if _PLAIN.fullmatch(value):
        return False
    mixed = any(c.isdigit() for c in value) or any(not c.isalnum() for c in value[1:-1])
    return len(value) >= (_FEWEST_DIGITS if value.isdigit() else _FEWEST) and mixed
