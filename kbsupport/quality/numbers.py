"""Runs of digits: which look like a telephone number, and whether two are the same one."""

from __future__ import annotations

import re
from collections.abc import Iterator

FEWEST, MOST = 7, 15

_SHAPE = re.compile(
    r"(?<![\w.,/@#$€£%+-])"
    r"(?:(?:\+|00)\d{1,3}[ ./-]{0,2}|\d[ ./-]?(?=\())?"
    r"(?:\(\d{1,3}(?:[ .-]?\d{1,4})?\)[ ./-]{0,2}){0,2}"
    r"\d{1,13}(?:[ ./-]{1,2}\d{1,9}){0,6}"
    r"(?P<extension> ?(?:x|ext\.?) ?\d{1,6})?"
    r"(?![\w%€$£]|[.,/:-]\d)"
)
_SPOKEN_OF = re.compile(
    r"\b(?:phone|tele(?:ph|f)on\w*|tel|call(?:ed|ing)?|cell(?:phone)?|mobile?|handy|fax|dial|"
    r"reach\w*|contact\w*|answer\w*|whatsapp|sms|text|ruf\w*|nummer|numbers?|numéro|appel\w*|bel)\b",
    re.IGNORECASE,
)
_OF_SOMETHING_ELSE = re.compile(
    r"\b(?:order|invoice|bill|ticket|case|ref(?:erence)?|account|customer|contract|serial|model|part|"
    r"item|product|tracking|parcel|shipment|booking|policy|article|version|build|licen[cs]e|"
    r"imei|pages?|between|bestell|rechnung|kunde|vertrag|auftrag|sendung|konto|serie|fall|seiten?|"
    r"zwischen|commande|facture|client|contrat|compte|colis|dossier|série|"
    r"bestelling|factuur|klant|zending|rekening|serie)"
    r"\w*(?:[ -]?(?:numbers?|no\b\.?|nr\b\.?|nummer|num[ée]ro|id\b|code|#))?"
    r"(?: (?:is|was|of|ist|lautet|est|is:))?[ :#.=-]{0,4}\Z",
    re.IGNORECASE,
)
_BEFORE = 40
_BARE = range(9, 13)  # as long as numbers are that are written without a space
_DATE = re.compile(
    r"(?:19|20)\d\d[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d\d"
)
_AMOUNT = re.compile(r"[1-9]\d{0,2}(?:([ .])\d{3})(?:\1\d{3})*")
_SOCIAL_SECURITY = re.compile(r"\d{3}-\d{2}-\d{4}")
_YEARS = re.compile(r"(?:19|20)\d\d-(?:19|20)\d\d")
_POSTAL_CODE = re.compile(r"\d{5}-\d{3,4}")
_NAME_FOLLOWS = re.compile(r" ?[^\W\d_a-z]\w")
_WORD_FOLLOWS = re.compile(r" ?[^\W\d_]")
_CURRENCY_FOLLOWS = re.compile(r" ?(?:[€$£]|EUR|USD|GBP|CHF|euro|dollar|pound)", re.IGNORECASE)
_GROUP = re.compile(r"\d+")
_RUN = re.compile(r"\d(?:[^\w\n]{0,4}\d){6,}")


def telephone_numbers(text: str) -> Iterator[tuple[int, int, float]]:
    """Where a number stands that somebody could be called by, and how sure that is."""
    for match in _SHAPE.finditer(text):
        sure = _sure(text, match)
        if sure:
            yield *match.span(), sure


def callable_number(text: str, start: int, end: int) -> bool:
    """False if this is too short or too long, or something else by its form or what is beside it.

    Dates, amounts of money, social security numbers, and what is called the number of something.
    """
    number = text[start:end]
    digits = sum(sign.isdigit() for sign in number)
    return FEWEST <= digits <= MOST and not (
        _DATE.match(number)
        or _SOCIAL_SECURITY.fullmatch(number)
        or _CURRENCY_FOLLOWS.match(text, end)
        or (number[0] != "+" and _OF_SOMETHING_ELSE.search(text[max(0, start - _BEFORE) : start]))
    )


def runs(text: str) -> Iterator[str]:
    """The digits of every long number of a text."""
    for match in _RUN.finditer(text):
        yield "".join(filter(str.isdigit, match.group()))


def same(one: str, other: str) -> bool:
    """True if two numbers differ in nothing but how they begin: +49 30, 0049 30, 030."""
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    return len(short) >= FEWEST and long.endswith(short)


def _sure(text: str, match: re.Match[str]) -> float:
    raw = match.group()
    number = raw.removesuffix(match["extension"] or "")
    groups = _GROUP.findall(number)
    if not callable_number(text, match.start(), match.start() + len(number)):
        return 0.0
    before = text[max(0, match.start() - _BEFORE) : match.start()]
    if number.startswith("+") or _SPOKEN_OF.search(before):
        return 0.7
    if len(groups) == 1:
        return 0.4 if number[0] == "0" and len(number) in _BARE else 0.0
    return 0.4 if _grouped(text, match.end(), number, groups) else 0.0


def _grouped(text: str, end: int, number: str, groups: list[str]) -> bool:
    """Nothing beside it says that it is a telephone number: do its groups?"""
    if _POSTAL_CODE.fullmatch(number) or _YEARS.fullmatch(number):
        return False
    if "." in number and any(len(group) == 1 for group in groups):  # version 10.14.6.8345
        return False
    # A row of numbers: 5 10 15 20 25 30.
    if number[0] != "(" and sum(map(len, groups)) < 2 * len(groups):
        return False
    if _AMOUNT.fullmatch(number) and ("." in number or _WORD_FOLLOWS.match(text, end)):
        return False
    if len(groups) == 2 and number[0] not in "(0":  # noqa: PLR2004 - a pair
        # version 1234.5678, 3747 3911 Fourth Avenue
        return "." not in number and not _NAME_FOLLOWS.match(text, end)
    return True
