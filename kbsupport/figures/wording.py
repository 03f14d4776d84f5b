"""Figures in words: for the terminal, and as Markdown; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbsupport.evaluation.markup import clean
from kbsupport.evaluation.wording import percent
from kbsupport.figures.cases import BY
from kbsupport.figures.daily import Daily
from kbsupport.figures.definitions import CASES, DEFINITIONS, INTERVALS, NAMES
from kbsupport.figures.metrics import Metrics
from kbsupport.figures.people import length
from kbsupport.figures.rates import Figure, Spread

Table = tuple[Sequence[str], Sequence[Sequence[str]]]

NO_CASES = "No case began in this period."
_SHARE_HEAD = ("figure", "value", "count", "95 % interval", "note")
_GROUPED = ("answered", "recontact_adjusted", "escalated", "csat")


def between(interval: tuple[float, float] | None) -> str:
    """An interval of a share, as "low to high"; a dash where there is none."""
    if interval is None:
        return "–"
    return f"{percent(interval[0]).removesuffix(' %')}–{percent(interval[1])}"


def of_what(figure: Figure) -> str:
    """The count behind a share."""
    top = f"{figure.numerator:,.1f}".removesuffix(".0")
    return f"{top} of {figure.denominator:,}"


def headline(metrics: Metrics) -> str:
    """The one sentence to remember."""
    if not metrics.cases:
        return NO_CASES
    answered, audited = metrics.figures["answered"], metrics.figures["audited_correct"]
    cases = _counted(metrics.cases, "case", "cases")
    begun = f"{cases}; {percent(answered.value)} of them answered without a person"
    if audited.value is None or audited.interval is None:
        return f"{begun}. No audit says how many of these answers were right."
    return (
        f"{begun}. By random audit {percent(audited.value)} of all cases were answered, and "
        f"rightly ({between(audited.interval)})."
    )


def figure_table(figures: Sequence[Figure]) -> Table:
    """Shares with what they count and their interval."""
    return _SHARE_HEAD, [
        (one.name, percent(one.value), of_what(one), between(one.interval), one.note)
        for one in figures
    ]


def young_line(metrics: Metrics) -> list[str]:
    """How many cases no share can judge yet, if any."""
    young = metrics.figures["answered"].left_out
    if not young:
        return []
    hours = f"{metrics.silence.total_seconds() / 3600:g} hours"
    verb = "is" if young == 1 else "are"
    cases = _counted(young, "case", "cases")
    said = f"{cases} whose customer wrote in the last {hours} {verb} left out of these shares"
    return [f"{said}, involvement aside."]


def time_table(spreads: Sequence[Spread]) -> Table:
    """Percentiles."""
    return ("time", "n", "half within", "90 % within", "95 % within", "longest"), [
        (one.name, f"{one.n:,}", *map(length, (one.p50, one.p90, one.p95, one.longest)))
        for one in spreads
    ]


def reason_table(metrics: Metrics) -> Table:
    """Why cases went to people."""
    total = sum(n for _, n in metrics.reasons)
    return ("reason", "cases", "share"), [
        (reason, f"{n:,}", percent(n / total)) for reason, n in metrics.reasons
    ]


def people_table(metrics: Metrics) -> Table:
    """Everybody's load, times and ratings, and what to improve."""
    head = (
        "specialist", "open", "answered", "claimed within", "answered within", "in time",
        "first contact", "rating", "what to improve",
    )  # fmt: skip
    rows = []
    for one in metrics.people:
        load = f"{one.open}" if one.capacity is None else f"{one.open} of {one.capacity}"
        rating = "–" if one.mean_rating is None else f"{one.mean_rating:.1f} (n = {one.ratings})"
        rows.append((
            one.name, load, f"{one.answered:,}", length(one.to_claim.p50),
            length(one.to_answer.p50), percent(one.in_time.value),
            percent(one.first_contact.value), rating, "; ".join(one.improve) or "–",
        ))  # fmt: skip
    return head, rows


def group_tables(metrics: Metrics) -> Iterator[tuple[str, Table]]:
    """The same shares by channel, tier, topic and intent."""
    head = ("cases", *(NAMES[key].lower() for key in _GROUPED), "first response")
    for by in BY:
        rows = [
            (one.name, f"{one.cases:,}", *(_with_interval(one.shares[key]) for key in _GROUPED),
             length(one.wait.p50))
            for one in metrics.groups
            if one.by == by
        ]  # fmt: skip
        if rows:
            yield by, ((by, *head), rows)


def queue_line(metrics: Metrics) -> str:
    """What waits now."""
    queue = metrics.queue
    old = f"; the oldest since {queue.oldest.opened_at:%Y-%m-%d %H:%M} UTC" if queue.oldest else ""
    return (
        f"{queue.waiting} waiting{old}, {queue.assigned} with somebody, "
        f"{queue.waiting_for_approval} waiting for approval, {queue.overdue} overdue"
    )


def mood_line(metrics: Metrics) -> str:
    """How customers felt at the start and at the end."""
    mood = metrics.mood
    if mood.start is None or mood.end is None:
        return "No customer wrote twice, so there is no mood to compare."
    low, high = mood.interval or (None, None)
    shown = "" if low is None else f" (change {low:+.2f} to {high:+.2f})"
    cases = _counted(mood.n, "case", "cases")
    return (
        f"Mood of {cases} with two messages or more: {mood.start:+.2f} at first, "
        f"{mood.end:+.2f} at last{shown}"
    )


