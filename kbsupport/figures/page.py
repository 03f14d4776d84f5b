"""The report of a day as one page that a manager can open anywhere; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbsupport.evaluation.markup import escaped
from kbsupport.evaluation.page import bar, figure, page, table
from kbsupport.evaluation.wording import percent
from kbsupport.figures import wording
from kbsupport.figures.daily import Daily
from kbsupport.figures.definitions import CASES, DEFINITIONS, INTERVALS, NAMES
from kbsupport.figures.funnel import FUNNEL
from kbsupport.figures.metrics import Group, Metrics
from kbsupport.figures.people import Work, length
from kbsupport.figures.plots import bars_plot, days_plot, funnel_plot, hours_plot, waits_plot
from kbsupport.figures.rates import Figure
from kbsupport.figures.trends import NO_CHANGE
from kbsupport.figures.wording import between, headline

_REASONS = 10
_KEY = (("good", "answered alone"), ("asked", "asked back"), ("calm", "to a person"))


def write_page(daily: Daily) -> str:
    """The page: what came and what became of it, by every definition, and what to do next."""
    parts = [_top(daily), _next(daily)]
    if daily.week.cases or daily.before.cases:
        parts += [*_figures(daily), _meaning()]
    return page(f"Support on {daily.day.isoformat()}", "\n".join(parts))


def _top(daily: Daily) -> str:
    remark = f'<p class="lead"><strong>{escaped(daily.remark)}</strong></p>' if daily.remark else ""
    asof = f"as known on {daily.week.now:%Y-%m-%d %H:%M} UTC"
    return (
        f'<header><h1>Support on {daily.day.isoformat()}</h1><p class="muted">{asof}</p>'
        f'<p class="headline">{escaped(wording.today_line(daily))}</p>'
        f'<p class="lead">The seven days to this one: {escaped(headline(daily.week))}</p>'
        f"{remark}</header>\n{_tiles(daily)}"
    )


def _tiles(daily: Daily) -> str:
    week, shares = daily.week, daily.week.figures
    queue = week.queue
    waited = week.spreads["first_response_people"]
    tiles = (
        (f"{week.cases:,}", f"cases in seven days; {daily.before.cases:,} in the seven before"),
        (percent(shares["audited_correct"].value), _below(shares["audited_correct"], "answered "
         "alone, and right by random audit")),
        (percent(shares["recontact_adjusted"].value), _below(shares["recontact_adjusted"],
         "resolved, as far as silence can tell")),
        (percent(shares["csat"].value), _below(shares["csat"], "of ratings are 4 or 5")),
        (length(waited.p50), f"until a person's first message (median of {waited.n:,})"),
        (percent(shares["solved_in_time"].value), _below(shares["solved_in_time"],
         "of escalations solved in time")),
        (f"{queue.waiting + queue.assigned + queue.waiting_for_approval:,}",
         f"open now: {wording.queue_line(week)}"),
    )  # fmt: skip
    rows = "".join(f"<li><b>{escaped(n)}</b><span>{escaped(text)}</span></li>" for n, text in tiles)
    return f'<ul class="tiles">{rows}</ul>'


def _below(one: Figure, words: str) -> str:
    if one.value is None:
        return f"{words}: nothing to count"
    return f"{words} ({between(one.interval)}, {wording.of_what(one)})"


def _next(daily: Daily) -> str:
    rows = "".join(
        f'<article class="card"{_calm(urgent=one.urgent)}><h3>{escaped(one.what)}</h3>'
        f'<p class="muted">{escaped(one.why)}</p></article>'
        for one in daily.advice
    )
    inside = f'<div class="plots">{rows}</div>' if rows else "<p>Nothing presses.</p>"
    return f"<section><h2>What to do next</h2>{inside}</section>"


def _calm(*, urgent: bool) -> str:
    colour = "" if urgent else ";border-left-color:var(--calm)"
    return f' style="margin:0{colour}"'


def _figures(daily: Daily) -> Iterator[str]:
    week = daily.week
    yield _became(daily)
    yield _section("Against the seven days before", _trends(daily))
    yield _section("How long customers waited", _waited(week))
    if week.people:
        yield _section("Specialists", _people(week.people))
    yield _section("Where it works, and where it does not", "\n".join(_groups(week.groups)))
    if daily.gaps:
        yield _section("Gaps closed, and what it bought", _words(wording.gap_table(daily)))
    if week.faults:
        rows = [[escaped(f.part), escaped(f.what), f"{f.count:,}"] for f in week.faults]
        yield _section("Errors by part", table("", ["part", "what", "count"], rows, left=2))


def _became(daily: Daily) -> str:
    week = daily.week
    key = "".join(
        f'<li><i class="{kind}" aria-hidden="true"></i>{name}</li>' for kind, name in _KEY
    )
    young = "".join(f"<p>{escaped(said)}</p>" for said in wording.young_line(week))
    topics = [(one.name, one.cases) for one in week.groups if one.by == "topic"][:_REASONS]
    plots = [
        figure(
            funnel_plot([week.figures[name] for name in FUNNEL if name != "involvement"]),
            "The same cases, by every definition of resolved. Vendors report the second bar; the "
            "last is what people found when they looked. Line: the exact 95 % interval.",
        ),
        figure(
            days_plot(daily.both.days),
            "Cases of the last fourteen days. From below: answered alone, asked back, to a person.",
        ),
    ]
    if week.reasons:
        plots.append(
            figure(
                bars_plot("Why cases went to people", week.reasons[:_REASONS]),
                "Why cases went to people, by the first reason of each.",
            )
        )
    plots.append(figure(bars_plot("What customers ask about", topics), "Cases by topic."))
    return (
        "<section><h2>What became of the cases</h2>"
        f'<ul class="key">{key}</ul><div class="plots">{"".join(plots)}</div>'
        + _shares("Every definition, with what it counts", week.funnel)
        + young
        + _shares("The rest", (*week.outcomes, *week.in_time, *week.satisfaction))
        + f"<p>{escaped(wording.mood_line(week))}.</p></section>"
    )


def _shares(caption: str, figures: Sequence[Figure]) -> str:
    rows = [
        [
            f'<span title="{escaped(one.definition)}">{escaped(one.name)}</span>{_small(one.note)}',
            bar([("good", one.value or 0.0)], percent(one.value)),
            escaped(wording.of_what(one)),
            escaped(between(one.interval)),
        ]
        for one in figures
    ]
    return table(caption, ["figure", "share", "count", "95 % interval"], rows)


def _small(words: str) -> str:
    return f'<br><small class="muted">{escaped(words)}</small>' if words else ""


def _trends(daily: Daily) -> str:
    rows = [
        [
            escaped(one.name), escaped(one.now), escaped(one.before),
            f'<span class="muted">{escaped(one.change)}</span>' if one.change == NO_CHANGE
            else f"<strong>{escaped(one.change)}</strong>",
        ]
        for one in daily.trends
    ]  # fmt: skip
    head = ["figure", "these seven days", "the seven before", "change"]
    said = (
        '<p class="lead">A change is named only where the two intervals do not overlap, or, for '
        "the number of cases, where two equal weeks would rarely differ so much.</p>"
    )
    return said + table("Seven days against seven days", head, rows)


def _waited(week: Metrics) -> str:
    plot = figure(
        waits_plot(week),
        "Half of the customers waited no longer than the dark part, nine of ten no longer than the "
        "middle, nineteen of twenty no longer than the pale part. By the clock, nights included.",
    )
    left_out = (
        f"<p>{week.skipped} lengths of time were below nothing, because a clock was set back; they "
        "are left out.</p>"
        if week.skipped
        else ""
    )
    begun = figure(hours_plot(week.hours), "When cases begin, by hour of the day (UTC).")
    return (
        f'<div class="plots">{plot}{begun}</div>'
        + _words(wording.time_table(week.times))
        + left_out
    )


def _people(people: Sequence[Work]) -> str:
    head = ["", "open", "answered", "claimed in", "answered in", "in time", "first contact",
            "rating"]  # fmt: skip
    rows = [
        [
            f"{escaped(one.name)}{_improve(one)}",
            f"{one.open}" + (f" of {one.capacity}" if one.capacity is not None else ""),
            f"{one.answered:,}",
            escaped(length(one.to_claim.p50)),
            escaped(length(one.to_answer.p50)),
            _short(one.in_time),
            _short(one.first_contact),
            "–" if one.mean_rating is None else f"{one.mean_rating:.1f} <small>({one.ratings})"
            "</small>",
        ]
        for one in people
    ]  # fmt: skip
    said = (
        '<p class="lead">Times are medians. Shares stand above their interval: few answers leave '
        "much open, and nobody should be judged by them.</p>"
    )
    return said + table("Load, times and results; below a name, what to improve", head, rows)


def _improve(one: Work) -> str:
    return "".join(map(_small, one.improve))


def _short(one: Figure) -> str:
    if one.value is None:
        return "–"
    shown = escaped(between(one.interval))
    return f'{escaped(percent(one.value))}<br><small class="muted">{shown}</small>'


def _groups(groups: Sequence[Group]) -> Iterator[str]:
    keys = ("answered", "recontact_adjusted", "audited_correct", "escalated", "csat")
    head = ["", "cases", *(NAMES[key] for key in keys), "First response"]
    for by in dict.fromkeys(one.by for one in groups):
        rows = [
            [
                f"<bdi>{escaped(one.name)}</bdi>",
                f"{one.cases:,}",
                *(_short(one.shares[key]) for key in keys),
                escaped(length(one.wait.p50)),
            ]
            for one in groups
            if one.by == by
        ]
        yield table(f"By {by}", head, rows)


def _words(given: wording.Table) -> str:
    head, rows = given
    return table("", list(head), [[escaped(cell) for cell in row] for row in rows])


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{escaped(title)}</h2>{inside}</section>"


def _meaning() -> str:
    rows = "".join(
        f"<dt>{escaped(NAMES[key])}</dt><dd>{escaped(DEFINITIONS[key])}</dd>" for key in NAMES
    )
    return (
        f"<section><h2>What the figures mean</h2><p>{escaped(CASES)}</p><dl>{rows}</dl></section>"
        f"<footer><p>{escaped(INTERVALS)}</p></footer>"
    )
