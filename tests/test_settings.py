from pathlib import Path

import pytest

from kbsupport.errors import ConfigError
from kbsupport.settings import load


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder to stand in, and a user's own configuration folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    (tmp_path / "user" / "kbsupport").mkdir(parents=True)
    return tmp_path


def said(**asked):
    with pytest.raises(ConfigError) as error:
        load(**asked)
    words = str(error.value)
    assert "\n" not in words
    return words


def test_no_file_is_needed_to_start(place):
    loaded = load()
    assert loaded.settings.embedder.use == "onnx"
    assert set(loaded.origins.values()) == {"default"}


def test_each_layer_beats_the_one_below(place, monkeypatch):
    def passages(**asked):
        loaded = load(**asked)
        return loaded.settings.triage.passages, loaded.origins["triage.passages"]

    user = place / "user" / "kbsupport" / "config.toml"
    assert passages() == (8, "default")
    user.write_text("[triage]\npassages = 2\nrequire_certificate = true\n")
    assert passages() == (2, str(user))
    Path("kbsupport.toml").write_text("[triage]\npassages = 3\n")
    assert passages() == (3, "kbsupport.toml")
    Path(".env").write_text("KBSUPPORT_TRIAGE__PASSAGES=4\nOTHER_PROGRAM=1\n")
    assert passages() == (4, ".env")
    monkeypatch.setenv("KBSUPPORT_TRIAGE__PASSAGES", "5")
    assert passages() == (5, "environment")
    assert passages(flags={"triage": {"passages": 6}}) == (6, "flag")
    assert load().settings.triage.require_certificate is True
    assert load().origins["triage.require_certificate"] == str(user)


def test_a_named_file_takes_the_place_of_the_projects(place):
    Path("kbsupport.toml").write_text("[triage]\npassages = 3\n")
    Path("other.toml").write_text("[triage]\nrequire_certificate = true\n")
    loaded = load(config=Path("other.toml"))
    triage = loaded.settings.triage
    assert (triage.passages, triage.require_certificate) == (8, True)
    assert loaded.origins["triage.require_certificate"] == "other.toml"
    assert "none.toml" in said(config=Path("none.toml"))


def test_the_home_is_flag_then_environment_then_dotenv_then_xdg(place, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert load().home == Path("/data/kbsupport")
    Path(".env").write_text("KBSUPPORT_HOME=/dotenv\n")
    assert (load().home, load().origins["home"]) == (Path("/dotenv"), ".env")
    monkeypatch.setenv("KBSUPPORT_HOME", "/environment")
    assert load().home == Path("/environment")
    assert load().origins["home"] == "environment KBSUPPORT_HOME"
    assert load(home=Path("/flag")).home == Path("/flag")


def test_one_option_of_a_part_leaves_the_choice_of_the_part_alone(place, monkeypatch):
    monkeypatch.setenv("KBSUPPORT_EMBEDDER__CACHE", "/models")
    loaded = load()
    assert loaded.settings.embedder.use == "onnx"
    assert loaded.settings.embedder.options() == {"cache": "/models"}
    assert loaded.origins["embedder.use"] == "default"
    assert loaded.origins["embedder.cache"] == "environment"


def test_a_plugins_option_from_the_environment_has_a_type(place, monkeypatch):
    for name, value in {
        "THREADS": "2",
        "DOWNLOAD": "true",
        "SCALE": "-0.5",
        "MODEL": "007",
    }.items():
        monkeypatch.setenv(f"KBSUPPORT_EMBEDDER__{name}", value)
    options = {"threads": 2, "download": True, "scale": -0.5, "model": "007"}
    assert load().settings.embedder.options() == options


@pytest.mark.parametrize(
    ("toml", "names"),
    [
        ("[triage]\npasages = 3", ["triage.pasages", "triage.passages"]),
        ("[trige]\npassages = 3", ["trige", "triage"]),
        ("passages = 3", ["passages"]),
        ("[triage]\npassages = 'many'", ["triage.passages"]),
        ("[triage]\npassages = 0", ["triage.passages"]),
        ("[triage]\npassages = 2.5", ["triage.passages"]),
        ("triage = 3", ["triage"]),
        ("[customers]\ntiers = []", ["customers.tiers"]),
        ("[customers]\ntiers = ['a', 1]", ["customers.tiers"]),
        ("[index]\ndeadline_seconds = nan", ["index.deadline_seconds"]),
        ("embedder = 'onnx'", ["embedder"]),
        ("[triage", ["not valid TOML"]),
        ("[triage]\npassages = 3\n[triage]\ncoverage = 0.5", ["not valid TOML"]),
    ],
)
def test_a_wrong_setting_is_named_with_its_origin(place, toml, names):
    Path("kbsupport.toml").write_text(toml)
    words = said()
    assert words.startswith("kbsupport.toml")
    for name in names:
        assert name in words


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("KBSUPPORT_TRIGE__PASSAGES", "3", "KBSUPPORT_TRIGE__PASSAGES"),
        ("KBSUPPORT_TRIAGE__PASAGES", "3", "triage.pasages"),
        ("KBSUPPORT_TRIAGE__PASSAGES", "many", "triage.passages"),
        ("KBSUPPORT_TRIAGE", "nonsense", "triage"),
        ("KBSUPPORT_CUSTOMERS__TIERS", "a,b", "customers"),
    ],
)
@pytest.mark.parametrize("origin", ["environment", ".env"])
def test_a_wrong_variable_is_named_with_its_origin(place, monkeypatch, origin, name, value, key):
    if origin == ".env":
        Path(".env").write_text(f"{name}={value}\n")
    else:
        monkeypatch.setenv(name, value)
    words = said()
    assert words.startswith(origin)
    assert key in words


def test_files_that_are_no_text_are_errors_with_their_name(place):
    Path("kbsupport.toml").write_bytes(b"\xff\xfe")
    assert "kbsupport.toml" in said()
    Path("kbsupport.toml").unlink()
    Path("kbsupport.toml").mkdir()
    assert "kbsupport.toml cannot be read" in said()
    Path("kbsupport.toml").rmdir()
    Path(".env").write_bytes(b"A=\xff")
    assert ".env" in said()


def test_a_variable_of_another_program_is_no_setting(monkeypatch, tmp_path):
    before = load(tmp_path / "home").settings
    for name in ("SERVE", "WRITER", "DESK"):
        monkeypatch.setenv(name, "1")
    assert load(tmp_path / "home").settings == before
