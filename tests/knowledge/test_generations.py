"""What becomes of a generation's folder when its disk, its user or Chroma plays tricks."""

import os
import shutil
import time

import pytest

from kbsupport.errors import StoreError
from kbsupport.knowledge.probe import survives
from kbsupport.knowledge.vectors import ChromaFault, ChromaIndex, Group, build_chroma
from kbsupport.testing import FakeEmbedder

QUESTION = "how do I change thing number seventeen"
NUMBERS = ("sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A home with a published generation and the folder it was made from; tests copy it."""
    from kbsupport.app import open_app

    base = tmp_path_factory.mktemp("published")
    root = base / "help"
    root.mkdir()
    for number in NUMBERS:
        lines = "\n\n".join(f"Step {n} of {number}: press the {number} key." for n in range(30))
        (root / f"{number}.md").write_text(f"# Thing {number}\n\nChange {number}.\n\n{lines}\n")
    with open_app(home=base / "home") as app:
        app.embedder = FakeEmbedder()
        app.index([root])
    return base


@pytest.fixture
def opened(published, make_app, home):
    """An app on a copy of that home with its times, as after a restart."""
    shutil.copytree(published / "home", home)
    # copytree keeps times to the nanosecond: nothing looks touched.
    return make_app()


@pytest.fixture
def live(home):
    return home / "index" / "gen-000001"


def vector_file(live, name="data_level0.bin"):
    (found,) = live.glob(f"chroma/*/{name}")
    return found


def truncate(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def empty(path):
    path.write_bytes(b"")


def scribble(path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(os.urandom(min(64 * 1024, path.stat().st_size // 3)))


def overwrite(path, start):
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 16_000)


def rot(path):
    """Bytes change under an old time, as on a failing disk."""
    found = path.stat()
    scribble(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def is_right(reply):
    return reply.articles[0] == "seventeen" and reply.error is None


DAMAGES = {
    "vectors deleted": lambda live: vector_file(live).unlink(),
    "vectors truncated": lambda live: truncate(vector_file(live)),
    "vectors emptied": lambda live: empty(vector_file(live)),
    "vectors scribbled": lambda live: scribble(vector_file(live)),
    "vectors rotten": lambda live: rot(vector_file(live)),
    "links emptied": lambda live: (
        scribble(vector_file(live, "link_lists.bin"))
        if vector_file(live, "link_lists.bin").stat().st_size > 9
        else vector_file(live, "link_lists.bin").unlink()
    ),
    "header scribbled": lambda live: scribble(vector_file(live, "header.bin")),
    "lengths truncated": lambda live: truncate(vector_file(live, "length.bin")),
    "vector folder gone": lambda live: shutil.rmtree(vector_file(live).parent),
    "sqlite deleted": lambda live: (live / "chroma/chroma.sqlite3").unlink(),
    "sqlite truncated": lambda live: truncate(live / "chroma/chroma.sqlite3"),
    "sqlite emptied": lambda live: empty(live / "chroma/chroma.sqlite3"),
    "sqlite header": lambda live: overwrite(live / "chroma/chroma.sqlite3", 0),
    "sqlite scribbled": lambda live: overwrite(live / "chroma/chroma.sqlite3", 4096),
    "terms deleted": lambda live: (live / "terms.npz").unlink(),
    "terms scribbled": lambda live: scribble(live / "terms.npz"),
    "terms rotten": lambda live: rot(live / "terms.npz"),
    "catalog truncated": lambda live: truncate(live / "catalog.npz"),
    "catalog rotten": lambda live: rot(live / "catalog.npz"),
    "chroma gone": lambda live: shutil.rmtree(live / "chroma"),
    "folder gone": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_generation_answers_all_the_same_says_so_and_is_healed(
    opened, make_app, published, live, damage
):
    damage(live)
    reply = opened.ask(QUESTION)
    assert is_right(reply)
    assert any("exact scan" in notice and "--rebuild" in notice for notice in reply.notices)
    opened.close()

    run = make_app().index([published / "help"])
    assert run.embedded == 0
    assert (run.generation, run.unchanged) == (2, len(NUMBERS))
    assert any("damaged" in notice for notice in run.notices)
    after = make_app().ask(QUESTION)
    assert is_right(after)
    assert after.notices == ()
    assert make_app().index([published / "help"]).generation == 2


def test_a_copy_of_the_home_still_asks_chroma(published, make_app, tmp_path):
    # Not copystat: a copy, or a restored backup, has new times.
    shutil.copytree(published / "home", tmp_path / "copy", copy_function=shutil.copyfile)
    app = make_app(at=tmp_path / "copy")
    reply = app.ask(QUESTION)
    assert is_right(reply)
    assert reply.notices == ()
    assert app.library.open()._chroma is not None
    assert app.index([published / "help"]).generation == 1


def hang(*_args, **_kwargs):
    time.sleep(60)


def fail(*_args, **_kwargs):
    raise RuntimeError("Error executing plan: Internal error")


@pytest.mark.parametrize("trick", [hang, fail])
def test_a_chroma_that_hangs_or_fails_is_left_alone_in_time(opened, make_app, monkeypatch, trick):
    from chromadb.api.models.Collection import Collection

    opened.close()
    app = make_app(index={"deadline_seconds": 0.5})
    app.library.open()
    monkeypatch.setattr(Collection, "query", trick)
    begun = time.monotonic()
    reply = app.ask(QUESTION)
    assert is_right(reply)
    assert any("exact scan" in notice for notice in reply.notices)
    # Twice the deadline, and a probe in between whose start is most of it.
    assert time.monotonic() - begun < 15
    begun = time.monotonic()
    assert is_right(app.ask(QUESTION))
    assert time.monotonic() - begun < 0.5


def test_one_failure_of_chroma_is_forgiven(opened, monkeypatch):
    from chromadb.api.models.Collection import Collection

    query, calls = Collection.query, []

    def once(self, **asked):
        calls.append(asked)
        if len(calls) == 1:
            raise RuntimeError("a moment, please")
        return query(self, **asked)

    opened.library.open()
    monkeypatch.setattr(Collection, "query", once)
    reply = opened.ask(QUESTION)
    assert is_right(reply)
    assert reply.notices == ()
    assert len(calls) == 2


def test_a_chroma_that_does_not_want_to_close_holds_nobody_up(opened, monkeypatch):
    opened.library.open()
    opened.library.open()._chroma._client.close = fail
    opened.close()


def test_the_probe_tells_a_sound_folder_from_a_broken_one(opened, live):
    index = opened.library.open()
    sizes, samples = index._sizes(), index._samples()
    opened.close()
    assert survives(live / "chroma", sizes, samples)
    far = {name: Group([], -group.vectors) for name, group in samples.items()}
    assert not survives(live / "chroma", sizes, far)
    assert not survives(live / "chroma", {"public": 7}, samples)
    vector_file(live).write_bytes(os.urandom(vector_file(live).stat().st_size))
    assert not survives(live / "chroma", sizes, samples)


def test_a_build_that_fails_leaves_no_folder_and_the_last_good_one_live(
    opened, published, home, monkeypatch
):
    from chromadb.api.models.Collection import Collection

    monkeypatch.setattr(Collection, "add", fail)
    with pytest.raises(StoreError, match=r"could not be built.*last good one stays live"):
        opened.rebuild()
    assert [p.name for p in (home / "index").glob("gen-*")] == ["gen-000001"]
    monkeypatch.undo()
    assert is_right(opened.ask(QUESTION))
    assert opened.rebuild().generation == 2


def test_what_chroma_lost_while_building_is_noticed(tmp_path, monkeypatch):
    import numpy as np
    from chromadb.api.models.Collection import Collection

    vectors = np.eye(8, dtype=np.float32)
    add = Collection.add

    def forgetful(self, ids, embeddings):
        add(self, ids=ids[:-1], embeddings=embeddings[:-1])

    def blurred(self, ids, embeddings):
        add(self, ids=ids, embeddings=np.roll(embeddings, 1, axis=1) + 0.5)

    for number, trick in enumerate((forgetful, blurred)):
        monkeypatch.setattr(Collection, "add", trick)
        with pytest.raises(ChromaFault):
            build_chroma(
                tmp_path / str(number), {"public": Group([f"v{n}" for n in range(8)], vectors)}
            )


def test_an_index_of_other_sizes_is_refused(tmp_path):
    import numpy as np

    group = Group([f"v{n}" for n in range(8)], np.eye(8, dtype=np.float32))
    build_chroma(tmp_path / "chroma", {"public": group})
    with pytest.raises(ChromaFault, match="8 of 9"):
        ChromaIndex(tmp_path / "chroma", {"public": 9}, 5)
    with pytest.raises(ChromaFault):
        ChromaIndex(tmp_path / "chroma", {"internal": 8}, 5)
    with pytest.raises(ChromaFault, match="missing"):
        ChromaIndex(tmp_path / "nowhere", {"public": 8}, 5)
    assert not (tmp_path / "nowhere").exists()
    index = ChromaIndex(tmp_path / "chroma", {"public": 8}, 5)
    assert index.nearest("public", group.vectors[3], 1)[0][0] == "v3"
    assert index.nearest("internal", group.vectors[3], 1) == []
    index.close()
    index.close()
