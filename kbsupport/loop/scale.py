"""What a review is worth: one scale for all of them, by which the queue is sorted; pure.

- 4 to 5: an alarm asks about it; 4 and how much it tells of the change
- 3 to below 4: the answer failed; 3, and once it is weighed its share of the doubt that the best
  label of the queue would settle
- 2 to below 3: the judge decided, and it is weighed; 2 and that share
- 2: an answer that was drawn for an audit
- 1.5 and 1: a person wrote something new, or quoted an article; it is not weighed yet, or a rule
  decided, so that no label settles a doubt
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

ASKED_BY_ALARM, FAILED, AUDIT, WRITTEN, QUOTED = 4.0, 3.0, 2.0, 1.5, 1.0
_WEIGHED = 2.0
# The best label of one kind still comes after the least of the kind before it.
_WHOLE_SHARE = 0.9999


def asked_by_alarm(worth: float) -> float:
    """Where a label stands that an alarm asks for, by what it tells of the change (0 to 1)."""
    return ASKED_BY_ALARM + worth


def weighed(gains: Mapping[str, float], failed: Collection[str]) -> dict[str, float]:
    """Where each label stands that settles so much doubt; those of failed answers come first."""
    most = max(gains.values(), default=0.0)
    return {
        one: round((FAILED if one in failed else _WEIGHED) + _share(gain, most), 4)
        for one, gain in gains.items()
    }


def _share(gain: float, most: float) -> float:
    return min(_WHOLE_SHARE, gain / most) if most else 0.0
