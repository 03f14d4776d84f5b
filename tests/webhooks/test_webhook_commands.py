"""kbsupport webhooks, as it is typed."""

import pytest
from cli.conftest import Ran
from standardwebhooks import Webhook
from webhooks.receiving import Receiver

from kbsupport.cli.main import run


@pytest.fixture
def kbs(home, monkeypatch, capsys):
    """Run a command over an empty home that may call this machine."""
    monkeypatch.setenv("KBSUPPORT_SERVE__PRIVATE_HOSTS", '["127.0.0.1"]')

    def kbs(*arguments):
        with pytest.raises(SystemExit) as stopped:
            run(["--home", str(home), *arguments])
        said = capsys.readouterr()
        return Ran(stopped.value.code or 0, said.out, said.err)

    return kbs


def test_a_webhook_from_added_to_removed(kbs):
    assert kbs("webhooks", "list").out.startswith("there is none; add one")
    with Receiver() as receiver:
        secret = kbs("webhooks", "add", receiver.url, "--type", "ticket.*").out.strip()
        [found] = kbs("webhooks", "list", "--json").json
        name = found["id"]
        assert kbs("webhooks", "test", name).out == "it answered 200\n"
        assert Webhook(secret).verify(receiver.got[0][1], receiver.got[0][0])
        receiver.says = [(500, {})]
        ran = kbs("webhooks", "test", name, "--json")
        assert (ran.code, ran.json["status"]) == (1, 500)
    assert (kbs("webhooks", "test", name).code) == 1
    for odd in ("nan", "1e12", "inf"):
        ran = kbs("webhooks", "rotate", name, "--grace-hours", odd)
        assert (ran.code, "--grace-hours" in ran.says_one_line()) == (2, True)
        ran = kbs("keys", "add", "page", "--role", "customer", "--visitors", "--days", odd)
        assert (ran.code, "--days" in ran.says_one_line()) == (2, True)
    assert kbs("webhooks", "rotate", name).out.strip() != secret
    assert kbs("webhooks", "deliveries", name).out == "nothing was told yet\n"
    assert kbs("webhooks", "again", name, "1").code == 1
    assert kbs("webhooks", "enable", name).code == 0
    assert kbs("webhooks", "remove", name).code == 0
    ran = kbs("webhooks", "remove", name)
    assert (ran.code, "webhooks list" in ran.says_one_line()) == (1, True)


def test_an_address_inside_and_a_type_that_never_comes_are_refused(kbs):
    for url in ("http://169.254.169.254/", "https://0x7f.1/", "https://user@8.8.8.8/"):
        ran = kbs("webhooks", "add", url)
        assert (ran.code, ran.out) == (2, "")
        ran.says_one_line()
    assert kbs("webhooks", "add", "http://127.0.0.1/", "--type", "ticket.lost").code == 2


def test_a_bell_is_made_for_the_help_desk_that_is_set_and_ends(kbs, monkeypatch):
    assert kbs("webhooks", "inbound", "request-tracker").code == 2
    for name, value in {
        "USE": "request-tracker", "URL": "http://127.0.0.1:9", "QUEUE": "Support", "TOKEN": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"KBSUPPORT_TICKETING__{name}", value)
    address = kbs("webhooks", "inbound", "request-tracker", "--url", "https://kb.example/").out
    assert address.startswith("https://kb.example/v1/hooks/request-tracker/")
    signed = kbs("webhooks", "inbound", "request-tracker", "--signed").out.splitlines()
    assert signed[1].startswith("whsec_")
    [first, _] = kbs("webhooks", "bells", "--json").json
    assert "ended" in kbs("webhooks", "bells", "--end", first["id"]).out
    assert kbs("webhooks", "bells", "--end", first["id"]).code == 1
