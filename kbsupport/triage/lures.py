"""Spam, and text that gives the assistant orders: what is not written by a customer in need; pure.

Both are features of a decision; neither ever lets anything through.
"""

from __future__ import annotations

import re

from kbsupport.triage.spoken import Spoken

_STRONG_SPAM = Spoken(
    "backlink link google rank seo guest dear manufactur factory supplier moq earn make "
    "trading won drawn selected claim lottery sweepstake inherit kin gold viagra cialis "
    "casino penis escort crypto bitcoin forex solicitation domain cheap replica partner work",
    r"\b(?:backlinks?|link building|page one of google|rank(?:ing)? (?:#1|higher)|seo (?:expert"
    r"|agency"
    r"|service|package|audit)s?|guest post)\b|\bdear (?:webmaster|website owner|site owner"
    r"|business owner|beneficiary|purchasing manager|lucky|email user)\b"
    r"|\b(?:leading|professional) (?:manufacturer|factory|supplier) (?:of|for|in)\b|\bmoq\b"
    r"|\b(?:earn|make) (?:up to )?[$€£]?\d[\d.,]* ?(?:eur|usd|euro|dollars|k)?[^.]{0,12} "
    r"(?:per|a|every) (?:day|week|month)\b|\btrading (?:robot|bot|signals)\b"
    r"|\b(?:you(?: have|'ve)? won(?!'t)|was drawn|been selected as|claim your (?:prize|price"
    r"|reward|winnings"
    r"|gift))\b|\b(?:lottery|sweepstakes|inheritance|next of kin|gold dust|viagra|cialis|casino"
    r" bonus"
    r"|penis|escort)\b|\b(?:crypto|bitcoin|forex) (?:investment|profits?|giveaway|opportunity)\b"
    r"|\bnot an invoice but a solicitation\b|\bdomain (?:listing|name) (?:expires|expiration"
    r"|renewal"
    r"|will expire)\b|\b(?:cheap|replica) (?:watches|bags|shoes|pills|meds)\b"
    r"|\bserious business partner\b|\bwork from home\b[^.]{0,40}\d",
)
_WEAK_SPAM = tuple(
    re.compile(phrase)
    for phrase in (
        (
            r"\b\d{2} ?% off\b|\bbest price\b|\bonly today\b|\blimited (?:time )?offer\b|\bfree"
            r" shi?pp?ing\b"
        ),
        r"\breply yes\b|\bclick (?:here|below)\b|\bact now\b|\bunsubscribe\b|\bjust following up\b",
        r"\bguaranteed\b|\bno risk\b|\brisk[- ]free\b|\b100 ?% (?:free|safe|legit)\b",
        (
            r"\bfree (?:audit|quote|consultation|sample|trial offer)\b|\bour (?:catalog(?:ue)?"
            r"|experts)\b"
        ),
        (
            r"\byour (?:beautiful |great |nice )?(?:web ?site|online shop|webshop"
            r"|store)\b[^.]{0,60}"
            r"\b(?:traffic|ranking|visitors|customers|page|seo|sales)\b|\bboost your\b"
        ),
        (
            r"\b\d+ minutes of your time\b|\bhope this finds you\b|\bquick call\b"
            r"|\bschedule a (?:call|demo)\b"
        ),
        r"\bbank details\b|\bwire transfer\b|\bwestern union\b|\bgift cards? codes?\b",
        r"\bwhats ?app\b|\btelegram\b",
        (
            r"\bcongratulations\b|\bdear (?:friend|sir/madam|customer service team|winner)\b|\bhi"
            r" dear\b"
        ),
        (
            r"\b(?:bulk|wholesale) (?:price|order)s?\b|\byears? experience\b"
            r"|\bmillions? (?:usd|dollars|euros?)\b"
        ),
    )
)
_SPAM_LINKS = re.compile(r"(?:https?://|www\.)\S")
_MANY_LINKS = 4

