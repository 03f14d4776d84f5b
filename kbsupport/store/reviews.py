"""Reviews and what people said about them; alarms, and until when they held."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from kbsupport.errors import Conflict, NotFound
from kbsupport.model import Alarm, Opinion, Proposal, Review, ReviewKind, ReviewState, storable
from kbsupport.store.dialects import Upsert
from kbsupport.store.loop_tables import AlarmRow, OpinionRow, ReviewRow
from kbsupport.store.tickets import aware, number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

REVIEW: Any = ReviewRow.__table__  # type: ignore[attr-defined]
OPINION: Any = OpinionRow.__table__  # type: ignore[attr-defined]
ALARM: Any = AlarmRow.__table__  # type: ignore[attr-defined]

_LETTER = "R"
_ASK = Upsert(
    lambda insert: (
        insert(REVIEW)
        .on_conflict_do_nothing(index_elements=[REVIEW.c.decision_id, REVIEW.c.kind])
        .returning(REVIEW.c.id)
    )
)


def ask_review(connection: Connection, asked: Review) -> bool:
    """Queue a review; False if this decision has one of its kind already."""
    row = {
        "kind": str(asked.kind), "decision_id": asked.decision_id,
        "ticket_id": None if asked.ticket_id is None else number_of(asked.ticket_id),
        "asked_at": asked.asked_at, "why": asked.why, "worth": asked.worth,
        "proposed": asked.proposed.to_dict(), "state": str(asked.state), "resolved_at": None,
        "drawn_with": asked.drawn_with, "certificate": asked.certificate, "tier": asked.tier,
        "topic": asked.topic,
    }  # fmt: skip
    return connection.execute(_ASK.on(connection), row).one_or_none() is not None


def find_review(connection: Connection, review_id: str) -> Review:
    """A review by its id."""
    row = connection.execute(
        select(REVIEW).where(REVIEW.c.id == number_of(review_id, _LETTER))
    ).one_or_none()
    if row is None:
        raise NotFound(f"no review {review_id!r}; see: kbsupport review")
    return _review(row, _opinions(connection, [row.id]).get(row.id, ()))


def reviews(
    connection: Connection,
    states: Collection[ReviewState] = (ReviewState.OPEN, ReviewState.DISPUTED),
    kind: ReviewKind | None = None,
    limit: int = 1000,
) -> list[Review]:
    """Those in these states: the disputed first, then the most useful."""
    query = select(REVIEW).where(REVIEW.c.state.in_([str(state) for state in states]))
    if kind is not None:
        query = query.where(REVIEW.c.kind == str(kind))
    query = query.order_by(REVIEW.c.state, REVIEW.c.worth.desc(), REVIEW.c.id).limit(limit)
    rows = connection.execute(query).all()
    said = _opinions(connection, [row.id for row in rows])
    return [_review(row, said.get(row.id, ())) for row in rows]


def audits_of(connection: Connection, certificate: str | None) -> list[Review]:
    """Every audit of the answers under one certificate, in the order in which they were drawn."""
    mine = (REVIEW.c.kind == str(ReviewKind.AUDIT)) & (REVIEW.c.certificate.is_(certificate))
    if certificate is not None:
        mine = (REVIEW.c.kind == str(ReviewKind.AUDIT)) & (REVIEW.c.certificate == certificate)
    rows = connection.execute(select(REVIEW).where(mine).order_by(REVIEW.c.id)).all()
    said = _opinions(connection, [row.id for row in rows])
    return [_review(row, said.get(row.id, ())) for row in rows]


def say(connection: Connection, review: Review, opinion: Opinion, state: ReviewState) -> None:
    """Keep what one person says, and where the review stands now; nobody says it twice."""
    if any(one.by == opinion.by for one in review.opinions):
        raise Conflict(f"{opinion.by} has said what {review.id} is; somebody else may disagree")
    row = {
        "review_id": number_of(review.id, _LETTER), "by": opinion.by, "at": opinion.at,
        "expected": opinion.says.expected, "accept_ids": list(opinion.says.accept_ids),
        "right": opinion.right, "note": None if opinion.note is None else storable(opinion.note),
    }  # fmt: skip
    connection.execute(insert(OPINION), row)
    move(connection, [review.id], state, opinion.at)


def move(
    connection: Connection, review_ids: Sequence[str], state: ReviewState, now: datetime
) -> None:
    """Note where these reviews stand."""
    numbers = [number_of(one, _LETTER) for one in review_ids]
    done = {"state": str(state), "resolved_at": None if state is ReviewState.DISPUTED else now}
    connection.execute(update(REVIEW).where(REVIEW.c.id.in_(numbers)).values(done))


def weigh_anew(connection: Connection, worth: Mapping[str, float]) -> None:
    """Store how useful each of these would be now."""
    for review_id, value in worth.items():
        mine = REVIEW.c.id == number_of(review_id, _LETTER)
        connection.execute(update(REVIEW).where(mine).values(worth=value))


def raise_alarm(
    connection: Connection,
    *,
    kind: str,
    certificate: str | None,
    said: str,
    body: Mapping[str, Any],
    now: datetime,
) -> Alarm:
    """Store that something no longer holds."""
    row = {"at": now, "kind": kind, "certificate": certificate, "said": said, "body": dict(body)}
    made = connection.execute(insert(ALARM).returning(ALARM), row).one()
    return _alarm(made)


def alarms(connection: Connection, *, standing_only: bool = False) -> list[Alarm]:
    """Every alarm there was, or those that nobody has ended, in order."""
    query = select(ALARM).order_by(ALARM.c.id)
    if standing_only:
        query = query.where(ALARM.c.ended_at.is_(None))
    return [_alarm(row) for row in connection.execute(query)]


def end_alarms(connection: Connection, now: datetime) -> int:
    """End what stands; how many there were."""
    standing = ALARM.c.ended_at.is_(None)
    return int(connection.execute(update(ALARM).where(standing).values(ended_at=now)).rowcount)


def _opinions(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[Opinion, ...]]:
    found: dict[int, list[Opinion]] = {}
    if not numbers:
        return {}
    query = select(OPINION).where(OPINION.c.review_id.in_(numbers)).order_by(OPINION.c.id)
    for row in connection.execute(query):
        said = Opinion(
            by=row.by,
            at=row.at.replace(tzinfo=UTC),
            says=Proposal(row.expected, tuple(row.accept_ids)),
            right=row.right,
            note=row.note,
        )
        found.setdefault(row.review_id, []).append(said)
    return {number: tuple(said) for number, said in found.items()}


def _review(row: Any, opinions: tuple[Opinion, ...]) -> Review:
    return Review(
        id=f"{_LETTER}-{row.id}",
        kind=ReviewKind(row.kind),
        decision_id=row.decision_id,
        ticket_id=None if row.ticket_id is None else f"T-{row.ticket_id}",
        asked_at=row.asked_at.replace(tzinfo=UTC),
        why=row.why,
        worth=row.worth,
        proposed=Proposal.from_dict(row.proposed),
        state=ReviewState(row.state),
        tier=row.tier,
        topic=row.topic,
        drawn_with=row.drawn_with,
        certificate=row.certificate,
        opinions=opinions,
    )


def _alarm(row: Any) -> Alarm:
    return Alarm(
        id=row.id,
        at=row.at.replace(tzinfo=UTC),
        kind=row.kind,
        certificate=row.certificate,
        said=row.said,
        body=row.body,
        ended_at=aware(row.ended_at),
    )
