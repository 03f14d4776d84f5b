"""The plots of a report: inline SVG in the colours of the page, drawn by hand; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbsupport.evaluation.markup import escaped
from kbsupport.evaluation.wording import percent
from kbsupport.figures.metrics import Day, Metrics
from kbsupport.figures.people import length
from kbsupport.figures.rates import Figure

_WIDTH = 560
_INK, _MUTED, _GRID = "var(--ink)", "var(--muted)", "var(--grid)"
_GOOD, _ASKED, _CALM = "var(--good)", "var(--asked)", "var(--calm)"
_SMALL, _NORMAL = 12.5, 14
_ROUND = (1, 2, 5)
_WEEKEND = 5


def days_plot(days: Sequence[Day]) -> str:
    """Cases of each day, by what became of them."""
    height, left, floor = 250, 34, 208
    most = max((one.alone + one.asked_back + one.people for one in days), default=0)
    step = _step(most)
    top = max(step, -(-most // step) * step)
    scale = (floor - 14) / top
    wide = (_WIDTH - left - 6) / max(1, len(days))
    drawn = [_rule(left, floor - n * scale, str(n)) for n in range(0, top + 1, step)]
    for place, one in enumerate(days):
        x, y = left + place * wide + wide * 0.16, float(floor)
        parts = ((one.alone, _GOOD), (one.asked_back, _ASKED), (one.people, _CALM))
        for count, colour in parts:
            y -= count * scale
            if count:
                drawn.append(_box(x, y, wide * 0.68, count * scale - 1, colour))
        middle = x + wide * 0.34
        name = f"{one.day:%a}"[:2]
        weight = _MUTED if one.day.weekday() >= _WEEKEND else _INK
        drawn.append(_text(middle, floor + 17, name, colour=weight, anchor="middle"))
        drawn.append(_text(middle, floor + 33, f"{one.day.day}.", anchor="middle", size=_SMALL))
    said = "; ".join(
        f"{one.day.isoformat()}: {one.alone} answered alone, {one.people} to people" for one in days
    )
    return _svg(height, drawn, f"Cases by day. {said}")


def funnel_plot(figures: Sequence[Figure]) -> str:
    """Each definition as a bar, and where chance leaves the truth as a line."""
    row, left, right = 38, 218, 64
    widest = max((one.interval[1] for one in figures if one.interval), default=1.0)
    top = next((n / 10 for n in (1, 2, 4, 6, 8) if widest <= n / 10), 1.0)
    scale = (_WIDTH - left - right) / top
    height = row * len(figures) + 26
    drawn = []
    for part in range(5):
        x = left + scale * top * part / 4
        drawn.append(_line(x, 4, x, height - 24, _GRID))
        name = f"{25 * top * part:.1f}".removesuffix(".0") + " %"
        drawn.append(_text(x, height - 6, name, anchor="middle", size=_SMALL))
    for place, one in enumerate(figures):
        y = 6 + place * row
        drawn.append(_text(left - 10, y + 19, one.name, colour=_INK, anchor="end"))
        if one.value is None:
            drawn.append(_text(left + 6, y + 19, "nothing to count"))
            continue
        drawn.append(_box(left, y + 3, max(1.0, scale * one.value), row - 14, _GOOD))
        end = one.value
        if one.interval is not None:
            drawn += _whisker(left, scale, y + 3 + (row - 14) / 2, one.interval)
            end = max(end, one.interval[1])
        drawn.append(
            _text(left + scale * end + 8, y + 19, percent(one.value), colour=_INK, bold=True)
        )
    said = "; ".join(f"{one.name}: {percent(one.value)}" for one in figures)
    return _svg(height, drawn, f"Definitions side by side. {said}")


def bars_plot(title: str, rows: Sequence[tuple[str, int]], colour: str = _CALM) -> str:
    """So many of each, the most first."""
    row, left = 28, 190
    height = row * len(rows) + 6
    most = max((n for _, n in rows), default=1)
    scale = _WIDTH - left - 56
    drawn = []
    for place, (name, n) in enumerate(rows):
        y = 2 + place * row
        drawn.append(_text(left - 10, y + 18, name, colour=_INK, anchor="end"))
        drawn.append(_box(left, y + 5, max(1.0, scale * n / most), row - 12, colour))
        drawn.append(_text(left + scale * n / most + 8, y + 18, f"{n:,}", colour=_INK))
    said = "; ".join(f"{name}: {n}" for name, n in rows)
    return _svg(height, drawn, f"{title}. {said}")


def hours_plot(hours: Sequence[int]) -> str:
    """How many cases begin in each hour of the day (UTC)."""
    height, left, floor = 230, 34, 196
    most = max((*hours, 1))
    step = _step(most)
    scale = (floor - 14) / max(step, -(-most // step) * step)
    wide = (_WIDTH - left - 6) / 24
    drawn = [_rule(left, floor - n * scale, str(n)) for n in range(0, most + 1, step)]
    for hour, n in enumerate(hours):
        x = left + hour * wide + wide * 0.14
        if n:
            drawn.append(_box(x, floor - n * scale, wide * 0.72, n * scale, _GOOD))
        if hour % 3 == 0:
            drawn.append(
                _text(x + wide * 0.36, floor + 18, f"{hour}", anchor="middle", size=_SMALL)
            )
    said = "; ".join(f"{hour} h: {n}" for hour, n in enumerate(hours) if n)
    return _svg(height, drawn, f"Cases by hour of the day. {said}")


def waits_plot(metrics: Metrics) -> str:
    """Half, nine of ten and nineteen of twenty waited no longer than this."""
    keys = ("first_response_people", "resolution_people", "resolution")
    spreads = [metrics.spreads[key] for key in keys if metrics.spreads[key].n]
    row, left = 70, 4
    longest = max((one.p95 or 0.0 for one in spreads), default=1.0) or 1.0
    scale = _WIDTH - left - 8
    drawn = []
    for place, one in enumerate(spreads):
        y = 8 + place * row
        drawn.append(_text(left, y + 10, f"{one.name} (n = {one.n:,})", colour=_INK))
        middle = y + 30.0
        p50, p90, p95 = ((value or 0.0) * scale / longest for value in (one.p50, one.p90, one.p95))
        drawn.append(_box(left, middle - 3, p95, 6, _GRID))
        drawn.append(_box(left, middle - 5, p90, 10, _CALM))
        drawn.append(_box(left, middle - 8, p50, 16, _GOOD))
        shown = f"{length(one.p50)} · {length(one.p90)} · {length(one.p95)}"
        drawn.append(_text(left, middle + 25, shown, size=_SMALL))
    said = "; ".join(f"{one.name}: median {length(one.p50)}" for one in spreads)
    return _svg(row * max(1, len(spreads)) + 8, drawn, f"How long customers waited. {said}")


def _whisker(left: float, scale: float, y: float, interval: tuple[float, float]) -> Iterator[str]:
    low, high = (left + scale * one for one in interval)
    for colour, width in (("var(--paper)", 4.0), (_INK, 1.4)):
        yield _line(low, y, high, y, colour, width)
        for x in (low, high):
            yield _line(x, y - 4, x, y + 4, colour, width)


def _rule(left: float, y: float, name: str) -> str:
    return _line(left, y, _WIDTH, y, _GRID) + _text(
        left - 8, y + 4, name, anchor="end", size=_SMALL
    )


def _step(most: int) -> int:
    """A round distance between lines, so that there are at most five of them."""
    size = 1
    while True:
        for one in _ROUND:
            if most <= 5 * one * size:
                return one * size
        size *= 10


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0.5):.1f}" '
        f'rx="2" style="fill:{colour}"/>'
    )


def _line(x: float, y: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'style="stroke:{colour};stroke-width:{width}"/>'
    )


def _text(
    x: float,
    y: float,
    words: str,
    *,
    colour: str = _MUTED,
    anchor: str = "start",
    size: float = _NORMAL,
    bold: bool = False,
) -> str:
    weight = ";font-weight:650" if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
        f'style="fill:{colour};font-size:{size}px{weight}">{escaped(words)}</text>'
    )


def _svg(height: float, drawn: Sequence[str], said: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escaped(said)}" '
        f'style="width:100%;height:auto;font-family:inherit">{"".join(drawn)}</svg>'
    )
