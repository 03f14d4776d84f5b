"""Sort questions into gaps: by kind first, then what belongs together; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from kbsupport.gaps.clusters import FEWEST, clusters
from kbsupport.gaps.conflicts import Conflicting
from kbsupport.gaps.kinds import Aside, Kind, kind_of, rule_of
from kbsupport.gaps.naming import Tongue, name_of, questions_of
from kbsupport.gaps.outline import outline, without_persons
from kbsupport.gaps.report import Gap, Report

if TYPE_CHECKING:
    from kbsupport.gaps.asked import Looked

    Compare = Callable[[str, str], Conflicting | None]

_MONTH = 365.25 / 12
_SHORTEST_SPAN = 14
_FIRST = (Kind.MISSING, Kind.CONTRADICTORY, Kind.NOT_FOUND, Kind.POLICY)
_NEAREST = 3
_PROBABLY = 0.5


def gaps_of(looked: Sequence[Looked], compare: Compare, tongue: Tongue) -> Report:
    """Every gap; `compare` says on what two articles contradict each other, if they do."""
    return _Sorting(looked, tongue).report(compare)


class _Sorting:
    """The questions by kind, with what naming and counting need of all of them."""

    def __init__(self, looked: Sequence[Looked], tongue: Tongue) -> None:
        self._looked, self._tongue = looked, tongue
        self._months = _months(looked)
        self._by_kind: dict[Kind | Aside, list[Looked]] = {}
        for one in looked:
            self._by_kind.setdefault(kind_of(one), []).append(one)

    def report(self, compare: Compare) -> Report:
        """Sort what is left each time by the next kind of evidence."""
        # First: an article that is at odds with another neither answers nor is missing.
        found = list(self._contradictory(compare))
        found += [*self._missing(), *self._not_found(), *self._policy()]
        order = {kind: place for place, kind in enumerate(_FIRST)}
        found.sort(key=lambda gap: (order[gap.kind], -len(gap.tickets), gap.probability, gap.name))
        asides = {aside: len(self._by_kind.get(aside, ())) for aside in Aside}
        held = sum(len(gap.tickets) for gap in found)
        asides[Aside.ALONE] = len(self._looked) - held - sum(asides.values())
        return Report(len(self._looked), tuple(found), asides)

    def _contradictory(self, compare: Compare) -> Iterator[Gap]:
        rivals: dict[tuple[str, str], list[Looked]] = {}
        for kind in (Kind.MISSING, Kind.NOT_FOUND):
            for one in self._by_kind.get(kind, ()):
                if len(one.articles) > 1 and one.reply is None:
                    first, second = sorted(one.articles[:2])
                    rivals.setdefault((first, second), []).append(one)
        for pair, asked in sorted(rivals.items()):
            found = compare(*pair) if len(asked) >= FEWEST else None
            about = [one for one in asked if found and found.concerns(one.vector)]
            if found and len(about) >= FEWEST:
                for one in about:
                    self._by_kind[kind_of(one)].remove(one)
                said = " / ".join(f"“{_short(text)}”" for text in found.conflict.said)
                why = f"{pair[0]} and {pair[1]} give different numbers: {said}"
                yield self._gap(Kind.CONTRADICTORY, about, why, conflict=found)

    def _missing(self) -> Iterator[Gap]:
        asked = self._by_kind.get(Kind.MISSING, [])
        for places in clusters(asked):
            members = [asked[place] for place in places]
            replied = sum(one.reply is not None for one in members)
            mean = sum(one.probability for one in members) / len(members)
            why = f"the best article answers with a probability of {mean:.2f} on average"
            if replied:
                why = f"people answered {replied} with what no article says; {why}"
            yield self._gap(Kind.MISSING, members, why)

    def _not_found(self) -> Iterator[Gap]:
        by_article: dict[str, list[Looked]] = {}
        for one in self._by_kind.get(Kind.NOT_FOUND, ()):
            by_article.setdefault(one.rests or one.articles[0], []).append(one)
        for article, members in by_article.items():
            if len(members) >= FEWEST:
                yield self._gap(Kind.NOT_FOUND, members, _why_not_found(article, members))

    def _policy(self) -> Iterator[Gap]:
        by_rule: dict[str, list[Looked]] = {}
        for one in self._by_kind.get(Kind.POLICY, ()):
            by_rule.setdefault(rule_of(one), []).append(one)
        for rule, members in by_rule.items():
            if len(members) >= FEWEST:
                yield self._gap(Kind.POLICY, members, _why_policy(rule, members))

    def _gap(
        self, kind: Kind, members: Sequence[Looked], why: str, conflict: Conflicting | None = None
    ) -> Gap:
        texts = [one.asked.text for one in members]
        name, questions = name_of(texts, self._tongue), questions_of(members)
        replies = [reply for one in members for reply in one.asked.replies]
        monthly = None if self._months is None else round(len(members) / self._months, 1)
        leading = Counter(article for one in members for article in one.articles[:1])
        return Gap(
            kind=kind,
            name=name,
            tickets=tuple(one.asked.id for one in members),
            questions=tuple(map(without_persons, questions)),
            why=why,
            per_month=monthly,
            probability=sum(one.probability for one in members) / len(members),
            articles=tuple(article for article, _ in leading.most_common(_NEAREST)),
            conflict=conflict.conflict if conflict else None,
            outline=outline(name, questions, replies) if kind is Kind.MISSING else None,
        )


def _why_not_found(article: str, members: Sequence[Looked]) -> str:
    answered = sum(one.rests is not None for one in members)
    deep = sum(article != one.articles[0] for one in members if one.articles)
    said = f"{article} is first with a probability too low to be sent"
    if answered:
        said = f"people answered {answered} with {article}"
    if deep:
        said += f"; for {deep} of them another article stood before it"
    return said


def _why_policy(rule: str, members: Sequence[Looked]) -> str:
    if rule == "own_case":
        return "about the customer's own order, bill or account: somebody has to look"
    found = sum(one.probability > _PROBABLY for one in members)
    seen = f"; an article would probably answer {found} of them" if found else ""
    return f"the policy says {rule.replace('_', ' ')}{seen}"


def _months(looked: Sequence[Looked]) -> float | None:
    """How many months the dated questions span; None if that is too short to speak of."""
    dates = [one.asked.label.created_at for one in looked if one.asked.label.created_at]
    days = (max(dates) - min(dates)).total_seconds() / 86_400 if dates else 0.0
    return days / _MONTH if days >= _SHORTEST_SPAN and len(dates) == len(looked) else None


def _short(text: str, most: int = 90) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
