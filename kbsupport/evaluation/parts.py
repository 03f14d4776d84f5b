"""Which labels teach and which prove: sorted out, then split before anything is fitted; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from kbsupport.model import Label, text_hash
from kbsupport.triage.bounds import clean_needed

# benchmarks/certificates.py: a proof wants about this many times the labels that barely do.
_ENOUGH = 3.2
_LEAST_SHARE, _MOST_SHARE = 0.2, 0.7


@dataclass(frozen=True, slots=True)
class SortedOut:
    """The labels that can be used, and how many of the others there were, by what was wrong."""

    labels: tuple[Label, ...]
    unknown_articles: tuple[Label, ...]
    duplicates: int
    contradictions: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """The labels that teach, those that prove, and how many may not prove because they taught."""

    teach: tuple[Label, ...]
    prove: tuple[Label, ...]
    left_out: int

    @property
    def share(self) -> float:
        """Which part of all labels proves."""
        return len(self.prove) / max(1, len(self.teach) + len(self.prove))


def sort_out(labels: Iterable[Label], articles: frozenset[str]) -> SortedOut:
    """Leave out what names no article there is, what stands twice, and what contradicts itself."""
    unknown = []
    groups: dict[str, list[Label]] = {}
    for label in labels:
        if label.answerable and articles.isdisjoint(label.accept_ids):
            unknown.append(label)
        else:
            groups.setdefault(text_hash(label.text), []).append(label)
    torn = [group for group in groups.values() if len({_said(label) for label in group}) > 1]
    kept = [group[0] for group in groups.values() if group not in torn]
    return SortedOut(
        labels=tuple(kept),
        unknown_articles=tuple(unknown),
        duplicates=sum(len(group) - 1 for group in groups.values() if group not in torn),
        contradictions=tuple(label for group in torn for label in group),
    )


def split(
    labels: Sequence[Label],
    risk: float,
    confidence: float,
    taught: Collection[str],
    apart: Collection[str] = (),
) -> Parts:
    """The same labels are always split alike, in whatever order they come.

    `taught` are the hashes of texts that the system has seen: those teach and cannot prove. `apart`
    are those kept to prove with before: they prove again. Where so few are left that nothing could
    be proven, all others teach.
    """
    seen: list[Label] = []
    held: list[Label] = []
    fresh: list[Label] = []
    for label in labels:
        key = text_hash(label.text)
        (seen if key in taught else held if key in apart else fresh).append(label)
    there, more = (sum(label.answerable for label in part) for part in (held, fresh))
    share, needed = 0.0, clean_needed(risk, confidence)
    if there + more * _MOST_SHARE >= needed:
        share = min(max((_ENOUGH * needed - there) / max(more, 1), _LEAST_SHARE), _MOST_SHARE)
    prove = {
        text_hash(label.text)
        for one in (True, False)
        for label in _drawn(fresh, share, answerable=one)
    }
    chosen = [label for label in fresh if text_hash(label.text) in prove]
    rest = [label for label in fresh if text_hash(label.text) not in prove]
    return Parts((*seen, *rest), (*held, *chosen), len(seen))


def _drawn(labels: Sequence[Label], share: float, *, answerable: bool) -> Sequence[Label]:
    """By the hash of the text: as good as chance, and the same each time."""
    mine = [label for label in labels if label.answerable is answerable]
    mine.sort(key=lambda label: text_hash(label.text))
    return mine[: round(len(mine) * share)]


def _said(label: Label) -> tuple[str, frozenset[str]]:
    return label.expected, frozenset(label.accept_ids)
