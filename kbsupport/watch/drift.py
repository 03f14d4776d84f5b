"""Are recent tickets like those that the certificate was made from? Asked after every ticket; pure.

The ranks of new tickets among all before them are as good as drawn at random as long as tickets are
exchangeable: any order of them would have been as likely (conformal test martingales, Vovk 2003).
Wagers bet that they are not. Order is the order of the sequence; no clock is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kbsupport.errors import ConfigError
from kbsupport.watch.ranks import Line, Tally
from kbsupport.watch.reference import Observed, Reference, lot, rounded, sound
from kbsupport.watch.wagers import Wagers, check_alpha, onset

FEWEST = 30
GROUPS = ("tier", "topic")
# How the false-alarm rate is shared out; what a base does not have leaves its part to the others.
_NUMBERS, _SHARES, _IN_TIER, _IN_TOPIC = 0.5, 0.25, 0.125, 0.125
# The most frequent names that make up so much are common, the others seldom.
_COMMON = 0.8

Group = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stream:
    """One thing that is watched: a number (in a group, or everywhere), or the share of a name."""

    what: str
    group: Group | None = None
    name: str | None = None
    share: bool = False
    part: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """What is no longer as it was, and since which ticket, counted from 1."""

    what: str
    group: Group | None
    name: str | None
    before: float
    after: float
    since: int
    tickets: int
    p: float

    @property
    def said(self) -> str:
        """The change in words."""
        if self.name is not None:
            return f"{self.what} {self.name}: {self._shares()}"
        if self.what.startswith(_SELDOM):
            return f"{self.what}: {self._shares()}"
        where = "" if self.group is None else f" of {self.group[0]} {self.group[1]}"
        return (
            f"{self.what}{where}: {self.before:.2f} on average before, "
            f"{self.after:.2f} in the last {self.tickets} tickets"
        )

    def _shares(self) -> str:
        return f"{self.before:.1%} of tickets before, {self.after:.1%} of the last {self.tickets}"


_SELDOM = "seldom or new "


@dataclass(frozen=True, slots=True)
class Drift:
    """What the recent tickets say; `p` may be looked at after every ticket.

    `speaks` says of each recent ticket how much it speaks for the changes found.
    """

    alarm: bool
    p: float
    alpha: float
    tickets: int
    unsound: int
    changed: tuple[Change, ...] = ()
    speaks: Mapping[str, float] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """What was found, in a sentence or two."""
        if not self.alarm:
            return f"{self.tickets} tickets are like those the certificate was made from"
        return (
            "; ".join(change.said for change in self.changed[:3])
            + f" (such an alarm is false at most {self.alpha:.0%} of the time, however often one "
            "looks)"
        )


def drift(reference: Reference, recent: Sequence[Observed], alpha: float = 0.05) -> Drift:
    """Compare all tickets since the certificate was made, in order, with those it was made from.

    While tickets stay as they were, the alarm is raised, at any time, with a probability of at most
    alpha.
    """
    check_alpha(alpha)
    if reference.count < FEWEST:
        raise ConfigError(
            f"the certificate was made from {reference.count} tickets; to notice a change "
            f"{FEWEST} are needed: run `kbsupport calibrate` with more labels"
        )
    rows = [row for row in recent if sound(row)]
    streams = streams_of(reference)
    watched = _Watched(reference, streams)
    for row in rows:
        watched.see(row)
    parts = [stream.part for stream in streams]
    p_values = [
        min(1.0, 1 / (part * float(high)))
        for part, high in zip(parts, watched.wagers.highest, strict=True)
    ]
    found = sorted((p, n) for n, p in enumerate(p_values) if p <= alpha)
    gains = {n: watched.wagers.gains(n) for _, n in found}
    return Drift(
        alarm=bool(found),
        p=min(p_values),
        alpha=alpha,
        tickets=len(rows),
        unsound=len(recent) - len(rows),
        changed=_told([_change(reference, rows, streams[n], gains[n], p) for p, n in found]),
        speaks={
            row.key: sum(gain.get(number, 0.0) for gain in gains.values())
            for number, row in enumerate(rows)
        }
        if found
        else {},
    )


def streams_of(reference: Reference) -> list[Stream]:
    """Everything that is watched, each with its part of the false-alarm rate."""
    numbers = list(reference.numbers)
    several = [kind for kind, known in reference.known.items() if len(known) > 1]
    sections = [
        (_NUMBERS, [Stream(number) for number in numbers]),
        (_SHARES, [stream for kind in several for stream in _shares(kind, reference.known[kind])]),
        *(
            (part, [Stream(what, (kind, name)) for name in reference.known[kind] for what in some])
            for kind, part, some in zip(
                GROUPS, (_IN_TIER, _IN_TOPIC), (numbers, numbers[:1]), strict=True
            )
            if kind in several
        ),
    ]
    whole = sum(part for part, streams in sections if streams)
    return [
        Stream(one.what, one.group, one.name, one.share, part / whole / len(streams))
        for part, streams in sections
        for one in streams
    ]


def _shares(kind: str, known: Sequence[str]) -> list[Stream]:
    named = [Stream(kind, name=name, share=True) for name in known]
    return [*named, Stream(_SELDOM + kind, name=None, share=True)]


class _Watched:
    """The streams of a reference, fed with one ticket after the other."""

    def __init__(self, reference: Reference, streams: Sequence[Stream]) -> None:
        import numpy as np

        self._np = np
        self.wagers = Wagers(len(streams))
        self._lines: list[tuple[int, Stream, Line]] = []
        self._tallies: list[tuple[range, str, Tally]] = []
        for number, stream in enumerate(streams):
            if not stream.share:
                self._lines.append((number, stream, Line(_column(reference, stream))))
        first = {
            s.what: n for n, s in reversed([*enumerate(streams)]) if s.share and s.name is not None
        }
        for kind, begin in first.items():
            known = reference.known[kind]
            tally = Tally(known, reference.names[kind])
            self._tallies.append((range(begin, begin + len(known) + 1), kind, tally))

    def see(self, row: Observed) -> None:
        """One more ticket."""
        np, drawn = self._np, lot(row.key)
        lines = [one for one in self._lines if _belongs(row, one[1].group)]
        places = [number for number, _, _ in lines]
        ranks = [line.rank(rounded(row.numbers[s.what]), drawn) for _, s, line in lines]
        more = [(span, tally.ranks(row.names[kind], drawn)) for span, kind, tally in self._tallies]
        self.wagers.bet(
            np.concatenate([places, *(np.arange(s.start, s.stop) for s, _ in more)]).astype(int),
            np.concatenate([ranks, *(found for _, found in more)]),
        )


def _belongs(row: Observed, group: Group | None) -> bool:
    return group is None or row.names[group[0]] == group[1]


def _column(reference: Reference, stream: Stream) -> Iterator[float]:
    column = reference.numbers[stream.what]
    if stream.group is None:
        return iter(column)
    kind, name = stream.group
    return (n for n, one in zip(column, reference.names[kind], strict=True) if one == name)


def _change(
    reference: Reference,
    rows: Sequence[Observed],
    stream: Stream,
    gains: Mapping[int, float],
    p: float,
) -> Change:
    """Compare what came since the best bet began to win with what was before."""
    steps = list(gains)
    begin = steps[onset(list(gains.values()))]
    since = [row for row in rows[begin:] if _belongs(row, stream.group)]
    read = _reader(reference, stream)
    if stream.share:
        kind = stream.what.removeprefix(_SELDOM)
        before = [read(name) for name in reference.names[kind]]
        after = [read(row.names[kind]) for row in since]
    else:
        before = list(_column(reference, stream))
        after = [row.numbers[stream.what] for row in since]
    return Change(
        stream.what,
        stream.group,
        stream.name,
        _mean(before),
        _mean(after),
        begin + 1,
        len(since),
        p,
    )


def _told(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Without what is said already: unless more names are seldom, those named say it all."""
    named = {_SELDOM + change.what for change in changes if change.name is not None}
    return tuple(
        change for change in changes if change.what not in named or change.after > change.before
    )


def _reader(reference: Reference, stream: Stream) -> Callable[[str], float]:
    """Whether a name is the one that is watched, or one of the seldom ones."""
    if stream.name is not None or not stream.share:
        return lambda name: float(name == stream.name)
    column = reference.names[stream.what.removeprefix(_SELDOM)]
    common, share = set[str](), 0.0
    for name, count in Counter(column).most_common():
        if share < _COMMON * len(column):
            common.add(name)
        share += count
    return lambda name: float(name not in common)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def gone(found: Drift, by: str | None, groups: Sequence[str]) -> frozenset[str]:
    """The groups of a certificate (its tiers, or topics) for which its assumption is gone.

    A change within a group of the kind that the certificate was proven by ends that group alone,
    as does a topic that more tickets are taken for; any other change ends all of them.
    """
    ended: set[str] = set()
    for change in found.changed:
        if by is not None and change.group is not None and change.group[0] == by:
            ended.add(change.group[1])
        elif by is not None and change.what == by and change.name is not None:
            # Fewer tickets of a group leave what was proven for it as it was.
            ended |= {change.name} if change.after > change.before else set()
        else:
            ended |= set(groups)
    return frozenset(ended & set(groups))
