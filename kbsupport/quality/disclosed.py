"""What a reply gives away: secrets, and personal data of anyone but whoever reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from kbsupport.model.quality import Fault
from kbsupport.quality.drafts import Draft
from kbsupport.quality.masking import Finder
from kbsupport.quality.numbers import runs, same
from kbsupport.quality.personal import Entity
from kbsupport.quality.rules import Rules
from kbsupport.quality.secrets import find_secrets

# Fault, what is said of it, where it begins and where it ends.
Seen = tuple[Fault, str, int, int]

_SAID: Mapping[Entity, str] = {
    Entity.EMAIL: "an e-mail address that is neither the customer's nor published",
    Entity.PHONE: "a telephone number that is neither the customer's nor published",
    Entity.CARD: "a card number",
    Entity.IBAN: "a bank account that is not published",
    Entity.IP: "an IP address that is not published",
    Entity.SSN: "a social security number",
}
_GREETING = re.compile(
    r"\A\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|liebe[rs]?|"
    r"guten (?:tag|morgen)|sehr geehrte[rs]?|bonjour|ch(?:er|ère)|salut|beste|geachte|dag)"
    r"(?: (?:mr|mrs|ms|dr|herr|frau|monsieur|madame|m|mme|heer|mevrouw|meneer)\.?)? "
    r"(?P<name>[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*){0,3}?)\s*(?:[,!:]|\n)",
    re.IGNORECASE,
)
_ANYBODY = frozenset(
    "there all everyone everybody team sir madam customer client user friend colleague colleagues "
    "again kunde kundin kunden damen und herren zusammen team tous toutes client cliente klant "
    "allemaal lezer".split()
)


def secrets(draft: Draft) -> Iterator[Seen]:
    """Keys, tokens and passwords that no article shows as an example."""
    text = draft.text
    for one in find_secrets(text):
        if not draft.stands_in_a_source(text[one.start : one.end]):
            kind = one.kind.partition(",")[0]
            yield Fault.SECRET, f"what looks like a {kind}", one.start, one.end


def personal_data(draft: Draft, rules: Rules, personal: Finder | None) -> Iterator[Seen]:
    """Addresses and numbers that whoever reads it may not know, and another one's name."""
    text = draft.text
    for one in personal.find(text) if personal else ():
        value = text[one.start : one.end]
        known = _KNOWN.get(one.entity, _published_only)
        if not draft.stands_in_a_source(value) and not known(value, draft, rules):
            yield Fault.PERSONAL_DATA, _SAID[one.entity], one.start, one.end


def another_name(draft: Draft) -> tuple[int, int] | None:
    """Where somebody is greeted who is not called like the customer."""
    greeted = _GREETING.match(draft.text)
    if greeted is None or draft.customer is None or not draft.customer.name:
        return None
    said = _name_words(greeted["name"])
    theirs = _name_words(draft.customer.name)
    # Of a name in small letters nobody knows that it is one: "hello and welcome,".
    called = greeted["name"][0].isupper() and not said & _ANYBODY
    return greeted.span("name") if called and not said & theirs else None


def _name_words(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", name.casefold()))


def _email(value: str, draft: Draft, rules: Rules) -> bool:
    told = value.casefold()
    theirs = draft.customer.email if draft.customer else None
    return (
        told == (theirs or "").casefold()
        or rules.own(value)
        or re.search(rf"(?<![\w.+-]){re.escape(told)}(?![\w-])", draft.said.casefold()) is not None
    )


def _phone(value: str, draft: Draft, rules: Rules) -> bool:
    theirs = draft.customer.phone if draft.customer else None
    told = next(runs(value), "")
    known = [*draft.sources.values(), *rules.contacts, draft.said, theirs or ""]
    return any(same(told, number) for text in known for number in runs(text))


def _iban(value: str, _draft: Draft, rules: Rules) -> bool:
    return _bare(value) in {_bare(one) for one in rules.contacts}


def _ip(value: str, draft: Draft, _rules: Rules) -> bool:
    return value in draft.said


def _published_only(_value: str, _draft: Draft, _rules: Rules) -> bool:
    return False


def _bare(value: str) -> str:
    return re.sub(r"[^0-9a-z]", "", value.casefold())


_KNOWN: Mapping[Entity, Callable[[str, Draft, Rules], bool]] = {
    Entity.EMAIL: _email,
    Entity.PHONE: _phone,
    Entity.IBAN: _iban,
    Entity.IP: _ip,
}
