"""What the customer reads where nothing is quoted: one sentence a reason, in no words of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kbsupport.model import Outcome, Reason, Signals, Verdict

_UNSURE = "I can't answer this reliably from our help articles, so a person will look at it."
_UNFIT = "Our help articles can't settle this for you, so a person will look at it."
_NOT_OURS = "Something went wrong on our side, so a person will look at your question."

# Every reason that hands over; the customer need not know which rule or number it was.
HANDED_OVER: Mapping[Reason, str] = {
    Reason.EMPTY_QUESTION: "Your message arrived without any text, so a person will look at it.",
    Reason.ASKS_FOR_PERSON: "Of course: a person will take over from here.",
    Reason.NO_PASSAGE: "I found no help article about this, so a person will look at it.",
    Reason.NOTHING_TO_QUOTE: _UNSURE,
    Reason.UNCERTIFIED: _UNSURE,
    Reason.BELOW_THRESHOLD: _UNSURE,
    Reason.TWO_CLOSE_ARTICLES: _UNSURE,
    Reason.FAILED: _NOT_OURS,
    Reason.UNSOUND_NUMBERS: _NOT_OURS,
    Reason.SEVERAL_QUESTIONS: (
        "You ask about several things, so a person will look at all of them together."
    ),
    Reason.MISSING_DETAIL: (
        "Something is still missing that I can't do without, so a person will sort it out with you."
    ),
    Reason.LEGAL: (
        "This needs an answer that we can stand by, so a person will look at it and write to you."
    ),
    Reason.SECURITY: (
        "The safety of your account is at stake here, so a person will look at it. Please send no "
        "passwords or codes."
    ),
    Reason.BILLING_DISPUTE: (
        "Whether this charge is right has to be checked, so a person will look at it with you."
    ),
    Reason.COMPLAINT: "I'm sorry that this went wrong. A person will look at it.",
    Reason.SPAM: "A person will look at your message.",
    Reason.REFUND: "A person decides about money back, so one will look at your case.",
    Reason.CANCELLATION: "A person will see to what you want to cancel.",
    Reason.BUG_REPORT: "Thank you for reporting this. A person will look into it.",
    Reason.FEATURE_REQUEST: "Thank you for the idea. A person will read it.",
    Reason.URGENT: "This sounds urgent, so I'm passing it to a person at once.",
    Reason.INSTRUCTIONS: "A person will look at your message.",
    Reason.UPSET: "I'm sorry for the trouble you've had. A person will take over from here.",
    Reason.COMPLEX: "There is a lot to this, so a person will look at it.",
    Reason.TOPIC: _UNFIT,
    Reason.INTENT: _UNFIT,
    Reason.UNVERIFIED: (
        "Before we can say anything about this we must be sure that it is you, so a person will "
        "take over from here."
    ),
    Reason.LANGUAGE: (
        "We have no help articles in your language yet, so a person will look at your message."
    ),
}

# The same as in English, for whoever may not read English.
IN_THEIR_LANGUAGE: Mapping[str, str] = {
    "da": "Vi har endnu ingen hjælpeartikler på dit sprog, så et menneske ser på din besked.",
    "de": (
        "In Ihrer Sprache haben wir noch keine Hilfeartikel, deshalb kümmert sich ein Mensch um "
        "Ihre Nachricht."
    ),
    "es": (
        "Todavía no tenemos artículos de ayuda en su idioma, así que una persona revisará su "
        "mensaje."
    ),
    "fr": (
        "Nous n'avons pas encore d'articles d'aide dans votre langue : une personne va lire votre "
        "message."
    ),
    "it": (
        "Non abbiamo ancora articoli di assistenza nella sua lingua: una persona leggerà il suo "
        "messaggio."
    ),
    "nl": (
        "We hebben nog geen hulpartikelen in uw taal, dus een medewerker bekijkt uw bericht zelf."
    ),
    "no": "Vi har ennå ingen hjelpeartikler på ditt språk, så et menneske ser på meldingen din.",
    "pl": "Nie mamy jeszcze artykułów pomocy w tym języku, więc wiadomością zajmie się człowiek.",
    "pt": (
        "Ainda não temos artigos de ajuda no seu idioma; por isso, uma pessoa vai ler a sua "
        "mensagem."
    ),
    "sv": "Vi har ännu inga hjälpartiklar på ditt språk, så en människa tittar på ditt meddelande.",
    "tr": "Dilinizde henüz yardım makalemiz yok; mesajınıza bir çalışanımız bakacak.",
}

_DETAILS: Mapping[str, str] = {
    "order_number": "your order number",
    "product": "which product it is about",
    "version": "which version you use",
}


def words(verdict: Verdict, signals: Signals, titles: Sequence[str]) -> str:
    """The reply to a question that is not answered; `titles` are those of the best articles."""
    if verdict.outcome is Outcome.CLARIFY:
        return _asked_back(verdict.reason, signals, titles)
    if verdict.outcome is Outcome.REPLY:
        if verdict.reason is Reason.THANKS:
            return "You're welcome. Write again whenever something comes up."
        return "Hello! What can I help you with?"
    said = HANDED_OVER.get(verdict.reason, _UNSURE)
    theirs = IN_THEIR_LANGUAGE.get(signals.language or "")
    return f"{theirs}\n\n{said}" if theirs and verdict.reason is Reason.LANGUAGE else said


def _asked_back(reason: Reason, signals: Signals, titles: Sequence[str]) -> str:
    if reason is Reason.SEVERAL_QUESTIONS:
        return (
            "You ask about more than one thing, and I can answer one at a time. Which one comes "
            "first? Please ask it again on its own."
        )
    if reason is Reason.MISSING_DETAIL:
        named = [_DETAILS.get(name, name.replace("_", " ")) for name in signals.missing]
        return f"To answer this I also need to know {_listed(named)}. Could you tell me?"
    first, second = titles[:2]
    return f"I found two articles that may help. Is your question about “{first}” or “{second}”?"


def _listed(named: Sequence[str]) -> str:
    *most, last = named
    return f"{', '.join(most)} and {last}" if most else last
