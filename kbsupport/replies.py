"""What the customer reads around every answer, and where there is none: lines from templates."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from kbsupport.model import Customer, Order, Outcome, Reason, Signals, Verdict
from kbsupport.templates.lines import plain, plain_name
from kbsupport.templates.sheets import ENGLISH, Sheets, Voice, base_language

# A message that is read in a language less surely than this may well be in another.
_CLEARLY = 0.9
_PAIR = 2


class Replies:
    """Words for customers, in their language and for their tier; a company may word them anew.

    `folder` holds a company's own files, which need to say only what they say otherwise.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._sheets = Sheets(folder)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is wrong with files that broke after they were read."""
        return self._sheets.notices

    def check(self, tiers: Collection[str] = ()) -> None:
        """Read every file there is, or fail on the first that is wrong or names an unknown tier."""
        self._sheets.check(tiers)

    def language_for(
        self, signals: Signals, customer: Customer, language: str | None = None
    ) -> str:
        """The language to reply in: as told, as the message clearly is, as the customer's is."""
        clearly = signals.language_probability >= _CLEARLY
        wanted = (language, signals.language if clearly else None, customer.language)
        return self._first_spoken(*wanted)

    def words(
        self,
        verdict: Verdict,
        signals: Signals,
        titles: Sequence[str],
        *,
        customer: Customer,
        language: str | None = None,
        handed_over: bool = True,
    ) -> str:
        """The reply to a question that is not answered; `titles` are those of the best articles.

        Where nobody is told of it, as `handed_over` says, nobody is promised.
        """
        spoken = self.language_for(signals, customer, language)
        voice, whom = self._sheets.voice(spoken, customer.tier), _whom(customer)
        if verdict.outcome is Outcome.REPLY:
            reason = str(verdict.reason)
            return voice.say(f"reply.{reason}", f"handed_over.{reason}", "reply.greeting", **whom)
        if verdict.outcome is Outcome.CLARIFY:
            said = _asked_back(voice, verdict.reason, signals, titles, whom)
        elif not handed_over:
            said = voice.say("needs_person", **whom)
        else:
            said = voice.say(f"handed_over.{verdict.reason}", "handed_over.other", **whom)
            if verdict.reason is Reason.LANGUAGE:
                theirs = self._in_theirs(voice, signals.language, whom)
                said = said if theirs == said else _joined(theirs, said)
        return _joined(voice.say("greeting", **whom), said)

    def waiting(
        self,
        text: str,
        *,
        ticket: str,
        by: datetime | None = None,
        position: int | None = None,
        zone: str | None = None,
        language: str | None = None,
        tier: str = "",
    ) -> str:
        """The words to somebody handed over, with their ticket and what happens next."""
        voice = self._voice(tier, language)
        placed = _placed(voice, by, position, zone)
        return f"{text} {voice.say('waiting', ticket=plain(ticket), **placed)}".strip()

    def passed_on(
        self, ticket: str, *, taken: bool = True, language: str | None = None, tier: str = ""
    ) -> str:
        """To whoever writes while people have it; `taken` is False while nobody does yet."""
        voice = self._voice(tier, language)
        return voice.say("passed_on" if taken else "in_line", ticket=plain(ticket))

    def order(
        self, order: Order, *, customer: Customer, language: str | None = None, tier: str = ""
    ) -> str:
        """Where an order stands, when it is expected and where it can be followed."""
        voice = self._voice(tier or customer.tier, language, customer.language)
        told = {
            "order": plain(order.number),
            "product": plain(order.product),
            "state": plain(order.state),
            "expected": _day(voice, order.expected_on),
            "tracking": plain(order.tracking),
            "name": plain_name(customer.name),
        }
        state = re.sub(r"[\W_]+", "_", order.state.lower()).strip("_")
        said = voice.say(f"order_state.{state}", "order.found", **told)
        return _joined(voice.say("greeting", **told), said, voice.say("order.help", **told))

    def outgoing(
        self,
        text: str,
        *,
        customer: Customer,
        ticket: str,
        signed: str | None = None,
        language: str | None = None,
        tier: str = "",
    ) -> str:
        """A specialist's answer, untouched, in its frame."""
        voice = self._voice(tier or customer.tier, language, customer.language)
        values = _whom(customer) | {"ticket": plain(ticket), "signed": plain_name(signed)}
        return _joined(
            voice.say("greeting", **values),
            text,
            voice.say("outgoing.next", **values),
            voice.say("outgoing.signature", **values),
        )

    def closed(
        self, ticket: str, *, customer: Customer, language: str | None = None, tier: str = ""
    ) -> str:
        """That a ticket is closed, and what to do if that is too early."""
        voice = self._voice(tier or customer.tier, language, customer.language)
        values = _whom(customer) | {"ticket": plain(ticket)}
        return _joined(voice.say("greeting", **values), voice.say("closed", **values))

    def reopened(
        self,
        ticket: str,
        *,
        customer: Customer,
        by: datetime | None = None,
        position: int | None = None,
        zone: str | None = None,
        language: str | None = None,
        tier: str = "",
    ) -> str:
        """That a ticket is open again, and what happens next."""
        voice = self._voice(tier or customer.tier, language, customer.language)
        placed = _placed(voice, by, position, zone or customer.time_zone)
        values = _whom(customer) | {"ticket": plain(ticket)} | placed
        return _joined(voice.say("greeting", **values), voice.say("reopened", **values))

    def _first_spoken(self, *wanted: str | None) -> str:
        codes = (base_language(code) for code in wanted)
        return next((code for code in codes if code and self._sheets.has(code)), ENGLISH)

    def _voice(self, tier: str, *wanted: str | None) -> Voice:
        return self._sheets.voice(self._first_spoken(*wanted), tier)

    def _in_theirs(self, voice: Voice, language: str | None, whom: dict[str, str]) -> str:
        """That we have no articles in their language, said in it, if we can."""
        theirs, key = base_language(language), f"handed_over.{Reason.LANGUAGE}"
        if theirs is None:
            return ""
        line = self._sheets.voice(theirs, voice.tier).find(key)
        if line is self._sheets.voice(ENGLISH, voice.tier).find(key):
            line = voice.find(f"their_language.{theirs}")
        return line.filled(whom) if line else ""


