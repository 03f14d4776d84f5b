"""Exit codes, streams, signals: what a shell sees. Each subprocess costs, so there are few."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kbsupport.cli.demo import QUESTIONS, sample_folder
from kbsupport.cli.options import hoist
from kbsupport.evaluation.labels import read_labels
from kbsupport.model import text_hash

ROOT = Path(__file__).parents[2]
KB = [sys.executable, "-m", "kbsupport"]


@pytest.fixture
def environment(taught_home, model_cache):
    return os.environ | {
        "KB": " ".join(KB),
        "KBSUPPORT_HOME": str(taught_home),
        "KBSUPPORT_EMBEDDER__CACHE": str(model_cache),
    }


@pytest.fixture
def shell(environment):
    """Run a shell line where $KB is the command."""

    def shell(line, **variables):
        script = f"set -o pipefail; {line}"
        return subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            env=environment | variables,
            check=False,
        )

    return shell


@pytest.mark.parametrize(
    "line",
    [
        "--home H --json ask x",
        "ask x --home H --json",
        "ask --json x --home H",
        "--json ask x --home H",
    ],
)
def test_global_options_stand_anywhere(line):
    assert hoist(line.split()) == [
        *[a for a in line.split() if a in ("--home", "H", "--json")],
        "ask",
        "x",
    ]


def test_what_follows_two_dashes_is_no_option():
    assert hoist(["ask", "--quiet", "--", "--json"]) == ["--quiet", "ask", "--", "--json"]
    assert hoist(["ask", "--home=H"]) == ["--home=H", "ask"]


def test_a_question_may_look_like_an_option(kb):
    assert kb("ask", "--json", "--", "--home").json["error"] is None


@pytest.mark.parametrize("option", ["--home", "--config"])
def test_an_option_without_its_value_is_named(kb, option):
    ran = kb("doctor", option)
    assert ran.code == 2
    assert f"'{option}'" in ran.says_one_line()


def test_a_config_file_is_read_before_and_after_the_command(kb, tmp_path):
    config = tmp_path / "other.toml"
    config.write_text("[triage]\npassages = 3\n")
    for line in (["--config", config, "config", "show"], ["config", "show", "--config", config]):
        shown = kb(*line, "--json").json["triage.passages"]
        assert shown == {"value": 3, "origin": str(config)}
    missing = kb("config", "show", "--config", tmp_path / "none.toml")
    assert missing.code == 2
    assert "none.toml" in missing.says_one_line()


def test_quiet_silences_notices_but_no_error(kb, tmp_path):
    assert kb("--quiet", "--home", tmp_path / "new", "ask", "hi").says_one_line()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("articles show no/such/article", 1),
        ("ticket show T-999999", 1),
        ("ticket show bird", 1),
        ("articles show", 2),
        ("no-such-command", 2),
        ("--home {new} articles list", 3),
        ("--home {new} articles show x", 3),
    ],
)
def test_an_error_is_one_line_on_stderr_and_a_code(kb, line, code, tmp_path):
    ran = kb(*line.format(new=tmp_path / "new").split())
    assert (ran.code, ran.out) == (code, "")
    assert ran.says_one_line().startswith("kbsupport: ")


@pytest.mark.parametrize(
    "line", ["", "ask", "index", "articles", "articles show", "config", "demo"]
)
def test_every_command_has_help_with_an_example_or_commands(kb, line):
    ran = kb(*line.split(), "--help")
    assert ran.code == 0
    assert "kbsupport" in ran.out
    assert "\x1b" not in ran.out


def test_the_version_is_printed(kb):
    from kbsupport import __version__

    assert kb("--version").out == f"kbsupport {__version__}\n"


def test_help_is_light_and_free_of_warnings(shell):
    heavy = "torch chromadb sklearn sqlmodel sqlalchemy pydantic onnxruntime numpy rich.progress"
    done = shell(
        f"{sys.executable} -W error -X importtime -m kbsupport --help 2>&1 >/dev/null", NO_COLOR="1"
    )
    assert done.returncode == 0
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stdout.splitlines()}
    assert not loaded & set(heavy.split())
    assert "Warning" not in done.stdout


def test_a_reader_that_leaves_early_is_no_error(command_line, environment, shell, tmp_path):
    rows = [{"id": str(n), "text": "hello"} for n in range(50)]
    tickets = tmp_path / "t.jsonl"
    tickets.write_text("\n".join(map(json.dumps, rows)))
    asking = command_line(
        "ask", "--batch", tickets, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    with asking:
        head = subprocess.run(["head", "-1"], stdin=asking.stdout, capture_output=True, check=True)
        asking.stdout.close()
        assert (asking.stderr.read(), asking.wait(30)) == (b"", 0)
    assert json.loads(head.stdout)["id"] == "0"
    done = shell("$KB --help | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_stdout_is_said_in_one_line(command_line, environment):
    with Path("/dev/full").open("wb") as full:
        asking = command_line(
            "ask", "hello", "--json", stdout=full, stderr=subprocess.PIPE, env=environment
        )
    _, said = asking.communicate(timeout=30)
    assert asking.returncode == 3
    assert said.decode().splitlines() == [
        "kbsupport: stdout cannot be written: No space left on device; free some space"
    ]


def test_streams_may_be_closed_and_know_only_ascii(shell):
    done = shell("$KB ask - --json <&- && $KB ask hello >&-", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["reason"] == "empty_question"


@pytest.fixture
def running(model_cache, tmp_path, command_line):
    """An index run that has begun to embed.

    Not sooner: while a compiled package loads, CPython 3.11 may turn the interrupt into an
    ImportError or lose it, and a person presses again.
    """
    environment = os.environ | {"KBSUPPORT_EMBEDDER__CACHE": str(model_cache)}
    home = tmp_path / "home"
    process = command_line(
        "--home", home, "index", ROOT / "data" / "articles",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not _embedded(home / "kbsupport.db") and time.monotonic() < deadline:
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


def _embedded(database):
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as read:
            return read.execute("SELECT count(*) FROM embedding").fetchone()[0] > 0
    except sqlite3.Error:
        return False


def test_ctrl_c_is_130_and_silent(running):
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err


def test_no_question_of_the_demo_was_learnt(sample_app):
    asked = {text_hash(text) for text, _ in QUESTIONS}
    seen = [
        q for article in sample_app.articles() for q in (article.title, *article.seen_questions)
    ]
    tickets = [label.text for label in read_labels(sample_folder() / "tickets.jsonl")]
    assert asked.isdisjoint(map(text_hash, [*seen, *tickets]))


def test_a_home_may_be_copied_elsewhere(kb, taught_home, tmp_path):
    shutil.copytree(taught_home, tmp_path / "copy")
    ours = kb("ask", "How do I reset my password?", "--json").json
    moved = kb("ask", "How do I reset my password?", "--json", "--home", tmp_path / "copy")
    assert (moved.code, moved.err) == (0, "")
    assert moved.json["answer"] == ours["answer"]
    raw = (tmp_path / "copy" / "kbsupport.db").read_bytes()
    assert str(taught_home).encode() not in raw


def test_the_demo_never_replaces_a_knowledge_base(kb, taught_home):
    ran = kb("demo", "--home", str(taught_home))
    assert ran.code == 2
    assert "holds an index already" in ran.says_one_line()
