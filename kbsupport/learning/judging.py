"""Decide labelled tickets without keeping anything: as they are, or under another policy or risk.

Past tickets are hidden from the memory while they are asked, yet the judge has learnt from them:
`Familiar` counts those, because figures on them flatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, NotProven
from kbsupport.evaluation.backtest import Backtest
from kbsupport.evaluation.judged import Judged
from kbsupport.evaluation.whatif import Change, compare
from kbsupport.learning.deciding import decide_all
from kbsupport.learning.results import bound_lines
from kbsupport.model import Label, text_hash
from kbsupport.store import labels as kept
from kbsupport.triage.policy import MOST_MONEY, read_with_text

if TYPE_CHECKING:
    from kbsupport.knowledge.indexing import Progress
    from kbsupport.learning.learner import Learner
    from kbsupport.learning.seeing import Observer, Seen
    from kbsupport.standing import Standing
    from kbsupport.triage.certificate import TierBound
    from kbsupport.triage.policy import Costs


@dataclass(frozen=True, slots=True)
class Familiar:
    """How many of some labels the system knows already, and how many it can never get right."""

    learnt: int
    proved: int
    same_file: bool
    unknown_articles: int

    def to_dict(self) -> dict[str, int | bool]:
        """`familiar` of `backtest --json` and `whatif --json`."""
        return {
            "learnt": self.learnt,
            "proved": self.proved,
            "same_file": self.same_file,
            "unknown_articles": self.unknown_articles,
        }

    def notes(self) -> list[str]:
        """What to say beside figures on these labels."""
        said = []
        if self.learnt or self.proved:
            said.append(
                f"{self.learnt} of these labels were learnt from and {self.proved} chose the "
                "thresholds: figures on them flatter; use labels that the system has never seen"
            )
        elif self.same_file:
            said.append(
                "the certificate in force was made from a file of this name: figures on the same "
                "labels flatter; use labels that the system has never seen"
            )
        if self.unknown_articles:
            said.append(
                f"{self.unknown_articles} labels accept only articles that the knowledge base does "
                "not hold: they count as answerable and are never right"
            )
        return said


@dataclass(frozen=True, slots=True)
class Trial:
    """What would change, what it would rest on, and which thresholds were proven for it."""

    change: Change
    familiar: Familiar
    bounds: Mapping[str, TierBound]
    uncertified: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """`whatif --json`: the change, `tiers` as in a certificate, `familiar`, `notes`."""
        return self.change.to_dict() | {
            "tiers": {name: bound.to_dict() for name, bound in self.bounds.items()},
            "familiar": self.familiar.to_dict(),
            "notes": self.notes(),
        }

    def lines(self) -> list[str]:
        """What `whatif` says on a terminal."""
        proven = bound_lines(self.bounds)
        return [*self.change.summary_lines(), *proven]

    def notes(self) -> list[str]:
        """What to say beside that."""
        return [*([self.uncertified] if self.uncertified else []), *self.familiar.notes()]


class Judging:
    """Says what would be decided for labelled tickets."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._mind = observer, observer.mind

    def judge(
        self,
        labels: Sequence[Label],
        standing: Standing | None = None,
        progress: Progress = lambda *_: None,
    ) -> list[Judged]:
        """Each label as a question asked now, decided by what stands, or would stand."""
        return self.decide(self._observer.see(labels, progress, "deciding"), standing)

    def decide(self, seen: Sequence[Seen], standing: Standing | None = None) -> list[Judged]:
        """The same for labels that were looked at before."""
        standing = standing or self._mind.shelf.standing()
        any_history = self._mind.library.memory().any_history
        ranking = standing.judge_for(any_history=any_history).ranking
        ordered = [self._observer.ordered(one, ranking, standing) for one in seen]
        return decide_all(self._observer, ordered, standing)

    def backtest(self, labels: Sequence[Label], progress: Progress = lambda *_: None) -> Backtest:
        """Every figure about what would be decided now."""
        _some(labels)
        costs = self._mind.shelf.standing().policy.costs
        return Backtest(self.judge(labels, None, progress), costs)

    def familiar(self, labels: Sequence[Label], source: str | None = None) -> Familiar:
        """How much the system knows of these labels."""
        with self._observer.database.read() as connection:
            roles = kept.roles(connection)
        known = [roles.get(text_hash(label.text)) for label in labels]
        articles = frozenset(a.id for a in self._mind.library.articles() if a.published)
        certificate = self._mind.shelf.standing().certificate
        made_from = None if certificate is None else certificate.labels["source"]
        return Familiar(
            learnt=known.count(kept.HISTORY),
            proved=known.count(kept.THRESHOLD),
            same_file=source is not None and made_from == source,
            unknown_articles=sum(
                label.answerable and articles.isdisjoint(label.accept_ids) for label in labels
            ),
        )

    def whatif(
        self,
        labels: Sequence[Label],
        learner: Learner,
        *,
        policy: Path | str | None,
        risk: float | None,
        costs: Mapping[str, float],
        source: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> Trial:
        """The same labels decided now and under another policy, risk or costs."""
        _some(labels)
        standing = self._mind.shelf.standing()
        trial = standing
        if policy is not None:
            read, text = read_with_text(Path(policy))
            trial = replace(standing, policy=read, policy_text=text)
        money = changed_costs(trial.policy.costs, costs)
        bounds: Mapping[str, TierBound] = {}
        uncertified: str | None = None
        if risk is not None or trial.policy.hash != standing.policy.hash:
            trial, bounds, uncertified = self._on_trial(learner, trial, risk, progress)
        seen = self._observer.see(labels, progress, "deciding")
        before = self.decide(seen)
        after = before if trial is standing else self.decide(seen, trial)
        change = compare(before, after, standing.policy.costs, money)
        return Trial(change, self.familiar(labels, source), bounds, uncertified)

    def _on_trial(
        self, learner: Learner, trial: Standing, risk: float | None, progress: Progress
    ) -> tuple[Standing, Mapping[str, TierBound], str | None]:
        with self._observer.database.read() as connection:
            provable = kept.count(connection, kept.THRESHOLD) > 0
        if not provable and risk is None and self._mind.certificate()[0] is None:
            said = "no certificate is in force and no labels are kept: both sides are uncertified"
            return trial, {}, said
        trial, bounds = learner.prove_again(trial, risk, progress)
        if trial.certificate is not None:
            return trial, bounds, None
        if risk is not None:
            missing = min((b.missing for b in bounds.values() if b.missing), default=None)
            more = "more" if missing is None else f"about {missing} more"
            raise NotProven(
                f"the labels kept do not prove a risk of {risk:g}; {more} labelled tickets are "
                "needed (kbsupport calibrate FILE --learn), or a higher --risk"
            )
        said = "the labels kept prove nothing under this policy: it would decide uncertified"
        return trial, bounds, said


def changed_costs(costs: Costs, given: Mapping[str, float]) -> Costs:
    """These costs with some of them replaced."""
    names = ("wrong", "person", "waiting")
    for name, value in given.items():
        if name not in names:
            raise ConfigError(f"--cost {name}: there are {', '.join(names)}, like wrong=30")
        if not 0 <= value <= MOST_MONEY:
            raise ConfigError(f"--cost {name} is {value:g}; it must be an amount of 0 or more")
    return replace(costs, **given)


def _some(labels: Sequence[Label]) -> None:
    if not labels:
        raise ConfigError("there is no labelled ticket to look at; give a file with some")
