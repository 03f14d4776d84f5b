"""Fit the judges that ship, from calibration.jsonl files of public data alone.

usage: fit_prior.py [--families FOLDER]

Each set is indexed by itself and its calibration labels are put to it as questions: once as they
are (the judge `fresh`), and once with all of them as history, each hidden from itself (`learnt`).
No test.jsonl is ever opened here. `--families` also writes one file for each family of sets that
is left out, so that benchmarks can try a prior judge on sets it has never seen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bases import shared_data
from benchmarks.common import ROOT
from kbsupport.app import open_app
from kbsupport.evaluation.labels import read_labels
from kbsupport.evaluation.parts import sort_out
from kbsupport.learning.seeing import Seen
from kbsupport.model import Channels
from kbsupport.triage.evidence import weigh
from kbsupport.triage.fitting import Example, Ranked, fit_prior, fit_ranking, ranked, spoken
from kbsupport.triage.judge import FEATURES, Judge

FAMILIES = {
    "banking77": ("banking77", "banking77_val"),
    "clinc": ("clinc_banking", "clinc_credit_cards"),
    "kb": ("kb_logingov", "kb_mycrypto"),
}
# What a message itself says differs from company to company: it weighs nothing until labels say so.
OF_THE_MESSAGE = {
    "several_questions", "complaint", "frustration", "bug_report", "feature_request",
    "complexity", "own_case",
}  # fmt: skip
ONLY = tuple(name for name in FEATURES if name not in OF_THE_MESSAGE)
PULL = 3.0
MOST_OF_ONE_SET = 300
# Resolve by a prior judge alone only where it erred in one of twenty on families it had not seen.
RISK = 0.05
SHIPPED = ROOT / "kbsupport" / "triage" / "prior.json"
SOURCES = [
    "BANKING77, PolyAI, CC BY 4.0, with out-of-scope questions looked up in the original",
    "CLINC150, CC BY 3.0",
    "Help articles of login.gov, public domain (CC0 1.0)",
    "Help articles of MyCrypto, MIT",
]


class Prepared:
    """One set as the judge meets it: what was found for each label, with and without history."""

    def __init__(self, name: str, learn: bool, home: Path) -> None:
        home.mkdir(parents=True)
        start = home / "start.json"
        start.write_text(json.dumps({"fresh": BLANK.to_dict(), "learnt": BLANK.to_dict()}))
        folder = shared_data() / "bench" / name
        labels = read_labels(folder / "calibration.jsonl")
        app = open_app(home, settings={"triage": {"prior": str(start)}})
        app.index([articles_of(name)])
        known = frozenset(article.id for article in app.articles())
        kept = sort_out(labels, known).labels
        if learn:
            app.observer.keep(kept, "history", "calibration.jsonl", lambda *_: None)
        self.seen = app.observer.see(kept, lambda *_: None, "looking")
        self.observer = app.observer
        self.weight = min(1.0, MOST_OF_ONE_SET / len(kept))

    def ranked(self) -> list[Ranked]:
        """What a ranking learns from."""
        rows = [ranked(one.found, one.label.accepts, self.weight) for one in self.seen]
        return [row for row in rows if row is not None]

    def examples(self, ranking: Channels) -> list[Example]:
        """What a judge learns from."""
        return [example_of(self.observer.ordered(one, ranking), self.weight) for one in self.seen]


def articles_of(name: str) -> Path:
    """The articles of a set, in one file or as a folder."""
    folder = shared_data() / "bench" / name
    lines = folder / "articles.jsonl"
    return lines if lines.exists() else folder / "articles"


def example_of(one: Seen, weight: float = 1.0) -> Example:
    """One label as the judge meets it."""
    best = one.found.matches[0].article_id if one.found.matches else None
    return Example(weigh(one.found, {}), one.signals, best, one.label.accepts(best), weight)


BLANK = Judge("blank", Channels(*([1.0] * 10)), {}, 0.0, 1.0)


def fitted(sets: Sequence[Prepared], name: str) -> Judge:
    """One judge of these sets together."""
    flat = Channels(*([3.0] * 10))
    ranking = fit_ranking([row for one in sets for row in one.ranked()], flat, 1.0)
    examples = [example for one in sets for example in one.examples(ranking)]
    return fit_prior(examples, ranking, only=ONLY, pull=PULL, name=name)


def careful_threshold(families: dict[str, list[Prepared]], name: str) -> float:
    """Where a judge that never saw a family errs at most so often on it, for every family."""
    needed = 0.5
    for left_out, sets in families.items():
        others = [one for family, held in families.items() if family != left_out for one in held]
        if not others:
            continue
        judge = fitted(others, name)
        for one in sets:
            given = sorted(
                ((spoken(judge, e), e.right) for e in one.examples(judge.ranking)), reverse=True
            )
            needed = max(needed, lowest_safe(given))
    return round(min(needed, 0.999), 4)


def lowest_safe(given: Sequence[tuple[float, bool]]) -> float:
    """The lowest threshold above which no more than RISK are wrong, however far one goes up."""
    wrong, safe = 0, given[0][0] if given else 1.0
    for number, (score, right) in enumerate(given, 1):
        wrong += not right
        if wrong > max(1.0, RISK * number):
            return safe
        safe = score
    return safe


Families = dict[str, list[Prepared]]


def prepare(folder: Path) -> dict[str, Families]:
    """Every set of every family, once without history and once with it."""
    return {
        name: {
            family: [Prepared(one, learn, folder / name / one) for one in sets]
            for family, sets in FAMILIES.items()
        }
        for name, learn in (("fresh", False), ("learnt", True))
    }


def priors(prepared: dict[str, Families], without: str | None = None) -> dict[str, Any]:
    """Both judges, as the file holds them."""
    made: dict[str, Any] = {}
    for name, every in prepared.items():
        families = {family: sets for family, sets in every.items() if family != without}
        judge = fitted([one for held in families.values() for one in held], f"prior-{name}")
        row = judge.to_dict() | {"threshold": careful_threshold(families, judge.name)}
        row["about"] = {
            "sets": [f"{s}/calibration.jsonl" for f in families for s in FAMILIES[f]],
            "sources": SOURCES,
            "made_by": "benchmarks/fit_prior.py",
        }
        made[name] = row
    return made


def write(path: Path, made: dict[str, Any]) -> None:
    """Write a file of prior judges."""
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Write the file that ships; or, into a folder, one for each family left out as well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder))
        for family in FAMILIES if given.families else ():
            write(given.families / f"prior_{family}.json", priors(prepared, family))
        write(SHIPPED, priors(prepared))


if __name__ == "__main__":
    main()