def lines(metrics: Metrics) -> list[str]:
    """`kbsupport metrics` for a terminal."""
    made = [
        f"{metrics.since:%Y-%m-%d %H:%M} to {metrics.until:%Y-%m-%d %H:%M} UTC"
        + "".join(f", {name}: {', '.join(some)}" for name, some in metrics.where.items()),
        headline(metrics),
    ]
    if not metrics.cases:
        return [*made, f"Queue now: {queue_line(metrics)}"]
    made += ["", *_plain(figure_table(metrics.funnel)), *young_line(metrics)]
    made += [
        "",
        *_plain(figure_table([*metrics.outcomes, *metrics.in_time, *metrics.satisfaction])),
    ]
    made += ["", *_plain(time_table(metrics.times))]
    for table in (reason_table(metrics), people_table(metrics)):
        if table[1]:
            made += ["", *_plain(table)]
    made += ["", mood_line(metrics), f"Queue now: {queue_line(metrics)}"]
    for fault in metrics.faults:
        made.append(f"{fault.count} × {fault.part}: {clean(fault.what)}")
    return [*made, "", CASES, INTERVALS]


def markdown(daily: Daily) -> str:
    """The report of a day, to read, to mail or to paste."""
    week = daily.week
    made = [f"# Support on {_date(daily)}", ""]
    if daily.remark:
        made += [f"*{_cell(daily.remark)}*", ""]
    made += [
        f"**{today_line(daily)}**",
        "",
        f"The seven days to {_date(daily)}: {headline(week)}",
        "",
    ]
    made += ["## What to do next", ""]
    made += [
        f"{n}. **{_cell(one.what)}**: {_cell(one.why)}" for n, one in enumerate(daily.advice, 1)
    ]
    made += [] if daily.advice else ["Nothing presses."]
    made += ["", f"Queue now: {queue_line(week)}."]
    if week.cases or daily.before.cases:
        for title, table in _sections(daily):
            made += ["", f"## {title}", "", *_markdown(table)]
            if table[0] == _SHARE_HEAD and (said := young_line(week)) and said[0] not in made:
                made += ["", *said]
        made += ["", mood_line(week) + "."]
    made += ["", "## What the figures mean", "", CASES, "", INTERVALS, ""]
    used = {*week.figures, *week.spreads, "sentiment", "to_claim", "to_answer", "first_contact"}
    made += [f"- **{NAMES[key]}**: {DEFINITIONS[key]}" for key in NAMES if key in used]
    return "\n".join(made) + "\n"


def _sections(daily: Daily) -> Iterator[tuple[str, Table]]:
    week = daily.week
    yield "What became of the cases, by every definition", figure_table(week.funnel)
    yield "Against the seven days before", trend_table(daily)
    yield "Times", time_table(week.times)
    yield "In time, and how customers liked it", figure_table([*week.in_time, *week.satisfaction])
    if week.reasons:
        yield "Why cases went to people", reason_table(week)
    if week.people:
        yield "Specialists", people_table(week)
    for by, table in group_tables(week):
        yield f"By {by}", table
    if daily.gaps:
        yield "Gaps closed, and what it bought", gap_table(daily)
    if week.faults:
        rows = [(one.part, clean(one.what), f"{one.count:,}") for one in week.faults]
        yield "Errors by part", (("part", "what", "count"), rows)


def trend_table(daily: Daily) -> Table:
    """This week against the one before."""
    return ("figure", "these seven days", "the seven before", "change"), [
        (one.name, one.now, one.before, one.change) for one in daily.trends
    ]


def gap_table(daily: Daily) -> Table:
    """Articles that were written for what nobody could answer."""
    rows = []
    for one in daily.gaps:
        tickets = one.cluster.get("tickets")
        count = len(tickets) if isinstance(tickets, list) else tickets
        rows.append((
            f"{one.at:%Y-%m-%d}", one.article_id, "–" if count is None else str(count),
            str(one.before.get("resolved", "–")), str(one.after.get("resolved", "–")),
        ))  # fmt: skip
    return ("closed", "article", "tickets", "answered before", "answered after"), rows


def today_line(daily: Daily) -> str:
    """What the day brought."""
    today = daily.today
    if not today.cases:
        return f"No case began on {_date(daily)}."
    (became,) = today.days
    return (
        f"{_counted(today.cases, 'case', 'cases')} on {_date(daily)}; so far {became.alone} "
        f"answered without a person, {became.people} handed over."
    )


def _date(daily: Daily) -> str:
    return daily.day.isoformat()


def _with_interval(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    return f"{percent(figure.value)} ({between(figure.interval)})"


def _plain(table: Table) -> list[str]:
    head, rows = table
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _markdown(table: Table) -> list[str]:
    head, rows = table
    kept = [n for n, name in enumerate(head) if name != "note" or any(row[n] for row in rows)]
    shown = [[_cell(row[n]) for n in kept] for row in (head, *rows)]
    return [
        f"| {' | '.join(shown[0])} |",
        f"|{'---|' * len(kept)}",
        *(f"| {' | '.join(row)} |" for row in shown[1:]),
    ]


def _cell(text: str) -> str:
    return " ".join(clean(text).split()).replace("|", "\\|")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
