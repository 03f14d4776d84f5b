"""What a review is worth: one scale for all of them, by which the queue is sorted; pure.

- 4 to 5: an alarm asks about it; 4 and how much it tells of the change
- 3 to 4: the answer failed; 3, and once it is weighed its share of the doubt that the best label of
  the queue would settle
- 2 to 3: the judge decided, and it is weighed; 2 and that share
- 2: an answer that was drawn for an audit
- 1.5 and 1: a person wrote something new, or quoted an article; it is not weighed yet, or a rule
  decided, so that no label settles a doubt
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

ASKED_BY_ALARM, FAILED, AUDIT, WRITTEN, QUOTED = 4.0, 3.0, 2.0, 1.5, 1.0
_WEIGHED = 2.0


def asked_by_alarm(worth: float) -> float:
    """Where a label stands that an alarm asks for, by what it tells of the change (0 to 1)."""
    return ASKED_BY_ALARM + worth


def weighed(gains: Mapping[str, float], failed: Collection[str]) -> dict[str, float]:
    """Where each label stands that settles so much doubt; those of failed answers come first."""
    most = max(gains.values(), default=0.0)
    return {
        one: (FAILED if one in failed else _WEIGHED) + (round(gain / most, 4) if most else 0.0)
        for one, gain in gains.items()
    }
