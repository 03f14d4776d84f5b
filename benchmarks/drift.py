"""Is a change of the tickets noticed, and is nothing noticed where there is none? On banking77.

usage: drift.py [--shuffles N] [--runs N]

A home learns and is certified without some topics: neither their articles nor their labels are
there. Then tickets about them arrive, alone or among others. The weights of the wagers and what is
watched were chosen on banking77_val.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import write_result
from benchmarks.figures import figure, show
from benchmarks.trials import articles_of, calibrated, labels_of
from kbsupport.app import App, open_app
from kbsupport.model import Label, Question
from kbsupport.watch.drift import drift
from kbsupport.watch.reference import Observed, Reference, observed, reference_of

NAME, ALPHA, WITHIN = "banking77", 0.05, 200
TOPICS = {
    "top-up": "automatic_top_up pending_top_up top_up_failed top_up_reverted verify_top_up",
    "cash": "cash_withdrawal_charge cash_withdrawal_not_recognised declined_cash_withdrawal"
    " pending_cash_withdrawal wrong_amount_of_cash_received"
    " wrong_exchange_rate_for_cash_withdrawal",
    "card payment": "card_payment_fee_charged card_payment_not_recognised declined_card_payment"
    " card_payment_wrong_exchange_rate pending_card_payment reverted_card_payment?"
    " direct_debit_payment_not_recognised transaction_charged_twice",
    "card arrival": "card_arrival",
    "change of PIN": "change_pin",
}
OTHERS = 900
SHARES, GOOD_BEFORE = (1.0, 0.3), (0, 400)
LEAST_FOUND, MOST_FALSE = 0.9, 0.05
# Fewer tickets than this say nothing about 200 of them.
ENOUGH = 180


@dataclass(frozen=True)
class Traffic:
    """What a home saw of the tickets that prove, of others like them, and of the new topic."""

    proving: list[Observed]
    others: list[Observed]
    arriving: list[Observed]
    known: dict[str, list[str]]

    @property
    def reference(self) -> Reference:
        """What would be kept with the certificate."""
        return Reference.from_dict(reference_of(self.proving, self.known))


def seen(app: App, labels: Sequence[Label]) -> list[Observed]:
    """Each label as a question that is asked; nothing is stored."""
    tier, found = app.mind.rules.default_tier, []
    for label in labels:
        thought = app.mind.think(Question(label.text, tier=tier), tier, (), asked_back=False)
        case = thought.case
        assert case is not None
        found.append(
            observed(
                label.id, thought.evidence, thought.signals, probability=case.probability,
                tier=tier, article=case.order[0] if case.order else None, topic=case.topic,
            )
        )  # fmt: skip
    return found


def traffic(withheld: str | None, count: int | None) -> Traffic:
    """Index and calibrate without a topic, then look at every ticket."""
    topic_of = {name: topic for topic, names in TOPICS.items() for name in names.split()}
    hidden = {name for name, topic in topic_of.items() if topic == withheld}
    rows = [json.loads(line) for line in articles_of(NAME).read_text("utf-8").splitlines()]
    kept = [
        row | {"topic": topic_of.get(row["id"], "other")} for row in rows if row["id"] not in hidden
    ]
    taught, test = labels_of(NAME, "calibration"), labels_of(NAME, "test")
    others = [label for label in test if not hidden & set(label.accept_ids)]
    random.Random(7).shuffle(others)
    with tempfile.TemporaryDirectory() as folder:
        articles = Path(folder) / "articles.jsonl"
        articles.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        with open_app(Path(folder) / "home") as app:
            app.index([articles])
            made = calibrated(
                app, [one for one in taught if not hidden & set(one.accept_ids)], learn=True
            )
            arriving = [one for one in (*taught, *test) if hidden & set(one.accept_ids)]
            known = {
                name: sorted({row[key] for row in kept})
                for name, key in (("article", "id"), ("topic", "topic"))
            }
            return Traffic(
                seen(app, made.parts.prove), seen(app, others[:count]), seen(app, arriving), known
            )


def mixed(found: Traffic, share: float, good: int, seed: int) -> list[Observed]:
    """Good tickets, then those of the new topic as this share of all, as long as there are any."""
    draw = random.Random(seed)
    others = draw.sample(found.others, len(found.others))
    new = draw.sample(found.arriving, min(WITHIN, len(found.arriving)))
    among = others[good:][: round(len(new) / share) - len(new)]
    return [*others[:good], *draw.sample([*new, *among], len(new) + len(among))]


def first_alarm(reference: Reference, rows: Sequence[Observed]) -> int | None:
    """After how many tickets the alarm is first raised."""
    # It never goes away again, so it can be found by halving.
    if not drift(reference, rows, ALPHA).alarm:
        return None
    low, high = 0, len(rows)
    while high - low > 1:
        middle = (low + high) // 2
        if drift(reference, rows[:middle], ALPHA).alarm:
            high = middle
        else:
            low = middle
    return high


def arrival(topic: str, found: Traffic, share: float, good: int, runs: int) -> dict[str, Any]:
    """How often, and how soon, the alarm comes after a topic has."""
    reference, delays, false = found.reference, [], 0
    for seed in range(runs):
        at = first_alarm(reference, mixed(found, share, good, seed))
        if at is not None and at > good:
            delays.append(at - good)
        false += at is not None and at <= good
    return {
        "topic": topic,
        "share of traffic": f"{share:.0%}",
        "tickets of it": min(len(found.arriving), WITHIN),
        "good before": good,
        "runs": runs,
        "found within 200": sum(delay <= WITHIN for delay in delays) / runs,
        "found within 200 of it": len(delays) / runs,
        "tickets, median": statistics.median(delays) if delays else None,
        "tickets, most": max(delays, default=None),
        "alarm before it came": false,
    }


def false_alarms(found: Traffic, shuffles: int) -> dict[str, Any]:
    """How often an alarm comes though tickets were only shuffled."""
    pool, count, false = [*found.proving, *found.others], len(found.proving), 0
    for seed in range(shuffles):
        rows = random.Random(seed).sample(pool, len(pool))
        reference = Reference.from_dict(reference_of(rows[:count], found.known))
        false += drift(reference, rows[count:], ALPHA).alarm
    return {"false": false / shuffles, "tickets": len(pool) - count, "reference": count}


def figures_of(
    rows: Sequence[dict[str, Any]], plain: dict[str, Any], shuffles: int
) -> dict[str, Any]:
    """Each bar beside what was reached."""
    figures = {
        "false": figure(
            f"shuffled, {plain['reference']} tickets against {plain['tickets']}, looked at after each: share of {shuffles} shuffles with an alarm",
            plain["false"],
            "",
            at_most=MOST_FALSE,
        )
    }
    for share in SHARES:
        for good in GOOD_BEFORE:
            told = [
                row
                for row in rows
                if row["share of traffic"] == f"{share:.0%}"
                and row["good before"] == good
                and row["tickets of it"] >= ENOUGH
            ]
            runs = sum(row["runs"] for row in told)
            said = f"a topic comes as {share:.0%} of tickets, after {good} good ones: share of {runs} runs with the alarm within {WITHIN} tickets"
            for words, key in (("", "found within 200"), (" of it", "found within 200 of it")):
                value = sum(row[key] * row["runs"] for row in told) / max(1, runs)
                figures[f"{share} {good}{words}"] = figure(
                    said + words, value, "", at_least=LEAST_FOUND
                )
                if share == 1:
                    break
    return figures


def costs(found: Traffic) -> dict[str, Any]:
    """How long a look takes and how large the reference is."""
    begin = time.perf_counter()
    drift(found.reference, found.others[:500], ALPHA)
    spent = (time.perf_counter() - begin) * 1000
    size = len(json.dumps(reference_of(found.proving, found.known)))
    return {
        "look": figure("500 recent tickets compared with the reference", spent, "ms"),
        "size": figure(f"reference of {len(found.proving)} tickets", size / 1000, "kB"),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shuffles", type=int, default=200)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--topics", nargs="*", default=[*TOPICS])
    flags = parser.parse_args()
    whole = traffic(None, None)
    plain = false_alarms(whole, flags.shuffles)
    print(plain, flush=True)
    rows = []
    for topic in flags.topics:
        found = traffic(topic, OTHERS)
        for share in SHARES:
            for good in GOOD_BEFORE:
                rows.append(arrival(topic, found, share, good, flags.runs))
                print(rows[-1], flush=True)
    figures = figures_of(rows, plain, flags.shuffles) | costs(whole)
    show(figures)
    notes = [
        "Neither articles nor labels nor seen questions of the topic are in the home; its tickets of both parts arrive, 200 or as many as there are. Of a single intent there are about 40: it is in the table alone.",
        "An alarm that came before the topic did counts as none.",
        "Half of all tickets of the set are ones that nobody can answer from an article, before the change as after it: a new topic stands out against those.",
        "A false-alarm rate of 5 % holds for the whole life of a reference, however often one looks.",
    ]
    command = f"python benchmarks/drift.py --shuffles {flags.shuffles} --runs {flags.runs}"
    if set(flags.topics) == {*TOPICS}:
        print(write_result("drift", figures, command, notes, rows))


if __name__ == "__main__":
    main()
