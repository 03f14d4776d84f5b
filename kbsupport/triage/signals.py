"""What the message itself says, before any article is looked at; pure."""

from __future__ import annotations

import re

from kbsupport.model import Signals

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_APPLAUSE = re.compile("[👍🙏👏❤]")

# A message is thanks or a greeting only if it is made of nothing but these phrases: a bag of words
# would take "is it working? thanks" for thanks, and a question must never be.
_THANK = (
    r"(?:(?:many|so many|very many|vielen|muchas|mille|hartelijk|tausend) )?"
    r"(?:thanks|thank (?:you|u)|thankyou|thx|ty|tysm|cheers|merci|danke|dank(?: je)?(?: wel)?"
    r"|dankjewel|bedankt|gracias|grazie)"
    r"(?: (?:so much|very much|a lot|a million|again|indeed|kindly|sehr|schön|beaucoup|bien"
    r"|mille))*"
    r"(?: for (?:(?:all|the|your|all the|all your) )?(?:(?:quick|fast|kind|great|good) )?"
    r"(?:help|answer|reply|support|patience|time))?"
    r"(?: (?:guys|folks|team|all|everyone|everybody|you guys))?"
)
_FINE = (
    r"(?:(?:it|that|this|all|everything|it all)(?:['’]s| is)? )?(?:now )?"
    r"(?:works|worked|working|solved|sorted|fixed|resolved|helped|helps)"
    r"(?: (?:fine|perfectly|great|well|again|now))*(?: for me)?"
    r"|(?:it|that|this|all|everything)(?:['’]s| is)? (?:now )?(?:fine|good|ok|okay|great|perfect)"
    r"(?: (?:again|now))*"
)
_PRAISE = (
    r"perfect|great|super|awesome|brilliant|excellent|wonderful|lovely|amazing|fantastic"
    r"|ok|okay|good|nice|got it|all good"
)
_FAREWELL = (
    r"(?:and )?have (?:a )?(?:very )?(?:nice|good|great|lovely) (?:day|evening|week|weekend|one)"
    r"|(?:best|kind|warm)?(?: )?regards|bye|bye bye|goodbye|see you|tschüss|take care"
)
_GREET = (
    r"hi|hello|hey|hallo|hoi|dag|bonjour|bonsoir|salut|hola|ciao|moin|servus|guten tag"
    r"|guten morgen|guten abend|buenos dias|buenos días|buenas tardes|buongiorno|goedemorgen"
    r"|goedemiddag|good (?:morning|afternoon|evening|day)|greetings"
)
_GREETED = r"there|all|team|everyone|everybody|folks|guys|again|zusammen|ondula"


def _only(*kinds: str) -> re.Pattern[str]:
    # Possessive and atomic: a phrase once read is not tried again, or a long mail takes for ever.
    # So a kind with longer phrases stands before one with shorter phrases that begin alike.
    either = "|".join(kinds)
    return re.compile(f"(?:(?>(?:{either})(?: |$)))++")


_THANKS_ONLY = _only(_THANK, _FAREWELL, _GREET, _FINE, _PRAISE, _GREETED)
_GREETING_ONLY = _only(_GREET, _GREETED)
_THANKS_SOMEWHERE = re.compile(rf"\b(?:{_THANK})\b")
_GREETS_SOMEWHERE = re.compile(rf"\b(?:{_GREET})\b")

_SOMEBODY = (
    r"(?:human(?: being)?|person|agent|someone|somebody|anyone|representative|rep|supervisor"
    r"|manager|operator|colleague|employee|advisor|adviser|specialist|member of (?:your )?staff)"
)
_PERSON = re.compile(
    r"\b(?:(?:real|actual|living)\s+(?:person|human|agent)"
    r"|(?:talk|speak|chat)\s+(?:directly\s+)?(?:to|with)\s+"
    rf"(?:(?:a|an|the|your|some|any|one of your)\s+)?(?:\w+\s+)?{_SOMEBODY}"
    r"|(?:connect|transfer|put|forward|hand)\s+me\s+(?:through\s+|over\s+|on\s+)?(?:to|with)\s+"
    rf"(?:(?:a|an|the|your|some|any)\s+)?(?:\w+\s+)?{_SOMEBODY}"
    r"|(?:human|person|agent|operator)\s+please"
    r"|(?:call|phone|ring)\s+me(?:\s+back|\s+up)?\b"
    r"|not\s+(?:a|this|the)\s+(?:bot|robot|machine))",
    re.IGNORECASE,
)


def read_signals(text: str) -> Signals:
    """Signals of one message."""
    spoken = " ".join(_WORD.findall(text)).lower()
    asks = "?" in text
    applauds = _APPLAUSE.search(text) is not None
    thanks = _THANKS_ONLY.fullmatch(spoken) is not None or (applauds and not spoken)
    return Signals(
        empty=not any(sign.isprintable() and not sign.isspace() for sign in text),
        greeting_only=bool(_GREETING_ONLY.fullmatch(spoken) and _GREETS_SOMEWHERE.search(spoken)),
        thanks_only=bool(thanks and not asks and (applauds or _THANKS_SOMEWHERE.search(spoken))),
        asks_for_person=_PERSON.search(text) is not None,
    )