_ABOVE = (
    r"(?:all |any |every |each )*(?:of )?(?:the |your |these |those |my )?"
    r"(?:(?:previous|prior|former|earlier|preceding|above|existing|original|old|foregoing|initial"
    r"|past)"
    r"(?: and \w+)? |system |safety |content )*"
)
_ORDERS = (
    r"(?:instructions?|prompts?|rules|directives?|guidelines|orders|commands|policies"
    r"|restrictions|messages?|training|programming|context|constraints|directions|text)"
)
_INSTRUCTIONS = Spoken(
    "ignor disregard forget overrid bypass overrul neglect discard skip prompt message "
    "instruct reveal repeat print show output display leak tell list quote now are henceforth "
    "rest policy rules act behave respond answer speak role immerse assume persona stop "
    "pretend anything jailbr mode without no free model must will should obey comply refuse "
    "note order mark close set flag escalat forward reply rogue customers operator kill hate",
    rf"\b(?:(?:ignore|disregard|forget|override|bypass|overrule|neglect|discard|skip)"
    rf" {_ABOVE}{_ORDERS}\b"
    r"|(?:ignore|disregard|forget) (?:everything|anything|all|what) (?:that )?"
    r"(?:above|before|you|i|was|previously|said|the above)"
    r"|(?:ignore|disregard) (?:any|all|the) (?:previous|prior|above)\b"
    r"|(?:system|hidden|initial|secret|original) (?:prompt|message|instructions?)\b"
    r"|(?:reveal|repeat|print|show|output|display|leak|tell me) (?:me )?(?:your|the|all) "
    r"(?:\w+ )?(?:prompt|instructions|internal (?:article|note|document|polic|list)\w*)"
    r"|(?:print|list|show|quote)\b[^.?!]{0,30}\binternal (?:article|note|document|list|polic)\w*"
    r"|you(?: are|'re) now (?:in \w+ mode|an? |the |called |[\"'\[]|\w*(?:bot|gpt|dan|dev|ai)\b)"
    r"|you are \w*(?:gpt|bot|dan)\b"
    r"|(?:from now on|henceforth|for the rest of this conversation),? (?:you|act|answer|respond"
    r"|reply"
    r"|ignore|only|always)|new (?:policy|instructions?|rules?|system prompt) (?:from|for you|:)"
    r"|(?:act|behave|respond|answer|speak|roleplay|role-play|role play) (?:\w+ )?(?:as|like) "
    r"(?:an? |if you |the )?(?:dan|ai|unrestricted|assistant|bot|system|administrator|admin"
    r"|developer"
    r"|evil|hacker|were|are|had|jailbroken|terminal|gpt)"
    r"|(?:immerse yourself|take on|assume|play) (?:\w+ )?(?:in |into )?the (?:role|persona) of\b"
    r"|stop everything\b|just print\b|print (?:this text|the following)\b"
    r"|pretend (?:to be|you|that you|to have)\b|do anything now\b|jailbr(?:eak|oken)\w*"
    r"|(?:developer|debug|debugging|maintenance|god|admin|root|dan|sudo) mode\b"
    r"|(?:without|no|free of) (?:any )?(?:rules|restrictions|limits|filters|limitations"
    r"|censorship)\b"
    r"|as an ai (?:language )?model\b|you (?:must|will|should) (?:never|always) (?:refuse|say yes"
    r"|obey|comply|answer)|(?:you always say yes|obey me|if you refuse)\b"
    r"|(?:note|message|instruction|order)s? (?:to|for) "
    r"(?:the |this )?(?:ai|assistant|bot|chatbot|model|llm)\b"
    r"|(?:mark|close|set|flag) (?:this|my) (?:ticket|case|request|conversation) (?:as|to) "
    r"(?:\w+ )?(?:solved|resolved|closed|approved|done)\b|set (?:the )?(?:status|my tier|confidence"
    r"|priority)\b|do not (?:escalate|forward) (?:this|the|it)\b"
    r"|(?:answer|reply|respond)(?: only)? (?:with )?(?:only )?(?:with|in) (?:the )?(?:word|exactly"
    r"|confidence)\b|(?:answer|reply|respond) only with\b|rogue\b[^.]{0,20}\b(?:ai|string|answer)"
    r"|(?:name|email|e-mail|phone|card)[^.?!]{0,40} of (?:the |your )?(?:last|other|previous) "
    r"(?:\w+ )?customers\b|operator note\b|(?:kill|hate) (?:all )?(?:humans|humanity)\b"
    r"|ignor(?:iere|ez|a|e|eer) (?:alle|toutes|todas|tutte|alle)\b)",
)
# Marks of a prompt, which no customer has a reason to write.
_MARKUP = Spoken(
    "< [ { # assistant system ai chatbot",
    r"<\s*/?\s*(?:system|assistant|customer_message|user|instructions?|im_start|im_end|prompt)\b"
    r"|\[/?(?:inst|system)\b|<\|\w+\|>"
    r"|(?:<!--|\[|\{|##+|^) ?(?:assistant|system|ai|chatbot) ?(?:note|message|prompt|override)?:",
)


def is_spam(plain: str) -> bool:
    """Whether the text sells, lures or begs; two weak phrases count as one strong."""
    if _STRONG_SPAM.search(plain):
        return True
    weak = sum(phrase.search(plain) is not None for phrase in _WEAK_SPAM)
    return weak + (len(_SPAM_LINKS.findall(plain)) >= _MANY_LINKS) > 1


def gives_orders(plain: str) -> bool:
    """Whether the text speaks to the assistant as its master."""
    return any(phrase.search(plain) for phrase in (_INSTRUCTIONS, _MARKUP))
