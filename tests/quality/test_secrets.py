import time

import pytest

from kbsupport.quality.secrets import find_secrets

LONG = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("AWS key", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("Stripe key", "sk_" + "live_" + LONG[:24]),
        ("webhook secret", "whsec_" + LONG),
        ("signed token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + LONG),
        ("GitHub token", "ghp_" + LONG),
        ("GitHub token", "github_pat_" + LONG),
        ("Slack token", "xoxb-" + "123456789012-" + LONG),
        ("Slack webhook", "hooks.slack.com/" + "services/T0001/B0001/" + LONG),
        ("Google key", "AIza" + LONG[:35]),
        ("model provider key", "sk-proj-" + LONG),
        ("kbsupport key", f"kbs_k7_{LONG}"),
        ("password in a link", "postgres://desk:" + "hunter22@"),
        ("private key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE=\n-----END RSA PRIVATE KEY-----"),
        ("private key, cut short", "-----BEGIN PRIVATE KEY-----\nMIIEvQ"),
    ],
)
def test_a_secret_is_told_by_its_shape(kind, secret):
    text = f"Here it is: {secret}"
    assert [(one.kind, text[one.start : one.end]) for one in find_secrets(text)] == [(kind, secret)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your new password is hunter2!x.", "hunter2!x"),
        ("Das Passwort lautet: Sommer24", "Sommer24"),
        ("Mot de passe : azerty99", "azerty99"),
        ("wachtwoord=welkom01", "welkom01"),
        ("The PIN for your card is 4711", "4711"),
        ("api_key: 9f86d081884c", "9f86d081884c"),
    ],
)
def test_what_is_called_a_password_and_looks_like_one_is_found(text, value):
    (one,) = find_secrets(text)
    assert text[one.start : one.end].rstrip(".") == value


@pytest.mark.parametrize(
    "text",
    [
        "Password: must hold at least 12 characters",
        "Your password is case-sensitive.",
        "Username/password is required.",
        "Reset your password: https://acme.example/reset?step=2",
        "Set password = [PASSWORD] in the file.",
        "The secret is to wait a little.",
        "The access token is missing or expired.",
    ],
)
def test_to_speak_of_passwords_gives_none_away(text):
    assert find_secrets(text) == ()


@pytest.mark.parametrize(
    "part", ["eyJ-", "-----BEGIN PRIVATE KEY-----", "a://b:", "sk-", "password ", "x"]
)
def test_a_million_signs_take_a_moment(part):
    text = part * (1_000_000 // len(part))
    begun = time.perf_counter()
    find_secrets(text)
    assert time.perf_counter() - begun < 5
