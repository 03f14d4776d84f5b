"""What a message wants, by plain words, where nothing has been learnt; pure."""

from __future__ import annotations

import re

from kbsupport.model import Intent

_CUES = {
    Intent.ORDER_STATUS: re.compile(
        r"\b(?:where(?:'s| is| are)? (?:my|our|the)(?: \w+)? (?:order|parcel|package|delivery"
        r"|shipment"
        r"|card|item)|track(?:ing)?|shipped|dispatched|courier|carrier|parcel|package|delivered"
        r"|out for delivery|customs|label created|on hold|packing|estimated delivery|my order"
        r"|arrive[ds]?"
        r"|hasn't come|not arrived|order number|neighbours?|nobody (?:was )?home)\b"
    ),
    Intent.BILLING: re.compile(
        r"\b(?:invoices?|bills?|billing|charged?|charges|refund(?:ed|s)?|payments?|pay(?:ing)?"
        r"|paid|price"
        r"|credit card|debit|iban|paypal|subscription|renew(?:al|s)?|vat|receipts?|fees?|money|eur"
        r"|euros?"
        r"|dollars|cancel plus|plan|retry|discount|mastercard|visa|direct debit|top.?up|transfer)\b"
    ),
    Intent.ACCOUNT: re.compile(
        r"\b(?:passwords?|log(?:ged)? ?in|logging in|login|log out|sign(?:ed)? in|signing in"
        r"|locked out"
        r"|account|e-?mail address|username|two.?(?:step|factor)|2fa|authenticator|backup codes?"
        r"|reset link"
        r"|verification|verify|profile|my (?:data|name|address|phone number)|delete my|identity|pin"
        r"|passcode|hacked|family|invite|sso)\b"
    ),
    Intent.TECHNICAL_ISSUE: re.compile(
        r"\b(?:(?:not|n't|nt|never|stopped|stops|won't|cannot|can't|cant) (?:\w+ )?(?:work(?:s"
        r"|ing)?"
        r"|connect|respond(?:ing)?|load|open|start|close|turn|pair|sync|react|show|receive|find"
        r"|update)"
        r"|offline|disconnect\w*|error|crash\w*|freez\w*|broken|beep\w*|blink\w*|flash\w*|stuck"
        r"|fails?"
        r"|failed|restart\w*|false alarms?|alarm|no (?:sound|signal|contact|alerts?|push"
        r"|connection)"
        r"|code [a-z]?\d+|wrong reading|drains?|red light|amber|orange|led|battery|firmware|bug"
        r"|dead"
        r"|went off|keeps \w+ing|no longer|suddenly|issue|problem|trouble)\b"
    ),
}
_ASKS_HOW = re.compile(
    r"^(?:hi,? |hello,? |and |so )?(?:how|what|which|can|could|do|does|is|are|where|when|will"
    r"|should"
    r"|may|any)\b"
)
# The share of sample tickets that each rule got right, so a probability is a count and not a wish.
_SHARE_RIGHT = {
    Intent.GREETING: 0.89,
    Intent.PERSON_REQUEST: 0.87,
    Intent.COMPLAINT: 0.82,
    Intent.ORDER_STATUS: 0.38,
    Intent.BILLING: 0.53,
    Intent.ACCOUNT: 0.57,
    Intent.TECHNICAL_ISSUE: 0.70,
    Intent.FAQ: 0.62,
    Intent.UNKNOWN: 0.83,
}


def guess_intent(
    plain: str, *, greets: bool, person: bool, complains: bool, lures: bool
) -> tuple[Intent, float]:
    """The intent by words, and how often that rule was right on the sample tickets."""
    intent = _guess(plain, greets=greets, person=person, complains=complains, lures=lures)
    return intent, _SHARE_RIGHT[intent]


def _guess(plain: str, *, greets: bool, person: bool, complains: bool, lures: bool) -> Intent:
    if lures or not plain.strip():
        return Intent.UNKNOWN
    if greets:
        return Intent.GREETING
    if person:
        return Intent.PERSON_REQUEST
    if complains:
        return Intent.COMPLAINT
    cues = {intent: len(set(cue.findall(plain))) for intent, cue in _CUES.items()}
    best = max(cues, key=lambda intent: cues[intent])
    asks_how = _ASKS_HOW.match(plain) is not None
    if cues[best] == 0 or (asks_how and cues[best] == 1):
        return Intent.FAQ
    return best
