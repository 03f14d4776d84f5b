"""A backtest as one page for a support lead, and as a card in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kbsupport.evaluation import wording
from kbsupport.evaluation.backtest import RISKS, Backtest
from kbsupport.evaluation.groups import MONTH, WEEK, Group
from kbsupport.evaluation.judged import Judged, money_by_a_person
from kbsupport.evaluation.markup import escaped
from kbsupport.evaluation.page import bar, figure, page, table
from kbsupport.evaluation.plots import cost_plot, reliability_plot, risk_plot, time_plot
from kbsupport.evaluation.wording import amount, between, percent
from kbsupport.model import Outcome

_WEEKS_SHOWN = 26
_TABLES = (
    ("tier", "By tier"),
    ("topic", "By topic"),
    ("kind", "By kind"),
    ("language", "By language"),
    (MONTH, "By month"),
)


def write_report(backtest: Backtest, title: str) -> str:
    """The page: what would have happened, what other thresholds would give, and what went wrong."""
    parts = (
        _top(backtest, title),
        _outcomes(backtest),
        _plots(backtest),
        _tables(backtest),
        _wrong_ones(backtest),
        _numbers(backtest),
    )
    return page(title, "\n".join(parts))


def backtest_card(backtest: Backtest) -> str:
    """The summary that a notebook shows."""
    tiers = _group_table(backtest.by("tier"), "By tier")
    return (
        f'<div style="max-width:44rem"><p><strong>{escaped(wording.headline(backtest))}</strong>'
        f"</p><p>{escaped(wording.rest(backtest))}</p><p>"
        f"{escaped(wording.money_sentence(backtest))}</p>{tiers}{risk_plot(backtest)}</div>"
    )


def _top(backtest: Backtest, title: str) -> str:
    period = backtest.period
    when = f"{_day(period[0])} to {_day(period[1])}, " if period else ""
    return (
        f'<header><h1>{escaped(title)}</h1><p class="muted">{when}{backtest.tickets:,} labelled '
        f'tickets</p><p class="headline">{escaped(wording.headline(backtest))}</p>'
        f'<p class="lead">{escaped(wording.rest(backtest))} '
        f"{escaped(wording.money_sentence(backtest))}</p></header>\n{_tiles(backtest)}"
    )


def _tiles(backtest: Backtest) -> str:
    resolved, wrong = backtest.auto_resolve_rate, backtest.wrong_rate
    rightly, curve = backtest.rightly_resolved, backtest.cost_curve()
    by_persons = money_by_a_person(backtest.costs)
    tiles = (
        (percent(resolved.share), f"answered at once: {resolved.count:,} of {resolved.of:,}"),
        (percent(wrong.share), f"of these were wrong: {wrong.count:,} (95 %: {between(wrong)})"),
        (percent(rightly.share), f"of the {rightly.of:,} answerable tickets answered rightly"),
        (amount(curve.present), f"per ticket; {amount(by_persons)} if a person answered it"),
    )
    rows = "".join(f"<li><b>{escaped(n)}</b><span>{escaped(text)}</span></li>" for n, text in tiles)
    return f'<ul class="tiles">{rows}</ul>'


def _outcomes(backtest: Backtest) -> str:
    counts = backtest.counts
    wrong = backtest.wrong_rate.count
    parts = [
        (colour, count, name)
        for colour, count, name in (
            ("good", counts[Outcome.RESOLVE] - wrong, "answered, right"),
            ("bad", wrong, "answered, wrong"),
            ("asked", counts[Outcome.CLARIFY], "asked back"),
            ("calm", counts[Outcome.REPLY], "greeting or thanks"),
            ("plain", counts[Outcome.ESCALATE], "to a person"),
        )
        if count
    ]
    strip = "".join(f'<i class="{colour}" style="flex:{count}"></i>' for colour, count, _ in parts)
    key = "".join(
        f'<li><i class="{colour}" aria-hidden="true"></i>{name}: {count:,} '
        f"({escaped(percent(count / backtest.tickets))})</li>"
        for colour, count, name in parts
    )
    reasons = [
        [
            f"<code>{escaped(one.reason)}</code>",
            escaped(one.outcome),
            f"{one.n:,}",
            f"{one.right:,}",
            escaped(percent(one.right / one.n)),
        ]
        for one in backtest.reasons()
    ]
    head = ["reason", "outcome", "tickets", "best article was right", "share"]
    return (
        "<section><h2>What became of the tickets</h2>"
        f'<div class="strip" aria-hidden="true">{strip}</div><ul class="key">{key}</ul>\n'
        + table("Why", head, reasons, left=2)
        + "</section>"
    )


def _plots(backtest: Backtest) -> str:
    figures = [
        figure(
            risk_plot(backtest),
            "Answering more means erring more. Each point of the line is one threshold for all "
            "tickets; the shade is where chance leaves the true share (95 %, point by point). "
            "The dot is what was decided, by tier and with all rules.",
        ),
        figure(
            cost_plot(backtest),
            f"What a ticket costs at each threshold, if a wrong answer costs "
            f"{amount(backtest.costs.wrong)}, a person's answer {amount(backtest.costs.person)} "
            f"and the wait for it {amount(backtest.costs.waiting)}. Dashed: as decided. "
            "Dotted: the thresholds of the tiers. Dot: the cheapest.",
        ),
        figure(
            reliability_plot(backtest),
            "Is 0.9 right nine times in ten? On the dashed line it is. Each dot is a tenth of the "
            "tickets, its bar the exact 95 % interval.",
        ),
    ]
    weeks = [one for one in backtest.by(WEEK) if one.name is not None]
    groups = weeks if len(weeks) <= _WEEKS_SHOWN else backtest.by(MONTH)
    named = [one for one in groups if one.name is not None]
    if len(named) > 1:
        caption = (
            "Tickets answered at once, by the week or month in which they came. On top, in the "
            "other colour: the wrong answers."
        )
        figures.append(figure(time_plot(named), caption))
    return (
        '<section><h2>What other thresholds would give</h2><div class="plots">'
        + "\n".join(figures)
        + "</div></section>"
    )


def _tables(backtest: Backtest) -> str:
    groups = ((caption, backtest.by(key)) for key, caption in _TABLES)
    said = [_group_table(inside, caption) for caption, inside in groups if _says_something(inside)]
    return (
        "<section><h2>Where it works, and where it does not</h2>" + "\n".join(said) + "</section>"
    )


def _says_something(groups: tuple[Group, ...]) -> bool:
    return len(groups) > 1 or groups[0].name is not None


def _group_table(groups: tuple[Group, ...], caption: str) -> str:
    head = ["", "tickets", "answerable", "answered at once", "wrong", "of answers", "95 % interval"]
    return table(caption, head, [_group_row(one) for one in groups])


def _group_row(one: Group) -> list[str]:
    wrong = one.wrong.count / one.n
    right = (one.auto_resolve.count - one.wrong.count) / one.n
    return [
        f"<bdi>{escaped(wording.name_of(one))}</bdi>",
        f"{one.n:,}",
        f"{one.answerable:,}",
        bar([("good", right), ("bad", wrong)], percent(one.auto_resolve.share)),
        f"{one.wrong.count:,}",
        escaped(percent(one.wrong.share)),
        escaped(between(one.wrong)),
    ]


def _wrong_ones(backtest: Backtest) -> str:
    wrong = backtest.wrong_ones
    cards = "\n".join(map(_wrong_card, wrong)) or "<p>None of the answers was wrong.</p>"
    return f"<section><h2>Every wrong answer ({len(wrong):,})</h2>{cards}</section>"


def _wrong_card(one: Judged) -> str:
    verdict = one.verdict
    rows = [
        ("answered with", _article(one.article_id)),
        ("right would be", ", ".join(map(_article, one.label.accept_ids)) or "a person"),
        ("because", f"<code>{escaped(verdict.reason)}</code>: {escaped(verdict.rule)}"),
        ("probability", escaped(_against(one.probability, verdict.threshold))),
        ("tier", f"<bdi>{escaped(one.tier)}</bdi>"),
    ]
    if one.decision_id:
        rows.append(("decision", f"<code>{escaped(one.decision_id)}</code>"))
    facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    day = f" · {_day(one.label.created_at)}" if one.label.created_at else ""
    measured = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in _measured(one)
    )
    return (
        f'<article class="card"><h3>{escaped(one.label.id)}<span class="muted">{day}</span></h3>'
        f'<blockquote dir="auto">{escaped(one.label.text)}</blockquote><dl>{facts}</dl>'
        f"<details><summary>All evidence</summary><dl>{measured}</dl></details></article>"
    )


def _measured(one: Judged) -> Iterator[tuple[str, str]]:
    """Evidence in full, and of the signals those that say something."""
    for name, value in one.evidence.to_dict().items():
        yield name, _plain(value)
    for name, value in one.signals.to_dict().items():
        if value:
            yield name, _plain(value)


def _numbers(backtest: Backtest) -> str:
    auroc = backtest.auroc
    figures = [
        ["first article right", percent(backtest.top1), "of the answerable tickets"],
        ["right one among five", percent(backtest.recall_at_5), "of the answerable tickets"],
        [
            "AUROC",
            "–" if auroc is None else f"{auroc:.3f}",
            "chance that a right article has the higher probability than a wrong one",
        ],
        [
            "calibration error",
            f"{backtest.calibration_error:.3f}",
            "how far off the probability is on average, over ten bins of equal count",
        ],
        ["Brier score", f"{backtest.brier:.3f}", "mean squared error of the probability"],
    ]
    figures += [
        [
            f"coverage at {risk:.0%} risk",
            percent(backtest.coverage_at(risk)),
            "of the answerable, if one threshold chosen on these tickets may be wrong so often",
        ]
        for risk in RISKS
    ]
    head = ["figure", "value", "meaning"]
    rows = [[escaped(name), escaped(n), escaped(meaning)] for name, n, meaning in figures]
    return (
        "<section><h2>The numbers behind</h2>"
        + table("How well articles are ranked and probabilities kept", head, rows, left=3)
        + "</section><footer><p>An answer counts as wrong if the article quoted is none of those "
        "that the label accepts, or if the label says that a person should answer. Intervals are "
        "exact (Clopper–Pearson, two-sided, 95 %), so the upper end alone is safe at 97.5 %. "
        "They speak of tickets like these; what customers ask next year may differ.</p></footer>"
    )


def _article(article_id: str | None) -> str:
    return f"<code><bdi>{escaped(article_id)}</bdi></code>"


def _against(probability: float, threshold: float | None) -> str:
    needed = "" if threshold is None else f", {threshold:.3f} was needed"
    return f"{probability:.3f}{needed}"


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _day(moment: datetime) -> str:
    # Not "%B": the name of a month depends on where the report is made.
    return f"{moment:%Y-%m-%d}"
