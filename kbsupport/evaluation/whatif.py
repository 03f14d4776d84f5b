"""Two ways of deciding the same tickets: what changes, and what that saves; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError
from kbsupport.evaluation.backtest import Backtest
from kbsupport.evaluation.judged import Judged, in_time_order
from kbsupport.evaluation.markup import escaped
from kbsupport.evaluation.page import table
from kbsupport.evaluation.wording import amount, between, percent
from kbsupport.model import Outcome

if TYPE_CHECKING:
    from kbsupport.triage.policy import Costs

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Flip:
    """One ticket that is decided otherwise: another outcome, reason or article quoted."""

    before: Judged
    after: Judged

    @property
    def became_right(self) -> bool:
        """True if it is rightly answered now and was not before."""
        return _rightly(self.after) and not _rightly(self.before)

    @property
    def became_wrong(self) -> bool:
        """True if it is wrongly answered now and was not before."""
        return self.after.wrong and not self.before.wrong

    @property
    def no_longer_right(self) -> bool:
        """True if it was rightly answered before and is not now."""
        return _rightly(self.before) and not _rightly(self.after)

    @property
    def no_longer_wrong(self) -> bool:
        """True if it was wrongly answered before and is not now."""
        return self.before.wrong and not self.after.wrong

    def to_dict(self) -> dict[str, Any]:
        """`id`, `text`, `tier`, `before` and `after`, and the four ways to be better or worse."""
        return {
            "id": self.after.label.id,
            "text": self.after.label.text,
            "tier": self.after.tier,
            "before": _side(self.before),
            "after": _side(self.after),
            "became_right": self.became_right,
            "became_wrong": self.became_wrong,
            "no_longer_right": self.no_longer_right,
            "no_longer_wrong": self.no_longer_wrong,
        }


@dataclass(frozen=True)
class Change:
    """The same tickets decided twice: `before` at the old costs, `after` at the new ones."""

    before: Backtest
    after: Backtest
    flips: tuple[Flip, ...]

    @cached_property
    def became_right(self) -> tuple[Flip, ...]:
        """Tickets that are rightly answered now and were not before."""
        return tuple(flip for flip in self.flips if flip.became_right)

    @cached_property
    def became_wrong(self) -> tuple[Flip, ...]:
        """Tickets that are wrongly answered now and were not before."""
        return tuple(flip for flip in self.flips if flip.became_wrong)

    @cached_property
    def no_longer_right(self) -> tuple[Flip, ...]:
        """Tickets that were rightly answered before and are not now."""
        return tuple(flip for flip in self.flips if flip.no_longer_right)

    @cached_property
    def no_longer_wrong(self) -> tuple[Flip, ...]:
        """Tickets that were wrongly answered before and are not now."""
        return tuple(flip for flip in self.flips if flip.no_longer_wrong)

    @property
    def moves(self) -> Mapping[tuple[Outcome, Outcome], int]:
        """How many flips go from which outcome to which, most frequent first."""
        seen = Counter((f.before.verdict.outcome, f.after.verdict.outcome) for f in self.flips)
        return dict(sorted(seen.items(), key=lambda one: (-one[1], one[0])))

    @property
    def saves(self) -> float:
        """Money less than before on these tickets, each side at its own costs."""
        return self.before.money - self.after.money

    @property
    def saved_by_flips(self) -> float:
        """Money less than before if the new costs had held then too: what the flips alone give."""
        return Backtest(self.before.judged, self.after.costs).money - self.after.money

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON.

        `schema_version` · `tickets` · `flips` [{`id`,`text`,`tier`,`before`,`after` {`outcome`,
        `reason`,`article_id`,`probability`,`threshold`,`right`}, `became_right`, …}] · `counts`
        {`flips`,`became_right`,`became_wrong`,`no_longer_right`,`no_longer_wrong`} · `moves`
        [{`from`,`to`,`n`}] · `auto_resolve`, `wrong`, `money`: {`before`,`after`} · `saves`,
        `saved_by_flips`.
        """
        before, after = self.before, self.after
        return {
            "schema_version": SCHEMA_VERSION,
            "tickets": after.tickets,
            "counts": self._counts(),
            "moves": [
                {"from": str(old), "to": str(new), "n": n} for (old, new), n in self.moves.items()
            ],
            "auto_resolve": {
                "before": before.auto_resolve_rate.to_dict(),
                "after": after.auto_resolve_rate.to_dict(),
            },
            "wrong": {"before": before.wrong_rate.to_dict(), "after": after.wrong_rate.to_dict()},
            "money": {"before": round(before.money, 6), "after": round(after.money, 6)},
            "saves": round(self.saves, 6),
            "saved_by_flips": round(self.saved_by_flips, 6),
            "flips": [flip.to_dict() for flip in self.flips],
        }

    def summary_lines(self) -> list[str]:
        """The change for a terminal: what flips, what becomes of it, what it saves."""
        moves = [f"  {old} to {new}: {n:,}" for (old, new), n in self.moves.items()]
        before, after = self.before, self.after
        old, new = before.wrong_rate, after.wrong_rate
        rightly = f"{len(self.became_right):,} more, {len(self.no_longer_right):,} less"
        wrongly = f"{len(self.became_wrong):,} more, {len(self.no_longer_wrong):,} less"
        was, now = percent(before.auto_resolve_rate.share), percent(after.auto_resolve_rate.share)
        wrong_was = f"{percent(old.share)} ({between(old)}) before"
        wrong_now = f"{percent(new.share)} ({between(new)}) after"
        return [
            f"{self._sentence()}{':' if moves else ''}",
            *moves,
            f"Rightly answered: {rightly}. Wrongly answered: {wrongly}.",
            f"Answered at once: {was} before, {now} after.",
            f"Wrong among them: {wrong_was}, {wrong_now}.",
            self._money(),
        ]

    def _repr_html_(self) -> str:
        head, *rest = self.summary_lines()
        lines = "".join(f"<p>{escaped(line)}</p>" for line in rest if not line.startswith("  "))
        flips = _flip_table(self.flips) if self.flips else ""
        first = f"<p><strong>{escaped(head.rstrip(':'))}</strong></p>"
        return f'<div style="max-width:60rem">{first}{lines}{flips}</div>'

    def _sentence(self) -> str:
        changed = len(self.flips)
        verb = "is" if changed == 1 else "are"
        return f"{changed:,} of {self.after.tickets:,} tickets {verb} decided otherwise"

    def _money(self) -> str:
        word = "saves" if self.saves >= 0 else "costs"
        line = (
            f"Money: {amount(self.before.money)} before, {amount(self.after.money)} after; "
            f"that {word} {amount(abs(self.saves))}."
        )
        if self.before.costs == self.after.costs:
            return line
        flips = self.saved_by_flips
        return (
            f"{line} At the new costs throughout, the flips alone "
            f"{'save' if flips >= 0 else 'cost'} {amount(abs(flips))}."
        )

    def _counts(self) -> dict[str, int]:
        return {
            "flips": len(self.flips),
            "became_right": len(self.became_right),
            "became_wrong": len(self.became_wrong),
            "no_longer_right": len(self.no_longer_right),
            "no_longer_wrong": len(self.no_longer_wrong),
        }


