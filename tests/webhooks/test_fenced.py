"""The fence around calls to addresses of strangers, with real sockets behind it."""

import ipaddress
import ssl
import subprocess

import pytest
from webhooks.receiving import Receiver

from kbsupport.adapters.fenced import FencedPost, public
from kbsupport.errors import ConfigError, UpstreamError

BODY = b"{}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that only its own maker believes, for hooks.example."""
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", folder / "key", "-out", folder / "cert", "-days", "2", "-subj",
        "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder


def served(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert", certificate / "key")
    return Receiver().wrap(tls)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0.0.0.0",
        "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]", "[::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]",
        "[2001:0:7f00:1::]", "[fd00::1]", "[fe80::1%25eth0]", "[fec0::1]", "[fd00:ec2::254]",
        "user@8.8.8.8", "user:word@8.8.8.8", "8.8.8.8@127.0.0.1", "127。0。0。1", "8.8.8.8\\@127.1",
        "ⓔxample.com", "a b", "-a.example", "8.8.8.8:70000", "8.8.8.8:22", "%31%32%37.1", "",
    ],
)  # fmt: skip
def test_every_spelling_of_a_place_inside_is_refused(host):
    fence = FencedPost(resolve=lambda name, _: {"localhost": ["127.0.0.1"]}[name])
    for url in (f"https://{host}/", f"https://{host}:8443/"):
        with pytest.raises(ConfigError):
            fence.check(url)


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "ftp://8.8.8.8/", "//8.8.8.8/", "https:8.8.8.8", "javascript:1",
     "https://8.8.8.8/#there", "https://8.8.8.8/\r\nHost: a", "https://8.8.8.8/" + "a" * 2000],
)  # fmt: skip
def test_an_address_that_is_not_plainly_https_is_refused(url):
    with pytest.raises(ConfigError):
        FencedPost().check(url)


def test_public_addresses_pass_and_one_private_one_among_them_does_not():
    FencedPost().check("https://8.8.8.8:8443/hook?a=b")
    FencedPost().check("https://[2001:4860:4860::8888]/hook")
    both = FencedPost(resolve=lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(ConfigError, match="not a public address"):
        both.check("https://hooks.example/")
    assert public(ipaddress.ip_address("64:ff9b::808:808"))


def test_a_name_that_points_inside_later_is_not_called(monkeypatch):
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    with Receiver() as receiver:
        fence = FencedPost(resolve=lambda *_: answers.pop(0))
        url = f"https://hooks.example:{8443}/"
        fence.check(url)
        monkeypatch.setattr("kbsupport.adapters.fenced._PORTS", {receiver.port, 8443})
        with pytest.raises(ConfigError):
            fence.post(url.replace("8443", str(receiver.port)), BODY, {})
        assert receiver.connections == 0


def test_a_host_that_is_allowed_is_called_by_its_pinned_address(certificate, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    asked = []
    believed = ssl.create_default_context(cafile=certificate / "cert")
    with served(certificate) as receiver:
        fence = FencedPost(
            allowed=["hooks.example"], tls=believed,
            resolve=lambda *name: asked.append(name) or ["127.0.0.1"],
        )  # fmt: skip
        status, _ = fence.post(f"https://hooks.example:{receiver.port}/a?b=c", BODY, {})
        assert status == 200
        assert receiver.got[0][0]["host"] == f"hooks.example:{receiver.port}"
        assert len(asked) == 1, "what was checked is what is called"


def test_a_certificate_nobody_vouches_for_is_not_believed(certificate):
    with served(certificate) as receiver:
        fence = FencedPost(allowed=["hooks.example"], resolve=lambda *_: ["127.0.0.1"])
        with pytest.raises(UpstreamError, match="certificate verify failed"):
            fence.post(f"https://hooks.example:{receiver.port}/", BODY, {})
        assert receiver.got == []


def test_a_redirect_is_an_answer_and_is_not_followed():
    with Receiver() as inside, Receiver() as receiver:
        for there in ("http://169.254.169.254/latest/meta-data/", inside.url):
            receiver.says = [(307, {"Location": there})]
            fence = FencedPost(allowed=["127.0.0.0/8"])
            assert fence.post(receiver.url, BODY, {})[0] == 307
        assert inside.connections == 0


def test_an_allowed_host_may_not_be_pointed_at_metadata():
    fence = FencedPost(allowed=["hooks.example"], resolve=lambda *_: ["169.254.169.254"])
    with pytest.raises(ConfigError):
        fence.check("https://hooks.example/")
    FencedPost(allowed=["169.254.169.254"]).check("http://169.254.169.254/")


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("::1", "[::1]"), ("[::1]", "[::1]"), ("64:ff9b::/96", "[64:ff9b::a01:203]"),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]"), ("fd00::/8", "[fd00::1]"),
        ("fd00:ec2::254", "[fd00:ec2::254]"),
    ],
)  # fmt: skip
def test_what_is_listed_is_called_in_either_of_its_forms(listed, host):
    FencedPost(allowed=[listed]).check(f"http://{host}:8080/")


@pytest.mark.parametrize(
    ("listed", "address"),
    [
        ("hooks.example", "fd00:ec2::254"), ("fd00::/8", "fd00:ec2::254"),
        ("0.0.0.0/0", "169.254.169.254"), ("64:ff9b::/96", "64:ff9b::a9fe:a9fe"),
        ("::1", "::2"),
    ],
)  # fmt: skip
def test_metadata_is_only_called_where_it_is_listed_alone(listed, address):
    fence = FencedPost(allowed=[listed], resolve=lambda *_: [address])
    with pytest.raises(ConfigError, match="not a public address"):
        fence.check("https://hooks.example/")


def test_a_resolver_that_hangs_or_knows_nothing_is_an_outage():
    import threading

    never = threading.Event()
    slow = FencedPost(seconds=0.2, resolve=lambda *_: never.wait(5) or ["8.8.8.8"])
    with pytest.raises(UpstreamError, match="not known"):
        slow.check("https://hooks.example/")
    never.set()
    with pytest.raises(UpstreamError, match="no address"):
        FencedPost(resolve=lambda *_: []).check("https://hooks.example/")
