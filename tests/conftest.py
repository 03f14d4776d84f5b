import contextlib
import fcntl
import functools
import gc
import multiprocessing
import os
import shutil
import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import hypothesis
import labelled
import pytest
import typer.main
from forking import Copy, original

from kbsupport.adapters import embedders, readers
from kbsupport.app import App, open_app
from kbsupport.evaluation.labels import read_labels
from kbsupport.store.database import Database
from kbsupport.testing import FakeEmbedder

# What a property holds for is tested, not how busy the machine is.
hypothesis.settings.register_profile("any_machine", deadline=None)
hypothesis.settings.load_profile("any_machine")

# Many tests start processes; compiled anew by each of them, our own code costs 0.3 s every time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Those that start other systems, kill processes again and again, or fit models for seconds: half of
# the time of all tests. `make test` leaves them to `make test-long`; .ci/run does both. The longest
# come first, so that none begins last while the other processes have nothing left to do.
LONG = (
    "contracts/test_ticketing.py", "contracts/test_correspondence.py",
    "cli/test_manners.py", "stories/test_injection.py", "learning/test_renewing.py",
    "stories/test_crashes.py", "api/test_schemathesis.py", "api/test_serving.py",
    "knowledge/test_generations.py", "api/test_setup.py", "adapters/test_embedders.py",
    "api/test_widget.py", "cli/test_index_check.py", "store/test_postgres.py",
    "figures/test_rehearsal.py", "adapters/test_ticketing_faults.py", "evaluation/test_report.py",
    "gaps/test_finding.py", "mcp/test_mcp_pipe.py", "mcp/test_mcp_http.py",
    "cli/test_work_command.py", "knowledge/test_articles.py", "watch/test_drift.py",
    "learning/test_replaying.py", "learning/test_bad_labels.py", "adapters/test_writers.py",
    "evaluation/test_scores.py", "api/test_breakers_shown.py",
)  # fmt: skip
# Of the others.
LONGEST = ("api/test_matrix.py", "api/test_chat.py", "api/test_chat_faults.py", "cli/test_batch.py")

# Those of how a database begins.
MIGRATED = tuple(
    f"tests/store/test_{name}.py" for name in ("database", "desk_migration", "postgres")
)

# What a process of ours imports until it has indexed: two seconds of work.
IMPORTED = [
    "alembic.command", "chromadb", "kbsupport.app", "kbsupport.learning.renewing", "onnxruntime",
    "pytest", "sklearn.feature_extraction.text",
]  # fmt: skip

SAMPLE = Path(__file__).parents[1] / "data" / "articles"
TICKETS = SAMPLE.with_name("tickets.jsonl")


Built = Callable[[str, Callable[[Path], None]], Path]


def pytest_configure(config: pytest.Config) -> None:
    """Files are handed out in the order in which they are collected, not by their tests' number."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; all others stay where they are."""
    tests = Path(__file__).parent
    place = {tests / name: number for number, name in enumerate((*LONG, *LONGEST))}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    long = {tests / name for name in LONG}
    for item in items:
        if item.path in long:
            item.add_marker("long")


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it for garbage again and again takes time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Make a folder once for all processes that test side by side; each gets a copy to work on."""
    base = tmp_path_factory.getbasetemp()
    together = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def built(name: str, make: Callable[[Path], None]) -> Path:
        whole, begun = together / f"{name}-built", together / f"{name}-begun"
        with (together / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(begun, ignore_errors=True)
                begun.mkdir()
                make(begun)
                begun.rename(whole)
        return shutil.copytree(whole, tmp_path_factory.mktemp(name) / name)

    return built


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Makes processes that begin with everything imported, and with nothing else of this one."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # see `forking`
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(IMPORTED)
    return made


@pytest.fixture(scope="session")
def command_line() -> Iterator[Callable[..., Copy]]:
    """Begins `kbsupport` with these words as a process that has imported everything already.

    What else is given is given to `subprocess.Popen`, whose like it returns; see `forking`.
    """
    with original() as reached:

        def begin(*arguments: object, **options: Any) -> Copy:
            return Copy(reached, arguments, **options)

        yield begin


@pytest.fixture(scope="session")
def model_cache(built_once: Built) -> Path:
    """One folder of converted models for all tests, so that each is converted once."""

    def make(folder: Path) -> None:
        from kbsupport.adapters.embedders import OnnxEmbedder

        OnnxEmbedder(folder)

    return built_once("models", make)


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    """No test may leave this machine, nor talk to itself, but through a UNIX socket."""

    def only_unix(name):
        real = getattr(socket.socket, name)

        def connect(self, address):
            if self.family != socket.AF_UNIX:
                raise AssertionError(f"a test tried the network: {address}")
            return real(self, address)

        monkeypatch.setattr(socket.socket, name, connect)

    only_unix("connect")
    only_unix("connect_ex")


@pytest.fixture(autouse=True)
def _settings_come_from_the_test(monkeypatch, tmp_path_factory):
    """Whoever runs the tests may have settings of their own; they are not read."""
    for name in [n for n in os.environ if n.startswith("KBSUPPORT_")]:
        monkeypatch.delenv(name)
    nowhere = tmp_path_factory.getbasetemp() / "nobody"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(nowhere / "data"))


@pytest.fixture(scope="session", autouse=True)
def _new_databases_are_copies(tmp_path_factory):
    """Two thousand tests want an empty database: it is migrated once, and copied after.

    Those of how a database begins migrate every one of theirs.
    """
    template = tmp_path_factory.mktemp("template") / "kbsupport.db"
    Database(template).close()
    real = Database.__init__

    def begin(self, where):
        begins = os.environ.get("PYTEST_CURRENT_TEST", "").startswith(MIGRATED)
        if isinstance(where, Path) and not begins and not where.exists():
            with contextlib.suppress(OSError):
                where.parent.mkdir(parents=True, exist_ok=True)
                aside = where.with_name(f".{uuid.uuid4().hex}")
                shutil.copyfile(template, aside)
                # Of several who begin at once, one is first.
                with contextlib.suppress(FileExistsError):
                    os.link(aside, where)
                aside.unlink()
        real(self, where)

    Database.__init__ = begin
    yield
    Database.__init__ = real


@pytest.fixture(scope="session", autouse=True)
def _moods_are_read_once():
    """Every app that is asked reads a lexicon of 7,500 words; here the first one's serves all."""
    real = readers._Mood
    readers._Mood = functools.cache(real)
    yield
    readers._Mood = real


