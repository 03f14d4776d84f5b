"""A backtest in plain words and narrow tables, for the terminal and above every report; pure."""

from __future__ import annotations

from collections.abc import Sequence

from kbsupport.evaluation.backtest import CONFIDENCE, RISKS, Backtest
from kbsupport.evaluation.groups import Group
from kbsupport.evaluation.judged import money_by_a_person
from kbsupport.evaluation.scores import Rate
from kbsupport.model import Outcome

_FEW, _NEARLY_ALL = 0.0995, 0.9895
NOT_GIVEN = "not given"


def percent(share: float | None) -> str:
    """A share as people read it: one decimal near none and near all, a dash for None."""
    if share is None:
        return "–"
    close = 0 < share < _FEW or _NEARLY_ALL < share < 1
    shown = f"{100 * share:.{1 if close else 0}f} %"
    # 3 wrong of 9,000 are not none, and 8,999 of 9,000 are not all.
    return {"0.0 %": "< 0.1 %", "100.0 %": "> 99.9 %"}.get(shown, shown) if close else shown


def between(rate: Rate) -> str:
    """The interval of a rate, as "low to high"; a dash where nothing was counted."""
    if not rate.of:
        return "–"
    return f"{percent(rate.low).removesuffix(' %')}–{percent(rate.high)}"


def amount(money: float) -> str:
    """Money with two decimals and thousands apart; its currency is whatever the costs are in."""
    return f"{money:,.2f}"


def headline(backtest: Backtest) -> str:
    """The one sentence to remember."""
    resolved, wrong = backtest.auto_resolve_rate, backtest.wrong_rate
    tickets = _counted(backtest.tickets, "ticket", "tickets")
    if not resolved.count:
        return f"Of {tickets} none would have been answered at once."
    at_once = f"Of {tickets} {percent(resolved.share)} would have been answered at once"
    sure = f"at most {percent(wrong.high)} with {percent(CONFIDENCE)} confidence"
    if not wrong.count:
        clean = "that answer was right" if wrong.of == 1 else f"all {wrong.of} answers were right"
        return f"{at_once}; {clean} (wrong {sure})."
    answers = _counted(wrong.of, "answer", "answers")
    were = "was" if wrong.count == 1 else "were"
    return (
        f"{at_once}; {wrong.count:,} of those {answers} {were} wrong "
        f"({percent(wrong.share)}, {sure})."
    )


def rest(backtest: Backtest) -> str:
    """What became of the other tickets, and of those that could have been answered."""
    shares = backtest.shares
    answerable = _counted(backtest.answerable, "ticket", "tickets")
    return (
        f"Rightly answered: {percent(backtest.rightly_resolved.share)} of the {answerable} "
        f"that an article answers. To a person: {percent(shares[Outcome.ESCALATE])}, "
        f"asked back: {percent(shares[Outcome.CLARIFY])}, "
        f"only a greeting or thanks: {percent(shares[Outcome.REPLY])}."
    )


def money_sentence(backtest: Backtest) -> str:
    """What a ticket costs as decided, beside a person answering them all."""
    curve = backtest.cost_curve()
    by_persons = money_by_a_person(backtest.costs)
    saved = by_persons - curve.present
    verb = "saves" if saved >= 0 else "loses"
    return (
        f"A ticket costs {amount(curve.present)}; {amount(by_persons)} if a person answered "
        f"every one. That {verb} {amount(abs(saved) * backtest.tickets)} on these tickets."
    )


def summary_lines(backtest: Backtest) -> list[str]:
    """The report for a terminal: headline, tiers, what other thresholds would give, money."""
    return [
        headline(backtest),
        rest(backtest),
        "",
        *_table(["tier", "tickets", "at once", "wrong", "95 % interval"], _tier_rows(backtest)),
        "",
        *_table(*_risk_rows(backtest)),
        "",
        _quality(backtest),
        money_sentence(backtest),
    ]


def name_of(group: Group) -> str:
    """What the group is called where people read."""
    return NOT_GIVEN if group.name is None else group.name


def _tier_rows(backtest: Backtest) -> list[list[str]]:
    return [
        [
            " ".join(name_of(one).split()),
            f"{one.n:,}",
            percent(one.auto_resolve.share),
            f"{one.wrong.count:,} of {one.wrong.of:,}",
            between(one.wrong),
        ]
        for one in backtest.by("tier")
    ]


def _risk_rows(backtest: Backtest) -> tuple[list[str], list[list[str]]]:
    head = ["if at most this share of answers may be wrong", *(f"{risk:.0%}" for risk in RISKS)]
    reached = [percent(backtest.coverage_at(risk)) for risk in RISKS]
    return head, [["one threshold rightly answers, of the answerable", *reached]]


def _quality(backtest: Backtest) -> str:
    auroc = "–" if backtest.auroc is None else f"{backtest.auroc:.3f}"
    return (
        f"First article right: {percent(backtest.top1)}, among the first five: "
        f"{percent(backtest.recall_at_5)}. AUROC {auroc}, calibration error "
        f"{backtest.calibration_error:.3f}, Brier {backtest.brier:.3f}."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they need, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
