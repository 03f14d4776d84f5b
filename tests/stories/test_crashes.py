"""Power, people and full disks stop an index run at any moment; questions go on."""

import os
import random
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from kbsupport.app import open_app
from kbsupport.errors import StoreError
from kbsupport.model import Channels, Filter
from kbsupport.testing import FakeEmbedder

SAMPLE = Path(__file__).parents[2] / "data" / "articles"
QUESTION = "How do I change the payment card for my plan?"
ARTICLE = "billing/change-payment-method"
KILLS = 3


@pytest.fixture(scope="module")
def seen_good(tmp_path_factory, model_cache):
    """A home with the sample articles indexed by the real model, and the articles; copied."""
    base = tmp_path_factory.mktemp("good")
    for topic in ("billing", "plans"):
        shutil.copytree(SAMPLE / topic, base / "articles" / topic)
    with open_app(home=base / "home", settings=onnx(model_cache)) as app:
        app.index([base / "articles"])
        assert app.ask(QUESTION, open_ticket=False).articles[0] == ARTICLE
    return base


@pytest.fixture
def good(seen_good, tmp_path):
    shutil.copytree(seen_good, tmp_path, dirs_exist_ok=True)
    return tmp_path


def onnx(model_cache):
    return {"embedder": {"use": "onnx", "cache": str(model_cache)}}


@pytest.fixture
def begun(command_line, model_cache):
    """An index run of the command line, in a process of its own."""
    config = model_cache / "kbsupport.toml"
    if not config.exists():
        config.write_text(f"[embedder]\nuse = 'onnx'\ncache = '{model_cache}'\n")

    def begin(home, articles):
        words = ("index", articles, "--home", home, "--config", config)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return command_line(*words, strict=True, **streams)

    return begin


def index(home, articles, model_cache):
    with open_app(home=home, settings=onnx(model_cache)) as app:
        app.index([articles])


def change(articles, number):
    """Give every third article a line nobody has read before."""
    for path in sorted(articles.rglob("*.md"))[::3]:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n\nRevision {number} of this page mentions zyx{number}word.\n")


def drafts(home):
    """Is a generation being built? Asked of the database, as any reader may."""
    with sqlite3.connect(f"file:{home}/kbsupport.db?mode=ro", uri=True) as connection:
        query = "SELECT count(*) FROM generation WHERE state = 'building'"
        found = connection.execute(query).fetchone()[0]
    connection.close()
    return found


MOMENTS = {
    "at any time": (lambda home, before: True, 0.8),
    "while embedding": (lambda home, before: drafts(home), 0.15),
    "while building": (lambda home, before: set((home / "index").glob("gen-*")) - before, 0.3),
    "around the flip": (
        lambda home, before: any(
            (folder / "catalog.npz").exists()
            for folder in set((home / "index").glob("gen-*")) - before
        ),
        0.06,
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_index_run_harms_nobody_and_the_next_one_completes(
    good, model_cache, processes, moment
):
    reached, spread = MOMENTS[moment]
    home, articles = good / "home", good / "articles"
    chance = random.Random(moment)
    killed = 0
    for number in range(KILLS):
        change(articles, number)
        before = set((home / "index").glob("gen-*"))
        run = processes.Process(target=index, args=(home, articles, model_cache))
        run.start()
        while run.is_alive() and not reached(home, before):
            time.sleep(0.002)
        time.sleep(chance.random() * spread)
        run.kill()
        run.join()
        killed += run.exitcode == -9
        with open_app(home=home, settings=onnx(model_cache)) as app:
            reply = app.ask(QUESTION, open_ticket=False)
            assert reply.articles[0] == ARTICLE
            assert (reply.error, reply.notices) == (None, ())
            done = app.index([articles])
            assert done.failed == ()
            after = app.ask(f"zyx{number}word", open_ticket=False)
            assert f"zyx{number}word" in app.article(after.articles[0]).text
            assert app.database.integrity() == "ok"
            assert drafts(home) == 0
        assert len(list((home / "index").glob("gen-*"))) <= 2
    assert killed


def test_two_index_runs_at_once_both_succeed(good, model_cache, begun):
    home, articles = good / "home", good / "articles"
    change(articles, 7)
    runs = [begun(home, articles) for _ in range(2)]
    outputs = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    with open_app(home=home, settings=onnx(model_cache)) as app:
        assert app.ask(QUESTION, open_ticket=False).articles[0] == ARTICLE
        assert app.library.open().generation.id == 2


@pytest.fixture
def little_disk(tmp_path):
    """A disk of a few megabytes of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = os.geteuid() == 0 and shutil.which("mount")
    if made:
        made = not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk],
            check=False,
            capture_output=True,
        ).returncode
    if not made:
        pytest.skip("a small disk can only be mounted by root, where mount is allowed")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk, leave):
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        free = shutil.disk_usage(disk).free - leave
        file.write(b"x" * max(free, 0))
    return ballast


@pytest.mark.parametrize("leave", [0, 150_000, 600_000])
def test_a_full_disk_is_named_and_the_last_good_index_goes_on(
    seen_good, little_disk, model_cache, begun, tmp_path, leave
):
    home, articles = little_disk / "home", tmp_path / "articles"
    shutil.copytree(seen_good / "home", home)
    shutil.copytree(seen_good / "articles", articles)
    change(articles, 1)
    ballast = fill(little_disk, leave)

    run = begun(home, articles)
    _, said = run.communicate()
    assert run.returncode == 3, said
    (line,) = said.strip().splitlines()
    assert "disk is full" in line or "No space left" in line

    if leave:
        # Chroma writes where it only reads; on a full disk the exact scan stands in.
        with open_app(home=home, settings=onnx(model_cache)) as app:
            vector = app.library.embed(QUESTION)
            found = app.library.search(QUESTION, vector, Filter(), 3, Channels(vector_best=1.0))
            assert found.matches[0].article_id == ARTICLE
    else:
        with pytest.raises(StoreError, match="the disk is full"):
            open_app(home=home, settings=onnx(model_cache)).ask(QUESTION)
    ballast.unlink()
    with open_app(home=home, settings=onnx(model_cache)) as app:
        assert app.index([articles]).failed == ()
        assert app.ask(QUESTION).articles[0] == ARTICLE
        assert app.ask("zyx1word").notices == ()
        assert app.database.integrity() == "ok"


def index_again_and_again(home, root, numbers):
    with open_app(home=home) as app:
        app.embedder = FakeEmbedder()
        for number in numbers:
            (root / "changing.md").write_text(f"# Battery {number}\n\nChange it, {number} times.\n")
            app.index([root])


def test_whoever_asks_while_index_runs_go_on_always_gets_an_answer(
    make_app, folder, home, processes
):
    root = folder(steady="# Refunds\n\nMoney comes back to your card within 14 days.\n")
    index_again_and_again(home, root, [0])
    reader, generations = make_app(), set()
    builder = processes.Process(target=index_again_and_again, args=(home, root, [1, 2, 3, 4, 5]))
    builder.start()
    asked = 0
    while builder.is_alive():
        reply = reader.ask("money back to my card", open_ticket=False)
        assert reply.articles[0] == "steady"
        assert (reply.error, reply.notices) == (None, ())
        generations.add(reader.library.open().generation.id)
        asked += 1
    builder.join()
    assert builder.exitcode == 0
    assert asked > 20
    reader.ask("money back to my card")
    assert reader.library.open().generation.id == 6
    assert len(generations) > 1
