"""The only place that picks parts; each is built when it is first touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kbsupport import plugins
from kbsupport.errors import NotFound, UnknownTier
from kbsupport.model import (
    Article,
    Audience,
    Changes,
    Filter,
    Found,
    Identity,
    Label,
    Question,
    Reply,
    Upload,
)
from kbsupport.settings import Loaded, load

if TYPE_CHECKING:
    from kbsupport.assistant import Assistant
    from kbsupport.desk.desk import Desk
    from kbsupport.evaluation.backtest import Backtest
    from kbsupport.knowledge.indexing import Indexer, Progress
    from kbsupport.knowledge.library import Library
    from kbsupport.learning.explaining import Explained
    from kbsupport.learning.judging import Familiar, Judging, Trial
    from kbsupport.learning.learner import Learner
    from kbsupport.learning.replaying import Repeated, Replaying
    from kbsupport.learning.results import Calibration, Learnt
    from kbsupport.learning.seeing import Observer
    from kbsupport.lobby import Lobby
    from kbsupport.loop.loop import Loop
    from kbsupport.mind import Mind
    from kbsupport.people import People
    from kbsupport.ports import AnswerWriter, Embedder, Reader, Rewriter
    from kbsupport.standing import Shelf
    from kbsupport.store.database import Database
    from kbsupport.store.generations import Generation

# A file of labels, or labels.
Labels = Path | str | Sequence[Label]


def open_app(
    home: Path | str | None = None,
    config: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> App:
    """An app over a home; `settings` are nested like the TOML file and beat every other layer."""
    where, file = (None if given is None else Path(given) for given in (home, config))
    return App(load(where, file, settings))


class App:
    """What the doors call: index, ask, look up."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.settings, self.home = loaded.settings, loaded.home

    def index(
        self,
        paths: Sequence[Path | str],
        *,
        exclude: Iterable[str] = (),
        dry_run: bool = False,
        check: Path | str | None = None,
        max_wrong: int = 0,
        progress: Progress = lambda *_: None,
    ) -> Changes:
        """Make the index hold what these paths hold, and replay stored labels on it.

        With `check`, a file of labels, nothing is published that answers more than `max_wrong`
        of them wrongly.
        """
        from kbsupport.learning.given import demand
        from kbsupport.learning.renewing import Renewal

        wanted = None if check is None else demand(Path(check), max_wrong)
        renewal = Renewal(self.database, self.shelf, self._observer_of, progress, wanted)
        changes = self.indexer.sync(
            [Path(p) for p in paths], exclude=frozenset(exclude), dry_run=dry_run,
            progress=progress, gate=renewal,
        )  # fmt: skip
        notices = (*changes.notices, *renewal.notices)
        return replace(changes, notices=notices, replayed=renewal.replayed, check=renewal.check)

    def rebuild(self, progress: Progress = lambda *_: None) -> Changes:
        """Build the vector index anew from the database, without the model."""
        return self.indexer.rebuild(progress)

    def ask(
        self,
        text: str,
        *,
        customer: str | None = None,
        tier: str | None = None,
        language: str | None = None,
        product: str | None = None,
        audience: Audience | str = Audience.PUBLIC,
        id: str | int | None = None,
        conversation_id: str | None = None,
        identity: Identity | str | None = None,
        channel: str = "python",
        key: str | None = None,
        uploads: Sequence[Upload] = (),
        open_ticket: bool = True,
    ) -> Reply:
        """Decide one question; a message that comes again with its `key` is answered once."""
        if tier is not None and tier not in self.settings.customers.tiers:
            raise UnknownTier(tier, self.settings.customers.tiers)
        question = Question(
            text=text,
            id=id,
            customer_id=customer,
            tier=tier,
            language=language,
            product=product,
            audience=Audience(audience),
            conversation_id=conversation_id,
            identity=None if identity is None else Identity(identity),
            channel=channel,
            key=key,
            uploads=tuple(uploads),
        )
        return self.assistant.ask(question, open_ticket=open_ticket)

    def search(
        self, text: str, *, tier: str | None = None, audience: Audience | str = Audience.PUBLIC
    ) -> Found:
        """The articles found for a text, best first; nothing is decided or stored."""
        library = self.library
        standing = self.shelf.standing()
        ranking = standing.judge_for(any_history=library.memory().any_history).ranking
        by = Filter(Audience(audience), tier or self.settings.customers.tiers[0])
        count = self.settings.triage.passages
        return library.search(text, library.embed(text), by, count, ranking)

    def learn(self, labels: Labels, *, progress: Progress = lambda *_: None) -> Learnt:
        """Keep solved tickets as history; none of their text becomes article text."""
        rows, source = _given(labels)
        return self.learner.learn(rows, source, progress)

    def calibrate(
        self,
        labels: Labels,
        *,
        risk: float | None = None,
        confidence: float = 0.95,
        learn: bool = False,
        by: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> Calibration:
        """Fit the judge on one part of the labels and prove thresholds on the other."""
        rows, source = _given(labels)
        return self.learner.calibrate(
            rows, source, risk=risk, confidence=confidence, learn=learn, by=by, progress=progress
        )

    def backtest(self, labels: Labels, *, progress: Progress = lambda *_: None) -> Backtest:
        """What would be decided for labelled tickets now, in figures; nothing is stored."""
        return self.judging.backtest(_given(labels)[0], progress)

    def familiar(self, labels: Labels) -> Familiar:
        """How many of these labels the system knows already: figures on those flatter."""
        return self.judging.familiar(*_given(labels))

    def whatif(
        self,
        labels: Labels,
        *,
        risk: float | None = None,
        policy: Path | str | None = None,
        costs: Mapping[str, float] | None = None,
        progress: Progress = lambda *_: None,
    ) -> Trial:
        """What another risk, policy or cost would change for labelled tickets; nothing is kept."""
        rows, source = _given(labels)
        return self.judging.whatif(
            rows, self.learner, policy=policy, risk=risk, costs=costs or {}, source=source,
            progress=progress,
        )  # fmt: skip

    def replay(self, decision_id: str, *, search: bool = False) -> Repeated:
        """Decide a stored decision again; `search` also searches again in its generation."""
        return self.replaying.replay(decision_id, search=search)

    def explain(self, decision_id: str) -> Explained:
        """Why a stored decision was made, in plain words."""
        from kbsupport.learning.explaining import explain

        return explain(self.database, decision_id)

    def articles(self) -> list[Article]:
        """Every article of the live index, drafts too."""
        return self.library.articles()

    def article(self, article_id: str) -> Article:
        """One article of the live index."""
        found = next((a for a in self.articles() if a.id == article_id), None)
        if found is None:
            raise NotFound(f"no article {article_id!r}; see: kbsupport articles list")
        return found

    def close(self) -> None:
        """Give files and connections back."""
        for name in ("library", "database"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def database(self) -> Database:
        """What must survive."""
        from kbsupport.store.database import Database

        return Database(self.loaded.database)

    @cached_property
    def embedder(self) -> Embedder:
        """The model that turns texts into vectors."""
        use, options = self.settings.embedder.use, self.settings.embedder.options()
        if use == "onnx" and "model" in options:
            # Naming another model is enough; the packaged one is all that `onnx` can run.
            use = "sentence-transformers"
        if use == "onnx":
            # The only part that keeps files of its own; they belong to this home.
            options.setdefault("cache", self.home / "models")
        made: Embedder = plugins.build("embedder", use, **options)
        return made

    @cached_property
    def writer(self) -> AnswerWriter:
        """Whoever writes an answer from what was found."""
        section = self.settings.writer
        made: AnswerWriter = plugins.build("writer", section.use, **section.options())
        return made

    @cached_property
    def rewriter(self) -> Rewriter | None:
        """Whoever may say in other words what has passed; what it reads holds nobody's data."""
        section = self.settings.rewriter
        if section.use == "none":
            return None
        options = {"mask": self.people.inspector.masked} | section.options()
        made: Rewriter = plugins.build("rewriter", section.use, **options)
        return made

    @cached_property
    def library(self) -> Library:
        """Where passages are found."""
        return self._library_over(None)

    @cached_property
    def indexer(self) -> Indexer:
        """Whoever keeps the library in step with the files."""
        from kbsupport.knowledge.indexing import Indexer

        size = self.settings.index.passage_words
        return Indexer(self.database, self._index_root, lambda: self.embedder, size)

    @cached_property
    def reader(self) -> Reader:
        """Whoever tells language and mood of a message."""
        section = self.settings.reader
        made: Reader = plugins.build("reader", section.use, **section.options())
        return made

    @cached_property
    def shelf(self) -> Shelf:
        """Where judge, policy and certificate are kept."""
        from kbsupport.standing import Shelf

        return Shelf(self.home, self.settings.triage.policy, self.settings.triage.prior)

    @cached_property
    def mind(self) -> Mind:
        """Whoever thinks before anything is done."""
        from kbsupport.mind import Mind, Rules

        rules = Rules(
            passages=self.settings.triage.passages,
            default_tier=self.settings.customers.tiers[0],
            require_certificate=self.settings.triage.require_certificate,
        )
        return Mind(self.library, self.reader, self.shelf, rules)

    @cached_property
    def observer(self) -> Observer:
        """Whoever puts labels to the system as questions."""
        from kbsupport.learning.seeing import Observer

        return Observer(self.mind, self.database, lambda: self.embedder, lambda: self.writer)

    @cached_property
    def learner(self) -> Learner:
        """Whoever learns from labels."""
        from kbsupport.learning.learner import Learner

        return Learner(self.observer)

    @cached_property
    def judging(self) -> Judging:
        """Whoever decides labelled tickets without keeping anything."""
        from kbsupport.learning.judging import Judging

        return Judging(self.observer)

    @cached_property
    def replaying(self) -> Replaying:
        """Whoever decides stored decisions again."""
        from kbsupport.learning.replaying import Replaying

        return Replaying(self.database, lambda: self.embedder, self._exactly)

    @cached_property
    def assistant(self) -> Assistant:
        """Whoever answers."""
        from kbsupport.assistant import Assistant

        people = self.people
        return Assistant(
            self.mind, self.writer, people.reception, people.orders, people.replies,
            people.keeper, people.attach, people.inspector.of_answer, self.rewriter,
        )  # fmt: skip

    @cached_property
    def people(self) -> People:
        """The parts that look after customers and specialists."""
        from kbsupport.people import People

        return People(self.loaded, lambda: self.database, lambda: self.shelf, lambda: self.reader)

    @property
    def desk(self) -> Desk:
        """Where escalations wait for people."""
        return self.people.desk

    @cached_property
    def loop(self) -> Loop:
        """What people and customers say comes back as labels, bounds and alarms."""
        from kbsupport.loop.loop import Loop

        return Loop(self, self.settings.customers.tiers[0])

    @cached_property
    def lobby(self) -> Lobby:
        """Keys, what comes in and goes out, and the work behind the doors."""
        from kbsupport.lobby import Lobby

        return Lobby(self)

    def _library_over(self, only: Generation | None) -> Library:
        from kbsupport.knowledge.library import Library

        deadline = self.settings.index.deadline_seconds
        return Library(self.database, self._index_root, lambda: self.embedder, deadline, only)

    def _observer_of(self, generation: Generation) -> Observer:
        """Whoever looks at a generation with what stands, before it is live."""
        from kbsupport.learning.seeing import Observer
        from kbsupport.mind import Mind

        library = self._library_over(generation)
        mind = Mind(library, self.reader, self.shelf, self.mind.rules)
        return Observer(mind, self.database, lambda: self.embedder, lambda: self.writer)

    def _exactly(self, generation: int) -> Library:
        """One generation, searched exactly and from the database alone."""
        from kbsupport.knowledge.library import Library
        from kbsupport.store import generations

        with self.database.read() as connection:
            only = generations.get(connection, generation)
        where = self._index_root
        return Library(self.database, where, lambda: self.embedder, only=only, exact=True)

    @property
    def _index_root(self) -> Path:
        return self.home / "index"


def _given(labels: Labels) -> tuple[Sequence[Label], str]:
    from kbsupport.learning.given import given_labels

    return given_labels(labels)