def _whom(customer: Customer) -> dict[str, str]:
    # Of several products nobody knows which one is meant.
    only = customer.products[0] if len(customer.products) == 1 else None
    return {"name": plain_name(customer.name), "product": plain(only)}


def _asked_back(
    voice: Voice, reason: Reason, signals: Signals, titles: Sequence[str], whom: dict[str, str]
) -> str:
    if reason is Reason.MISSING_DETAIL and signals.missing:
        named = [_detail(voice, name) for name in signals.missing]
        *most, last = named
        listed = f"{', '.join(most)} {voice.say('details.and')} {last}" if most else last
        return voice.say("asked_back.missing_detail", details=listed, **whom)
    if reason is Reason.TWO_CLOSE_ARTICLES and len(titles) >= _PAIR:
        first, second = (plain(title) for title in titles[:_PAIR])
        return voice.say("asked_back.two_close_articles", first=first, second=second, **whom)
    if reason is Reason.SEVERAL_QUESTIONS:
        return voice.say("asked_back.several_questions", **whom)
    return voice.say("asked_back.other", **whom)


def _detail(voice: Voice, name: str) -> str:
    line = voice.find(f"details.{name}")
    return line.filled({}) if line else plain(name.replace("_", " "))


def _placed(
    voice: Voice, by: datetime | None, position: int | None, zone: str | None
) -> dict[str, str]:
    """Where somebody stands in line and until when a person writes, as far as either is known."""
    return {
        "position": "" if position is None else str(position),
        "by": "" if by is None else _moment(voice, by, zone),
    }


def _moment(voice: Voice, at: datetime, zone: str | None) -> str:
    where, called = _zone(zone)
    local = at.astimezone(where)
    return voice.say("dates.moment", time=f"{local:%H:%M}", zone=called, **_date(voice, local))


def _day(voice: Voice, written: str | None) -> str:
    """A date in words; whatever is no ISO date stays as the system of orders wrote it."""
    try:
        day = date.fromisoformat((written or "").strip()[:10])
    except ValueError:
        return plain(written)
    return voice.say("dates.day", **_date(voice, day))


def _date(voice: Voice, day: date) -> dict[str, str]:
    return {
        "weekday": voice.say(f"dates.weekdays.{day.weekday()}"),
        "day": str(day.day),
        "month": voice.say(f"dates.months.{day.month - 1}"),
        "year": str(day.year),
    }


def _zone(name: str | None) -> tuple[tzinfo, str]:
    """A time zone and its name; one nobody knows is UTC, and is called so."""
    try:
        return (ZoneInfo(name), name) if name else (UTC, "UTC")
    except (KeyError, ValueError, OSError):
        return UTC, "UTC"


def _joined(*paragraphs: str) -> str:
    return "\n\n".join(one for one in paragraphs if one.strip())
