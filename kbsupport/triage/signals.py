"""What the message itself says, before any article is looked at; pure."""

from __future__ import annotations

import re

from kbsupport.model import Signals

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_GREETINGS = frozenset(
    """
    hi hello hey hallo hoi dag bonjour salut hola ciao good morning afternoon evening day
    there all team everyone guten tag morgen abend buenos dias buongiorno goedemorgen
    """.split()
)
_GREETING_HEADS = frozenset(
    """
    hi hello hey hallo hoi dag bonjour salut hola ciao good guten buenos buongiorno
    goedemorgen
    """.split()
)
_THANKS = frozenset(
    """
    thanks thank you thx ty cheers merci danke bedankt gracias grazie so very much a lot many
    for your the help it works now all good great perfect super again that worked solved fixed
    ok okay everything is fine vielen dank dankjewel wel beaucoup and have nice day this
    """.split()
)
_THANKS_HEADS = frozenset(
    """
    thanks thank thx ty cheers merci danke bedankt gracias grazie dank dankjewel
    """.split()
)
_PERSON = re.compile(
    r"\b(?:(?:real|actual|living)\s+(?:person|human|agent)"
    r"|(?:talk|speak|chat|connect|transfer|put\s+me\s+through)\s+(?:me\s+)?(?:to|with)\s+"
    r"(?:a|an|the|your|some|any)?\s*(?:\w+\s+)?"
    r"(?:human|person|agent|someone|somebody|representative|supervisor|manager|operator|colleague)"
    r"|(?:human|person|agent|operator)\s+please"
    r"|(?:call|phone|ring)\s+me(?:\s+back)?\b"
    r"|not\s+(?:a|this)\s+(?:bot|robot|machine))",
    re.IGNORECASE,
)


def read_signals(text: str) -> Signals:
    """Signals of one message."""
    spoken = [word.lower() for word in _WORD.findall(text)]
    named = set(spoken)
    return Signals(
        empty=not text.strip(),
        greeting_only=bool(spoken) and named <= _GREETINGS and bool(named & _GREETING_HEADS),
        thanks_only=bool(named & _THANKS_HEADS) and named <= _THANKS | _GREETINGS,
        asks_for_person=_PERSON.search(text) is not None,
    )
