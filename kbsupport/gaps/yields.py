"""What an article bought: the tickets of its gap, decided without it and with it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbsupport.gaps.asked import Looked
from kbsupport.gaps.kinds import LIKELY, Kind, kind_of
from kbsupport.gaps.naming import central
from kbsupport.gaps.report import Report
from kbsupport.model import AUTO_RESOLVE, Label, Outcome

# An article that comes first for half of a cluster was written for it.
_SHARE = 0.5
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class Yield:
    """The tickets of a gap before and after its article; `wrong` is what the judge expects.

    `led` counts those that the article comes first for; `sure` is the mean probability of the best
    article before and after.
    """

    article_id: str
    name: str
    tickets: tuple[str, ...]
    led: int
    before: int
    after: int
    newly: tuple[str, ...]
    wrong: float | None
    certified: int
    risk: float | None
    sure: tuple[float, float]
    golden: Label
    kept: bool = False

    def cluster(self) -> dict[str, Any]:
        """`cluster` of the closed gap as it is kept."""
        return {"name": self.name, "tickets": list(self.tickets)}

    def kept_before(self) -> dict[str, Any]:
        """`before` of the closed gap as it is kept."""
        return {"resolved": self.before, "probability": self.sure[0]}

    def kept_after(self) -> dict[str, Any]:
        """`after` of the closed gap as it is kept."""
        return {
            "resolved": self.after,
            "probability": self.sure[1],
            "newly": list(self.newly),
            "expected_wrong": self.wrong,
            "certified": self.certified,
            "risk": self.risk,
            "golden": self.golden.id,
        }

    def to_dict(self) -> dict[str, Any]:
        """`gaps --after --json`."""
        golden = {
            "id": self.golden.id,
            "text": self.golden.text,
            "expected": self.golden.expected,
            "accept_ids": list(self.golden.accept_ids),
            "added": self.kept,
        }
        return {
            "schema_version": 1,
            "article_id": self.article_id,
            "cluster": self.cluster(),
            "led": self.led,
            "before": self.kept_before(),
            "after": self.kept_after() | {"golden": golden},
        }

    def lines(self) -> list[str]:
        """What `gaps --after` says on a terminal."""
        count = len(self.tickets)
        written = f"{self.article_id} was written for {count} tickets ({self.name})"
        said = [
            f"{written}; it comes first for {self.led} of them.",
            f"Answered without a person: {self.before} before, {self.after} now.",
        ]
        said.append(
            "The best article answers with a probability of "
            f"{self.sure[0]:.2f} before and {self.sure[1]:.2f} now, on average."
        )
        if self.wrong is not None:
            expected = self.wrong * len(self.newly)
            proven = (
                f"{self.certified} of them under a certificate of at most {self.risk:.0%} wrong"
                if self.certified and self.risk is not None
                else "no certificate covers them"
            )
            said.append(
                f"Of the {len(self.newly)} answered now and not before, the judge expects "
                f"{expected:.1f} to be wrong ({self.wrong:.1%}); {proven}."
            )
        how = "added to the labels" if self.kept else "not added"
        said.append(f"Golden question ({how}): “{' '.join(self.golden.text.split())}”")
        return said


def cluster_of(
    article_id: str, gaps: Report, before: Mapping[str, Looked], now: Mapping[str, Looked]
) -> list[str]:
    """The tickets that this article was written for; none if it answers no open question.

    Those that it probably answers now and that were open before; and the rest of a missing gap of
    which it comes first for half.
    """
    answers = {one for one in now if _answers(article_id, before[one], now[one])}
    chosen = dict.fromkeys(ticket for ticket in now if ticket in answers)
    for gap in gaps.of(Kind.MISSING):
        led = sum(now[ticket].articles[:1] == (article_id,) for ticket in gap.tickets)
        if led >= _SHARE * len(gap.tickets) and answers.intersection(gap.tickets):
            chosen |= dict.fromkeys(gap.tickets)
    return list(chosen)


def _answers(article_id: str, before: Looked, now: Looked) -> bool:
    """True if it was open what answers, and this article probably does."""
    first = now.articles[:1] == (article_id,) and now.probability >= LIKELY
    return first and isinstance(kind_of(before), Kind) and kind_of(before) is not Kind.POLICY


def yield_of(
    article_id: str,
    name: str,
    tickets: Sequence[str],
    before: Mapping[str, Looked],
    now: Mapping[str, Looked],
    risks: Mapping[str, float | None],
) -> Yield:
    """Compare the same tickets; `risks` are those that certificates allow, by their ids."""
    led = [now[ticket] for ticket in tickets if now[ticket].articles[:1] == (article_id,)]
    was = {ticket for ticket in now if before[ticket].outcome is Outcome.RESOLVE}
    newly = [t for t in tickets if t not in was and now[t].outcome is Outcome.RESOLVE]
    doubts = [1 - now[ticket].probability for ticket in newly]
    covering = {now[ticket].certificate for ticket in newly} - {None}
    allowed = [risk for one in covering if one and (risk := risks.get(one)) is not None]
    return Yield(
        article_id=article_id,
        name=name,
        tickets=tuple(tickets),
        led=len(led),
        before=sum(ticket in was for ticket in tickets),
        after=sum(now[ticket].outcome is Outcome.RESOLVE for ticket in tickets),
        newly=tuple(newly),
        wrong=round(sum(doubts) / len(doubts), 4) if doubts else None,
        certified=sum(now[ticket].certificate is not None for ticket in newly),
        risk=max(allowed, default=None),
        sure=(_sure(before[ticket] for ticket in tickets), _sure(now[t] for t in tickets)),
        golden=_golden(article_id, led),
    )


def _sure(members: Iterable[Looked]) -> float:
    probabilities = [one.probability for one in members]
    return round(sum(probabilities) / len(probabilities), 4)


def _golden(article_id: str, led: Sequence[Looked]) -> Label:
    """The middle one of the questions that the article answers most surely.

    What is learnt as an example must rather be right than central: one about somebody's own case
    may need a person after all.
    """
    answered = [one for one in led if one.outcome is Outcome.RESOLVE]
    surest = max(one.probability for one in led)
    likely = answered or [one for one in led if one.probability >= min(surest, _SURE)]
    least = min(one.own_case for one in likely)
    label = central([one for one in likely if one.own_case == least])[0].asked.label
    return Label(
        id=f"golden-{label.id}",
        text=label.text,
        expected=AUTO_RESOLVE,
        accept_ids=(article_id,),
        tier=label.tier,
        language=label.language,
        product=label.product,
        created_at=label.created_at,
        # Whose words they are, so that they go when their customer is erased.
        customer_id=label.customer_id,
        conversation_id=label.conversation_id,
    )