@pytest.fixture(scope="session", autouse=True)
def _models_are_loaded_once():
    """Every app loads the real model, 0.1 s and 40 MB; here the same file is loaded once."""
    real = embedders.Encoder

    @functools.lru_cache(maxsize=2)
    def loaded(path, threads, *_changed):
        return real(path, threads)

    def load(path, threads):
        now = path.stat()
        return loaded(path, threads, now.st_ino, now.st_mtime_ns, now.st_size)

    embedders.Encoder = load
    yield
    embedders.Encoder = real


@pytest.fixture(scope="session", autouse=True)
def _commands_are_read_once():
    """Typer reads the signature of every command for each line that is run: 0.1 s."""
    real = typer.main.get_command
    typer.main.get_command = functools.cache(real)
    yield
    typer.main.get_command = real


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the app of one test keeps everything."""
    return tmp_path / "home"


@pytest.fixture
def make_app(home: Path) -> Iterator[Callable[..., App]]:
    """Open apps with the fake embedder; each call is like a new process on the same home."""
    opened: list[App] = []

    def make(*, at: Path = home, embedder=None, **settings: Mapping) -> App:
        app = open_app(home=at, settings=settings)
        app.embedder = FakeEmbedder() if embedder is None else embedder
        opened.append(app)
        return app

    yield make
    for app in opened:
        app.close()


@pytest.fixture
def fake_app(make_app) -> App:
    """An app over an empty home, with the fake embedder."""
    return make_app()


@pytest.fixture
def real_settings(model_cache: Path) -> dict:
    """The default embedder, converted once for all tests."""
    return _onnx(model_cache)


@pytest.fixture
def real_app(home: Path, real_settings: dict) -> Iterator[App]:
    """An app over an empty home, with the model that everybody gets."""
    with open_app(home=home, settings=real_settings) as app:
        yield app


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write articles below one folder, and take away those given as None."""
    root = tmp_path / "help"

    def write(**articles: str | None) -> Path:
        root.mkdir(exist_ok=True)
        for name, text in articles.items():
            path = root / f"{name}.md"
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture(scope="session")
def indexed_home(model_cache: Path, built_once: Built) -> Path:
    """A home that holds the sample articles, and has never seen a label."""

    def make(folder: Path) -> None:
        with open_app(home=folder, settings=_onnx(model_cache)) as app:
            app.index([SAMPLE])

    return built_once("indexed", make)


@pytest.fixture(scope="session")
def taught_home(indexed_home: Path, model_cache: Path, built_once: Built) -> Path:
    """The same after `calibrate --learn` on the sample tickets, for tests that only ask."""

    def make(folder: Path) -> None:
        shutil.copytree(indexed_home, folder, dirs_exist_ok=True)
        with open_app(home=folder, settings=_onnx(model_cache)) as app:
            labels = read_labels(TICKETS)
            app.learner.calibrate(labels, TICKETS.name, risk=0.1, confidence=0.95, learn=True)

    return built_once("taught", make)


@pytest.fixture(scope="session")
def sample_app(taught_home: Path, model_cache: Path) -> Iterator[App]:
    """One app over the sample articles and tickets, for tests that only ask."""
    with open_app(home=taught_home, settings=_onnx(model_cache)) as app:
        yield app


def _onnx(model_cache: Path) -> dict:
    return {"embedder": {"use": "onnx", "cache": str(model_cache)}}


@pytest.fixture(scope="session")
def small_kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a few made-up articles that are easy to tell apart."""
    made = tmp_path_factory.mktemp("small")
    for name, text in labelled.articles().items():
        (made / f"{name}.md").write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def small_homes(small_kb: Path, built_once: Built) -> dict[str, Path]:
    """Homes over those, without the model: `plain`, and `proven` by labels that were kept."""

    def make(folder: Path) -> None:
        labels = labelled.write(folder / "labels.jsonl", labelled.rows())
        plain, proven = folder / "plain", folder / "proven"
        with open_app(home=plain) as app:
            app.embedder = FakeEmbedder()
            app.index([small_kb])
        shutil.copytree(plain, proven)
        with open_app(home=proven) as app:
            app.embedder = FakeEmbedder()
            app.calibrate(labels, risk=0.2, confidence=0.8, learn=True)

    root = built_once("homes", make)
    return {name: root / name for name in ("plain", "proven")}


@pytest.fixture
def plain_app(small_homes: dict[str, Path], home: Path, make_app: Callable[..., App]) -> App:
    """An app over the few articles, without any label."""
    shutil.copytree(small_homes["plain"], home)
    return make_app()


@pytest.fixture
def proven_app(small_homes: dict[str, Path], home: Path, make_app: Callable[..., App]) -> App:
    """An app over the few articles, with a certificate and the labels that proved it."""
    shutil.copytree(small_homes["proven"], home)
    return make_app()
