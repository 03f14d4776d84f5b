"""How upset a customer is, and how much a message holds; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kbsupport.triage.phrases import complaints

_LOUD = re.compile(r"!{2,}|\?{2,}|[?!]{2,}")
_CAPITALS = re.compile(r"\b[A-Z]{3,}(?:'[A-Z]+)?\b")
_SWEARING = re.compile(
    r"\b(?:fuck\w*|shit\w*|damn\w*|bloody|crap|bastards?|idiots?|morons?|stupid|wtf|ffs|for god'?s"
    r" sake"
    r"|i swear|hell)\b"
)
_REPEATED = re.compile(
    r"\b(?:again|still (?:not|no|doesn't|does not|broken|waiting|nothing)|every (?:time|day|week)"
    r"|keeps? (?:happening|doing|failing)|all the time|how many times|over and over|for (?:days"
    r"|weeks"
    r"|months)|since (?:days|weeks|months))\b"
)
_TECHNICAL = re.compile(
    r"\b(?:api|sdk|http\w*|https|json|xml|saml|sso|oauth|oidc|ldap|dns|dhcp|vlan|vpn|nat|cgnat"
    r"|mqtt|ssh"
    r"|tls|ssl|cert(?:ificate)?s?|firewall|ports?|proxy|router|firmware|docker|container"
    r"|kubernetes|linux"
    r"|ubuntu|driver|kernel|database|sql|webhook|endpoint|token|payload|regex|script|cli|config\w*"
    r"|log(?:s"
    r"|file)|stack ?trace|exception|timeout|latency|integration|authenticator|protocol|bios|ssid"
    r"|wpa\d?"
    r"|mesh|ghz|poe|iframe|csv|migration|tenant|permission\w*)\b|\b[A-Za-z]{1,3}\d{1,4}\b"
    r"|\b[45]\d\d\b"
)
_WORD = re.compile(r"\w+")

_TURNS = 5
_FADES = 0.7
# What one sign of anger adds, by eye and then checked on the sample tickets:
# each takes its share of what calm is left, so no sign alone is certain and none pushes above one.
_SHARE = {"complaint": 0.35, "swearing": 0.35, "loud": 0.2, "capitals": 0.3, "repeated": 0.1}
_MOOD = 0.4
_SAME_AGAIN = 0.25
_SAME = 0.6
_LONG, _DEEP = 150, 8


def frustration(
    plain: str, written: str, complains: int, sentiment: float, earlier: Sequence[str]
) -> float:
    """From calm (0) to furious (1), over this message and the last five of the customer."""
    calm = _calm(plain, written, complains) * (1 - _MOOD * max(0.0, -sentiment))
    words = set(_WORD.findall(plain))
    for age, turn in enumerate(reversed(earlier[-_TURNS:])):
        before = turn.lower()
        calm *= 1 - _FADES ** (age + 1) * (1 - _calm(before, turn, complaints(before)))
        if _alike(words, set(_WORD.findall(before))):
            calm *= 1 - _SAME_AGAIN
    return round(1 - calm, 4)


def complexity(plain: str, questions: int) -> float:
    """From a few plain words (0) to a long, technical or many-sided message (1)."""
    length = min(len(_WORD.findall(plain)) / _LONG, 1.0)
    depth = min(len(set(_TECHNICAL.findall(plain))) / _DEEP, 1.0)
    sides = min(max(questions - 1, 0) / 2, 1.0)
    return round(1 - (1 - length) * (1 - depth) * (1 - sides / 2), 4)


def _calm(plain: str, written: str, complains: int) -> float:
    shouted = [word for word in _CAPITALS.findall(written) if len(word) > _FEW]
    signs = {
        "complaint": min(complains, 3),
        "swearing": len(_SWEARING.findall(plain)) > 0,
        "loud": min(len(_LOUD.findall(written)), 2),
        "capitals": bool(shouted) + (len(shouted) > _FEW),
        "repeated": _REPEATED.search(plain) is not None,
    }
    calm = 1.0
    for sign, count in signs.items():
        calm *= (1 - _SHARE[sign]) ** count
    return calm


_FEW = 3


def _alike(words: set[str], others: set[str]) -> bool:
    return bool(words and others) and len(words & others) / len(words | others) >= _SAME
