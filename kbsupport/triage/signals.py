"""What the message itself says, before any article is looked at; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from kbsupport.model import Reading, Signals
from kbsupport.triage import lures, phrases
from kbsupport.triage.again import not_helped
from kbsupport.triage.asked import count_questions, missing_details
from kbsupport.triage.courtesy import asks_for_person, read_courtesy
from kbsupport.triage.intent_words import guess_intent
from kbsupport.triage.mood import complexity, frustration
from kbsupport.triage.own_case import own_case

# Of a very long message its beginning and its end are read: people say there what they want.
_BEGINNING, _END = 6_000, 2_000
_TURNS = 5
_SPACE = re.compile(r"\s+")
# Signs that nobody sees hide words from every pattern, and so does a letter of another width.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
)
_QUOTES = str.maketrans("’‘ʼ´`“”„", "'''''\"\"\"")
_NOTHING = Reading()


def read_signals(
    text: str,
    earlier: Sequence[str] = (),
    reading: Reading | None = None,
    details: Sequence[str] = (),
    products: Sequence[str] = (),
) -> Signals:
    """Signals of one message, with the customer's last turns and what a reader made of it."""
    read = reading or _NOTHING
    written = _written(text)
    plain = _SPACE.sub(" ", written).strip().lower()
    turns = [_written(turn) for turn in earlier[-_TURNS:]]
    greeting, thanks = read_courtesy(text)
    person, spam = asks_for_person(plain), lures.is_spam(plain)
    orders = lures.gives_orders(plain)
    complains = phrases.complaints(plain)
    questions = count_questions(written)
    intent, sure = guess_intent(
        plain,
        greets=greeting or thanks,
        person=person,
        complains=complains > 0,
        lures=spam or orders,
    )
    if read.intent is not None:
        intent, sure = read.intent, read.intent_probability
    return Signals(
        empty=is_empty(text),
        greeting_only=greeting,
        thanks_only=thanks,
        spam=spam,
        asks_for_person=person,
        complaint=complains > 0,
        refund=phrases.demands_refund(plain),
        billing_dispute=phrases.disputes_bill(plain),
        legal=phrases.is_legal(plain),
        security=phrases.is_security(plain),
        cancellation=phrases.demands_cancellation(plain),
        bug_report=phrases.reports_bug(plain),
        feature_request=phrases.requests_feature(plain),
        instructions=orders,
        urgent=phrases.is_urgent(plain, written),
        not_helped=not_helped(plain),
        language=read.language,
        language_probability=read.language_probability,
        sentiment=read.sentiment,
        frustration=frustration(plain, written, complains, read.sentiment, turns),
        complexity=complexity(plain, questions),
        questions=questions,
        own_case=own_case(plain, written),
        missing=missing_details([written, *turns], details, products) if details else (),
        intent=intent,
        intent_probability=sure,
    )


def is_empty(text: str) -> bool:
    """True if nobody would see anything in it."""
    return not any(sign.isprintable() and not sign.isspace() for sign in text)


def _written(text: str) -> str:
    """What is read of a text: as it is seen, with straight quotes."""
    if len(text) > _BEGINNING + _END:
        text = f"{text[:_BEGINNING]}\n{text[-_END:]}"
    seen = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    # One sign may become eighteen in the process.
    return seen[: 2 * (_BEGINNING + _END)].translate(_QUOTES)
