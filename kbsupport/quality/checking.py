"""The check of every reply before it is sent: what a person wrote, and what the assistant did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from kbsupport.model.quality import Checked, Fault, Finding
from kbsupport.quality.disclosed import Seen, another_name, personal_data, secrets
from kbsupport.quality.drafts import Draft
from kbsupport.quality.links import Link, find_links, hosts
from kbsupport.quality.masking import Finder
from kbsupport.quality.patterns import Patterns
from kbsupport.quality.rules import Rules
from kbsupport.quality.scripts import foreign_script
from kbsupport.quality.sourced import citations, quotes

# Whether a fault stops what the assistant wrote, and what a person did. People answer for what they
# say; what they cannot take back, or cannot know, stops them until they look at it.
_BLOCKS: Mapping[Fault, tuple[bool, bool]] = {
    Fault.EMPTY: (True, True),
    Fault.LENGTH: (True, True),
    Fault.CITATION: (True, True),
    Fault.QUOTE: (True, False),
    Fault.PERSONAL_DATA: (True, True),
    Fault.SECRET: (True, True),
    Fault.PROMISE: (True, False),
    Fault.LINK: (True, True),
    Fault.TONE: (True, False),
    Fault.LANGUAGE: (True, False),
}
_CLEARLY = 0.9
_SHOUTED = re.compile(r"(?:\b[A-ZÀ-ÖØ-Þ]{3,}\b[ ,]*){4,}|[!?]{3,}")
_MOST_OF_A_KIND = 5
_MOST_LOOKED_AT = 50


def check(draft: Draft, rules: Rules, personal: Finder | None = None) -> Checked:
    """What is wrong with a draft; its time is in proportion to what may be sent at most."""
    found = sorted(_found(draft, rules, personal), key=lambda one: (one.start, one.end))
    weight = {one.fault: 0.5 for one in found} | {one.fault: 1.0 for one in found if one.blocks}
    score = round(1 - sum(weight.values()) / len(Fault), 3)
    return Checked(score, tuple(_first_of_each(found)))


def _first_of_each(found: list[Finding]) -> Iterator[Finding]:
    told = Counter[tuple[Fault, bool]]()
    for one in found:
        told[one.fault, one.blocks] += 1
        if told[one.fault, one.blocks] <= _MOST_OF_A_KIND:
            yield one


def _found(draft: Draft, rules: Rules, personal: Finder | None) -> Iterator[Finding]:
    length = len(draft.text)
    draft = replace(draft, text=draft.text[: rules.longest])
    for seen in (*_too_long(length, rules), *_strict(draft, rules, personal)):
        automatic, by_a_person = _BLOCKS[seen[0]]
        yield Finding(*seen, blocks=automatic if draft.automatic else by_a_person)
    for seen in _mild(draft, rules):
        yield Finding(*seen, blocks=False)


def _too_long(length: int, rules: Rules) -> Iterator[Seen]:
    if length > rules.longest:
        said = f"it has {length} signs, and {rules.longest} are allowed"
        yield Fault.LENGTH, said, rules.longest, length


def _strict(draft: Draft, rules: Rules, personal: Finder | None) -> Iterator[Seen]:
    links = tuple(find_links(draft.text))
    yield from _empty(draft.text, links)
    yield from citations(draft)
    yield from quotes(draft)
    yield from secrets(draft)
    yield from personal_data(draft, rules, personal)
    yield from _told(draft, rules.promised, Fault.PROMISE, "a promise that we may not make")
    yield from _told(draft, rules.rude, Fault.TONE, "words that nobody should read from us")
    yield from _leads(draft, links, rules)
    yield from _language(draft)


def _mild(draft: Draft, rules: Rules) -> Iterator[Seen]:
    """What is warned of, whoever wrote it."""
    text = draft.text
    bare = len(text.strip())
    if 0 < bare < rules.shortest:
        yield Fault.LENGTH, f"it has only {bare} signs", 0, len(text)
    for shouted in _SHOUTED.finditer(text):
        if not draft.published(*shouted.span()):
            yield Fault.TONE, "it shouts", *shouted.span()
    name = another_name(draft)
    if name is not None:
        yield Fault.PERSONAL_DATA, "it greets somebody who is not called like the customer", *name


def _empty(text: str, links: tuple[Link, ...]) -> Iterator[Seen]:
    left, at = [], 0
    for link in links:
        left.append(text[at : link.start])
        at = link.end
    said = "".join((*left, text[at:]))
    if not any(sign.isalnum() for sign in said):
        yield Fault.EMPTY, "nothing but links" if links else "it says nothing", 0, len(text)


def _told(draft: Draft, patterns: Patterns, fault: Fault, said: str) -> Iterator[Seen]:
    for start, end in islice(patterns.find(draft.text), _MOST_LOOKED_AT):
        # What a company has published itself it may say again.
        if not draft.published(start, end):
            yield fault, said, start, end


def _leads(draft: Draft, links: tuple[Link, ...], rules: Rules) -> Iterator[Seen]:
    if not links:
        return
    cited = "\n".join(one.url or "" for one in draft.citations)
    known = draft.known_links | hosts("\n".join((*draft.sources.values(), cited)))
    for link in links:
        if link.host is None:
            yield Fault.LINK, "a link that opens no page", link.start, link.end
        elif link.host not in known and not rules.leads_to(link.host):
            said = f"{link.host} is not on the list of links"
            yield Fault.LINK, said, link.start, link.end


def _language(draft: Draft) -> Iterator[Seen]:
    text, wanted = draft.text, _base(draft.language)
    if wanted is None:
        return
    script = foreign_script(text, wanted)
    if script is not None:
        said = f"it is written in {script} letters, and {wanted} is wanted"
        yield Fault.LANGUAGE, said, 0, len(text)
        return
    written = draft.written
    if written is None or written.language_probability < _CLEARLY:
        return
    if _base(written.language) not in (None, wanted):
        said = f"it is written in {_base(written.language)}, and {wanted} is wanted"
        yield Fault.LANGUAGE, said, 0, len(text)


def _base(language: str | None) -> str | None:
    return re.split(r"[-_]", language.casefold())[0] if language else None
