from importlib.metadata import EntryPoint

import pytest

from kbsupport import plugins
from kbsupport.adapters.writers import QuoteWriter
from kbsupport.errors import ConfigError, UnknownPart


@pytest.fixture
def installed(monkeypatch):
    """Install plugins of a stranger."""

    def install(**values):
        group = "kbsupport.writers"
        found = [EntryPoint(name, value, group) for name, value in values.items()]

        def entry_points(**asked):
            return [e for e in found if asked.get("name", e.name) == e.name]

        monkeypatch.setattr(plugins, "entry_points", entry_points)

    return install


def test_ours_is_built_by_name():
    assert isinstance(plugins.build("writer", "quote"), QuoteWriter)


def test_a_strangers_is_built_with_its_options(installed):
    installed(echo="types:SimpleNamespace")
    assert plugins.build("writer", "echo", tone="kind").tone == "kind"


def test_an_unknown_name_lists_those_installed():
    with pytest.raises(UnknownPart, match="'shout'; installed: onnx, sentence-transformers"):
        plugins.build("embedder", "shout")


def test_options_that_do_not_suit_are_a_configuration_error():
    with pytest.raises(ConfigError, match=r"\[writer\] does not suit 'quote'"):
        plugins.build("writer", "quote", colour="red")
    with pytest.raises(ConfigError, match="colour"):
        plugins.build("embedder", "onnx", cache="models", colour="red")


@pytest.mark.parametrize("value", ["no.such.module:Writer", "json:NoSuchWriter"])
def test_a_plugin_that_cannot_be_loaded_is_a_configuration_error(installed, value):
    installed(broken=value)
    with pytest.raises(ConfigError, match="'broken' is installed but cannot be loaded"):
        plugins.build("writer", "broken")
