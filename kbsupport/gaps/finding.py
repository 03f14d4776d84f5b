"""Finds gaps in what went to people or in a file, and says what an article bought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kbsupport.errors import Conflict, NotFound
from kbsupport.gaps.asked import Asked
from kbsupport.gaps.clusters import MOST
from kbsupport.gaps.given import read_asked
from kbsupport.gaps.looking import Look, comparing
from kbsupport.gaps.naming import Tongue, name_of
from kbsupport.gaps.report import Closed, Report
from kbsupport.gaps.sorting import gaps_of
from kbsupport.gaps.yields import Yield, cluster_of, yield_of
from kbsupport.model import ESCALATE, Article, Label, text_hash
from kbsupport.store import gaps as stored
from kbsupport.store import labels as kept

if TYPE_CHECKING:
    from kbsupport.knowledge.indexing import Progress
    from kbsupport.learning.learner import Learner
    from kbsupport.learning.results import Learnt
    from kbsupport.learning.seeing import Observer


@dataclass(frozen=True, slots=True)
class Bought:
    """What an article bought, and what learning its golden question did."""

    bought: Yield
    learnt: Learnt | None

    def notes(self) -> list[str]:
        """What to say beside it."""
        return self.learnt.notes() if self.learnt else []


class Gaps:
    """Looks for what should be written next."""

    def __init__(
        self, observer: Observer, learner: Callable[[], Learner], clock: Callable[[], datetime]
    ) -> None:
        self._observer, self._learner, self._clock = observer, learner, clock

    def find(self, file: Path | str | None = None, progress: Progress = lambda *_: None) -> Report:
        """Every gap in a file of tickets, or in what went to people; nothing is stored."""
        asked = self._asked(file)
        closed = self._closed()
        if not asked:
            return Report(0, (), closed=closed)
        with self._observer.mind.library.steady():
            looked = Look(self._observer, asked, progress).decided()
            articles = self._articles()
            found = gaps_of(looked, comparing(articles, self._observer), _tongue(asked, articles))
        return replace(found, closed=closed)

    def after(
        self,
        article_id: str,
        file: Path | str | None = None,
        *,
        keep: bool = True,
        progress: Progress = lambda *_: None,
    ) -> Bought:
        """What this article bought: its gap's tickets decided without it, and with it.

        With `keep`, the golden question is learnt and the closed gap kept for the report.
        """
        self._check(article_id)
        asked = self._asked(file)
        with self._observer.mind.library.steady():
            look = Look(self._observer, asked, progress)
            now = {one.asked.id: one for one in look.decided()}
            without = look.decided(without=article_id)
            articles = [one for one in self._articles() if one.id != article_id]
            tongue = _tongue(asked, articles)
            gaps = gaps_of(without, comparing(articles, self._observer), tongue)
        before = {one.asked.id: one for one in without}
        tickets = cluster_of(article_id, gaps, before, now)
        if not tickets:
            raise NotFound(
                f"{article_id} probably answers none of {len(asked)} questions that were open "
                "without it; see: kbsupport gaps"
            )
        name = name_of([now[ticket].asked.text for ticket in tickets], tongue)
        bought = yield_of(article_id, name, tickets, before, now, self._risks())
        return self._keep(bought, progress) if keep else Bought(bought, None)

    def _keep(self, bought: Yield, progress: Progress) -> Bought:
        learnt = None
        if self._is_new(bought.golden):
            learnt = self._learner().learn([bought.golden], _source(bought.article_id), progress)
        bought = replace(bought, kept=learnt is not None)
        with self._observer.database.write() as connection:
            stored.save_closed(
                connection, bought.article_id, cluster=bought.cluster(),
                before=bought.kept_before(), after=bought.kept_after(), now=self._clock(),
            )  # fmt: skip
        return Bought(bought, learnt)

    def _is_new(self, golden: Label) -> bool:
        """True unless the article has its golden question, or this text was kept for a proof."""
        source, text = _source(golden.accept_ids[0]), text_hash(golden.text)
        with self._observer.database.read() as connection:
            known = kept.load_labels(connection)
        of_text = [one for one in known if one.text_hash == text]
        return not any(one.source == source for one in known) and not any(
            one.role == kept.THRESHOLD or one.label.accept_ids == golden.accept_ids
            for one in of_text
        )

    def _asked(self, file: Path | str | None) -> Sequence[Asked]:
        given = read_asked(Path(file)) if file is not None else self._handed_over()
        # The newest count where there are more than can be compared with one another.
        asked = [one for one in given if one.text.strip()][-MOST:]
        # A file may give two tickets the same id; what is counted by id must not lose one.
        seen: dict[str, int] = {}
        unique = []
        for one in asked:
            seen[one.id] = seen.get(one.id, 0) + 1
            again = f"{one.id}#{seen[one.id]}" if seen[one.id] > 1 else one.id
            unique.append(replace(one, label=replace(one.label, id=again)))
        return unique

    def _handed_over(self) -> list[Asked]:
        with self._observer.database.read() as connection:
            rows = stored.handed_over(connection, MOST)
        return [
            Asked(
                Label(
                    row.ticket_id,
                    row.text,
                    ESCALATE,
                    tier=row.tier,
                    created_at=row.created_at,
                    customer_id=row.customer_id,
                    conversation_id=row.conversation_id,
                ),
                row.replies,
            )
            for row in rows
        ]

    def _articles(self) -> list[Article]:
        return [article for article in self._observer.mind.library.articles() if article.published]

    def _check(self, article_id: str) -> None:
        found = {article.id: article for article in self._observer.mind.library.articles()}
        if article_id not in found:
            raise NotFound(f"no article {article_id!r}; see: kbsupport articles list")
        if not found[article_id].published:
            raise Conflict(f"{article_id} is a draft; publish it, index it, and try again")

    def _risks(self) -> dict[str, float | None]:
        certificate, _ = self._observer.mind.certificate()
        if certificate is None:
            return {}
        loosest = max((bound.risk for bound in certificate.tiers.values()), default=None)
        return {certificate.id: loosest}

    def _closed(self) -> tuple[Closed, ...]:
        with self._observer.database.read() as connection:
            rows = stored.closed_gaps(connection)
        return tuple(
            Closed(
                at=row.at,
                article_id=row.article_id,
                name=row.cluster["name"],
                tickets=len(row.cluster["tickets"]),
                before=row.before["resolved"],
                after=row.after["resolved"],
                wrong=row.after["expected_wrong"],
            )
            for row in rows
        )


def _tongue(asked: Sequence[Asked], articles: Sequence[Article]) -> Tongue:
    # With the articles: where few asked, what all of them say is the name, not what none says.
    return Tongue.of([*(one.text for one in asked), *(article.text for article in articles)])


def _source(article_id: str) -> str:
    """What the labels call where a golden question comes from."""
    return f"gap closed by {article_id}"
