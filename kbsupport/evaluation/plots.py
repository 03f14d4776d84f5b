"""The plots of a report as inline SVG, in colours that the page sets (the home of matplotlib)."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kbsupport.evaluation.curves import CostCurve, RiskPoint, thinned
from kbsupport.evaluation.markup import clean, escaped
from kbsupport.evaluation.wording import amount, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kbsupport.evaluation.backtest import Backtest
    from kbsupport.evaluation.groups import Group

# Colours that no plot would use, so that each can be replaced by one that the page may set.
INK, MUTED, GRID, GOOD, BAD, PAPER = (f"#01020{n}" for n in range(6))
_COLOURS = {
    INK: "var(--ink, currentColor)",
    MUTED: "var(--muted, #6b7280)",
    GRID: "var(--grid, #d8dce3)",
    GOOD: "var(--good, #2563a8)",
    BAD: "var(--bad, #c2410c)",
    PAPER: "var(--paper, #ffffff)",
}
_SIZE = (6.0, 3.7)
# The first few tickets of a ranking are all chance; they would set the scale of the plot.
_FEW = 20
_MARKERS_APART = 0.02
_LONGEST_NAME = 40
_LABELS = 9


def risk_plot(backtest: Backtest) -> str:
    """How many are wrong, against how many are answered at once; the present point marked."""
    figure, axes = _blank("share of all tickets answered at once", "wrong among those answered")
    points = thinned(backtest.risk_coverage())
    share = [point.share for point in points]
    axes.fill_between(
        share, [p.low for p in points], [p.high for p in points], color=GOOD, alpha=0.14, lw=0
    )
    axes.plot(share, [point.risk for point in points], color=GOOD, lw=2)
    top = max([0.05, *(p.risk for p in points if p.taken >= _FEW or p is points[-1])])
    now, wrong = backtest.auto_resolve_rate, backtest.wrong_rate
    if now.share and wrong.share is not None:
        top = max(top, wrong.share)
        _present(axes, now.share, wrong.share, f"as decided: {percent(wrong.share)} wrong")
    _frame(axes, (0, 1), (0, min(1.02, 1.25 * top)))
    label = "Wrong answers against tickets answered at once: " + _spoken(points)
    return _svg(figure, "risk", label)


def reliability_plot(backtest: Backtest) -> str:
    """What was promised against what was right; on the diagonal, promises are kept."""
    figure, axes = _blank("probability given", "share that was right")
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (4, 3)))
    bins = backtest.reliability()
    promised = [one.promised for one in bins]
    axes.vlines(
        promised, [b.right.low for b in bins], [b.right.high for b in bins], color=GOOD, lw=1.5
    )
    shares = [one.right.share or 0.0 for one in bins]
    axes.plot(promised, shares, color=GOOD, marker="o", ms=5.5, lw=1.2, mec=PAPER, mew=1)
    _frame(axes, (0, 1.02), (0, 1.04))
    said = "; ".join(f"{percent(b.promised)} given, {percent(b.right.share)} right" for b in bins)
    return _svg(figure, "reliability", f"Probability given against share right: {said}")


def cost_plot(backtest: Backtest) -> str:
    """Money per ticket against the threshold, with the present thresholds and the cheapest."""
    figure, axes = _blank("threshold: answer at once from this probability", "money per ticket")
    curve = backtest.cost_curve()
    points = thinned(curve.points)
    heights = [curve.nobody, *(point.money for point in points)]
    edges = [1.0, *(point.threshold for point in points), 0.0]
    axes.step(edges, [*heights, heights[-1]], color=GOOD, lw=2, where="post")
    axes.axhline(curve.present, color=INK, lw=1, ls=(0, (4, 3)))
    top = max(*heights, curve.present, 0.01)
    axes.text(0.01, curve.present, "as decided", color=INK, va="bottom", ha="left", fontsize=9)
    if best := curve.best:
        axes.plot([best.threshold], [best.money], "o", color=GOOD, ms=8, mec=PAPER, mew=1.5)
    _mark_thresholds(axes, curve, 1.22 * top)
    _frame(axes, (0, 1.01), (0, 1.22 * top), money=True)
    best_said = (
        f"cheapest at {best.threshold:.2f}: {amount(best.money)}" if best else "none is cheaper"
    )
    label = f"Money per ticket by threshold: as decided {amount(curve.present)}; {best_said}"
    return _svg(figure, "cost", label)


def time_plot(groups: Sequence[Group]) -> str:
    """How many tickets of each week or month were answered at once, the wrong ones on top."""
    figure, axes = _blank("", "share answered at once")
    places = range(len(groups))
    wrong = [one.wrong.count / one.n for one in groups]
    right = [(one.auto_resolve.count - one.wrong.count) / one.n for one in groups]
    axes.bar(places, right, color=GOOD, width=0.72)
    axes.bar(places, wrong, bottom=right, color=BAD, width=0.72)
    every = -(-len(groups) // _LABELS)
    shown = [place for place in places if place % every == 0]
    _frame(axes, (-0.6, len(groups) - 0.4), (0, 1))
    # The year of a week is said in the tables; here there is room for "W27".
    short = [str(groups[place].name).partition("-W") for place in shown]
    names = [
        f"{sign[1:]}{week or year}\nn = {groups[place].n}"
        for place, (year, sign, week) in zip(shown, short, strict=True)
    ]
    axes.set_xticks(shown, names, fontsize=8)
    axes.grid(visible=False, axis="x")
    said = "; ".join(f"{one.name} {percent(one.auto_resolve.share)}" for one in groups)
    return _svg(figure, "time", f"Share answered at once over time: {said}")


def _blank(x: str, y: str) -> tuple[Figure, Axes]:
    # A Figure of its own and not pyplot: pyplot keeps every figure, and looks for a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x, color=INK, fontsize=10)
    axes.set_ylabel(y, color=INK, fontsize=10)
    return figure, axes


def _frame(
    axes: Axes, x: tuple[float, float], y: tuple[float, float], *, money: bool = False
) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)
    axes.grid(visible=True, color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=9, length=0, pad=5)
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    if not money:
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def _present(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot([x], [y], "o", color=INK, ms=8, mec=PAPER, mew=1.5, zorder=5)
    right_half = x > 0.6  # noqa: PLR2004  (beyond it the words would leave the plot)
    axes.annotate(
        text,
        (x, y),
        xytext=(-10 if right_half else 10, 9),
        textcoords="offset points",
        ha="right" if right_half else "left",
        color=INK,
        fontsize=9.5,
        fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5, "alpha": 0.75},
        zorder=4,
    )


def _mark_thresholds(axes: Axes, curve: CostCurve, top: float) -> None:
    marks: dict[float, list[str]] = {}
    for tier, values in curve.thresholds.items():
        for value in values:
            near = next((m for m in marks if abs(m - value) < _MARKERS_APART), value)
            marks.setdefault(near, []).append(tier)
    for n, (value, tiers) in enumerate(sorted(marks.items())):
        axes.axvline(value, color=MUTED, lw=1, ls=(0, (1, 2)))
        axes.text(
            value - 0.008,
            top * (0.985 - 0.07 * (n % 3)),
            clean(", ".join(tiers))[:_LONGEST_NAME],
            color=MUTED,
            fontsize=8.5,
            ha="right",
            va="top",
            parse_math=False,
        )


def _spoken(points: Sequence[RiskPoint]) -> str:
    chosen = thinned(points, 5)
    return "; ".join(f"{percent(p.share)} answered, {percent(p.risk)} wrong" for p in chosen)


def _svg(figure: Figure, name: str, label: str) -> str:
    """The figure as a piece of HTML: no ids that clash, no date, the page's own colours."""
    import matplotlib as mpl

    drawn = io.StringIO()
    nothing: dict[str, Any] = {"Date": None, "Creator": None, "Format": None, "Type": None}
    # Text stays text, so that it can be read aloud, searched, and set in the page's typeface.
    stable: Any = {"svg.hashsalt": f"kbsupport-{name}", "svg.fonttype": "none"}
    with mpl.rc_context(stable), warnings.catch_warnings():
        # The page has other fonts than matplotlib, which warns of letters that its own lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(drawn, format="svg", metadata=nothing, transparent=True)
    svg = drawn.getvalue()
    box = re.search(r'viewBox="([^"]+)"', svg)
    inner = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert box
    assert inner
    body = inner[1]
    for pattern, instead in (
        (r"<metadata>.*?</metadata>", ""),
        (r"<style[^>]*>.*?</style>", ""),
        (r"<!--.*?-->", ""),
        (r'<g id="[^"]*"', "<g"),
        (r"font(-family)?: ([^;\"]*?)'?DejaVu Sans'?[^;\"]*", r"font\1: \2sans-serif"),
        (r"\n\s*", "\n"),
    ):
        body = re.sub(pattern, instead, body, flags=re.DOTALL)
    for colour, on_the_page in _COLOURS.items():
        body = body.replace(colour, on_the_page)
    return (
        f'<svg viewBox="{box[1]}" role="img" aria-label="{escaped(label)}" '
        f'style="stroke-linejoin:round;stroke-linecap:butt;width:100%;height:auto">{body}</svg>'
    )