def compare(
    before: Sequence[Judged], after: Sequence[Judged], costs_before: Costs, costs_after: Costs
) -> Change:
    """What changes for the same labelled tickets; other tickets than before are an error."""
    old, new = in_time_order(before), in_time_order(after)
    if [one.label for one in old] != [one.label for one in new]:
        raise ConfigError(
            f"{len(old)} tickets before and {len(new)} after are not the same ones; "
            "decide the same file twice"
        )
    pairs = zip(old, new, strict=True)
    flips = tuple(Flip(a, b) for a, b in pairs if _decided(a) != _decided(b))
    return Change(Backtest(old, costs_before), Backtest(new, costs_after), flips)


def _decided(judged: Judged) -> tuple[str, ...]:
    """What a customer or a specialist would notice: the article only where it is quoted."""
    quoted = judged.article_id if judged.resolved else None
    return judged.verdict.outcome, judged.verdict.reason, quoted or ""


def _rightly(judged: Judged) -> bool:
    return judged.resolved and judged.right


def _side(judged: Judged) -> dict[str, Any]:
    return {
        "outcome": str(judged.verdict.outcome),
        "reason": str(judged.verdict.reason),
        "article_id": judged.article_id,
        "probability": judged.probability,
        "threshold": judged.verdict.threshold,
        "right": judged.right,
    }


def _flip_table(flips: Sequence[Flip]) -> str:
    rows = [
        [
            escaped(flip.after.label.id),
            f"<bdi>{escaped(_short(flip.after.label.text))}</bdi>",
            escaped(_said(flip.before)),
            escaped(_said(flip.after)),
            _better_or_worse(flip),
        ]
        for flip in flips
    ]
    return table("Decided otherwise", ["id", "ticket", "before", "after", ""], rows, left=5)


def _said(judged: Judged) -> str:
    return f"{judged.verdict.outcome} ({judged.verdict.reason})"


def _better_or_worse(flip: Flip) -> str:
    if flip.became_wrong:
        return "now wrong"
    if flip.became_right:
        return "now right"
    if flip.no_longer_wrong:
        return "no longer wrong"
    return "no longer answered" if flip.no_longer_right else ""


def _short(text: str, most: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
