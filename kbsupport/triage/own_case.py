"""Does somebody have to look into this customer's own order, bill or account? Pure."""

from __future__ import annotations

import re

from kbsupport.triage.spoken import Spoken

# Only in capitals or behind a sign: "step 2024" and "40 cm" name nothing of the customer's.
_REFERENCE = re.compile(r"(?:\b[A-Z]{1,5}-\d{3,}\b|#\s?\d{4,}\b|\b\d{8,}\b)")
_LOOK = Spoken(
    "can could would please someone somebody",
    r"\b(?:can|could|would|will)\s+(?:you|someone|somebody|anyone)\s+(?:please\s+|kindly\s+)?"
    r"(?:check|see|look|find\s+out|tell\s+me\s+(?:where|when|why|if|whether)|confirm|verify"
    r"|trace|track|correct|fix|change|cancel|send|resend|refund|unlock|reset|remove|delete)\b"
    r"|\bplease\s+(?:check|look|trace|confirm|correct|resend|refund|send|unlock|arrange|book)\b",
)
_OWN = Spoken(
    "my mine our",
    r"\b(?:my|our)\s+(?:\w+\s+)?(?:order|parcel|package|delivery|refund|claim|invoice|payment"
    r"|replacement|return|shipment|balance|case|ticket|complaint|transfer|transaction)\b",
)
_SINCE = Spoken(
    "ago since yesterday last still already weeks days",
    r"\b(?:\d+|one|two|three|four|five|six|a|several|few)\s+(?:hours?|days?|weeks?|months?)\s+ago\b"
    r"|\bsince\s+(?:yesterday|monday|tuesday|wednesday|thursday|friday|saturday|sunday|last|the\s+\d)"
    r"|\b(?:last|on)\s+(?:week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
    r"|\bstill\s+(?:no|not|nothing|waiting|hasn't|haven't|isn't)\b",
)
_WEIGHTS = ((_LOOK, 0.3), (_OWN, 0.2), (_SINCE, 0.2))
_NAMED = 0.4


def own_case(plain: str, written: str) -> float:
    """From 0, a question anybody could ask, to 1, one that only a look into the records answers."""
    found = sum(weight for phrase, weight in _WEIGHTS if phrase.search(plain))
    named = _NAMED if _REFERENCE.search(written) else 0.0
    return round(min(1.0, found + named), 2)
