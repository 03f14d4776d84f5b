"""Greetings and thanks, and who asks for a person; pure."""

from __future__ import annotations

import re

from kbsupport.triage.spoken import Spoken

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_APPLAUSE = re.compile("[👍🙏👏❤]")
# Nobody greets or thanks at such length.
_LONGEST = 1_000

# A message is thanks or a greeting only if it is made of nothing but these phrases: a bag of words
# would take "is it working? thanks" for thanks, and a question must never be.
_THANK = (
    r"(?:(?:many|so many|very many|vielen|muchas|mille|hartelijk|tausend) )?"
    r"(?:thanks|thank (?:you|u)|thankyou|thx|ty|tysm|cheers|merci|danke|dank(?: je)?(?: wel)?"
    r"|dankjewel|bedankt|gracias|grazie|obrigad[oa])"
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
    r"|(?:the )?(?:parcel|package|order|replacement|refund|money|mail|code)"
    r"(?: is here| is in| (?:has )?(?:just )?(?:arrived|came))(?: (?:today|now|this morning))?"
    r"|you (?:were|are|have been) (?:very |so |really )?(?:kind|great|helpful|right|a star)"
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
    r"|goedemiddag|olá|bom dia|boa tarde|good (?:morning|afternoon|evening|day)|greetings"
)
_GREETED = r"there|all|team|everyone|everybody|folks|guys|again|zusammen"


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
    r"|manager|operator|colleague|employee|advisor|adviser|specialist|engineer|technician|contact"
    r"|member of (?:your )?staff)"
)
_CALL = r"(?:call|phone|ring|telephone)"
_PERSON = Spoken(
    "human person agent talk speak chat connect transfer put forward hand operator representative"
    " call phone ring someone somebody anyone supervisor manager colleague employee advis"
    " specialist engineer technician contact member bot robot machine mensch mitarbeiter rufen"
    " parler hablar parlare met falar",
    r"\b(?:(?:real|actual|living)\s+(?:person|human|agent)"
    r"|(?<!do i need to )(?<!do i have to )(?:talk|speak|chat)\s+(?:directly\s+)?(?:to|with)\s+"
    rf"(?:(?:a|an|the|your|some|any|one of your)\s+)?(?:\w+\s+)?{_SOMEBODY}"
    r"|(?:connect|transfer|put|forward|hand)\s+me\s+(?:through\s+|over\s+|on\s+)?(?:to|with)\s+"
    rf"(?:(?:a|an|the|your|some|any)\s+)?(?:\w+\s+)?{_SOMEBODY}"
    r"|(?:human|person|agent|operator|representative)\s+please"
    rf"|(?<!did you )(?<!do you )(?<!when you )(?<!why you ){_CALL}\s+me(?:\s+(?:back"
    rf"|up))?\b(?!\s+(?:a|an|old)\b)"
    rf"|{_SOMEBODY}(?:\s+from\s+\w+)?\s+(?:to|can|could|should|must|please)\s+{_CALL}\s+(?:me|us)\b"
    rf"|(?:want|need|like|have)\s+(?:a|an|the|our|your|some)?\s*(?:[\w-]+\s+)?{_SOMEBODY}"
    r"\s+(?:on\s+the\s+phone|to\s+(?:ring|call|phone|contact|look|help)\s+(?:me|us))"
    r"|(?:want|need|demand|expect)\s+a\s+(?:phone\s+)?call\s+(?:from|with|by)\b"
    r"|not\s+(?:a|this|the|another)\s+(?:bot|robot|machine|chatbot)"
    r"|(?:mit\s+(?:einem|einer)\s+(?:echten\s+)?(?:menschen|mitarbeiter(?:in)?|person)"
    r"|rufen\s+sie\s+mich"
    r"|parler\s+(?:à|avec)\s+(?:un\s+(?:humain|conseiller|agent)|une\s+(?:vraie\s+)?personne"
    r"|quelqu['’]un)"
    r"|hablar\s+con\s+(?:una?\s+)?(?:persona|agente|humano|alguien)"
    r"|parlare\s+con\s+(?:una?\s+)?(?:persona|operatore|umano|qualcuno)"
    r"|met\s+een\s+(?:echt\s+)?(?:mens|medewerker|persoon)\s+(?:spreken|praten)"
    r"|falar\s+com\s+(?:uma?\s+)?(?:pessoa|atendente|humano|alguém)))",
)


def read_courtesy(text: str) -> tuple[bool, bool]:
    """Whether the message is nothing but a greeting, and nothing but thanks."""
    if len(text) > _LONGEST:
        return False, False
    spoken = " ".join(_WORD.findall(text)).lower()
    applauds = _APPLAUSE.search(text) is not None
    thanks = _THANKS_ONLY.fullmatch(spoken) is not None or (applauds and not spoken)
    thanked = applauds or _THANKS_SOMEWHERE.search(spoken) is not None
    greets = _GREETING_ONLY.fullmatch(spoken) and _GREETS_SOMEWHERE.search(spoken)
    return bool(greets), thanks and thanked and "?" not in text


def asks_for_person(plain: str) -> bool:
    """Whether the message wants a human being."""
    return _PERSON.search(plain) is not None
