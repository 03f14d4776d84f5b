"""Request Tracker 5 from Debian's packages, with a database, a queue and mail of its own."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from real_servers import free_port, running

from kbsupport.adapters.web import Web, WebError
from kbsupport.errors import UpstreamError

SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
SETUP = "rt-setup-database-5"
LONGEST_SETUP = 120

SITE = """
Set($rtname, 'desk.example'); Set($Organization, 'desk.example');
Set($WebDomain, '127.0.0.1'); Set($WebPort, {port}); Set($WebPath, '');
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{folder}/rt.sqlite');
Set($DatabaseHost, ''); Set($DatabaseUser, ''); Set($DatabasePassword, '');
Set($MailCommand, 'sendmailpipe'); Set($SendmailPath, '{folder}/sendmail');
Set($BcryptCost, 4);  # each call proves who we are; the usual 12 takes a quarter of a second
Set($LogToSyslog, undef); Set($LogToSTDERR, 'warning'); Set($LogDir, '{folder}/var');
Set($MasonDataDir, '{folder}/var/mason'); Set($MasonSessionDir, '{folder}/var/session');
1;
"""

# What the docstring of RequestTracker asks of an administrator, and nothing beyond.
SEED = """
@Queues = ({{ Name => 'Support', CorrespondAddress => 'support@desk.example' }},
           {{ Name => 'Bare', CorrespondAddress => 'bare@desk.example' }});
@CustomFields = ({{ Name => 'kbsupport', Type => 'FreeformMultiple',
                   LookupType => 'RT::Queue-RT::Ticket', Queue => ['Support'] }});
@Users = ({{ Name => 'kbsupport', Password => '{password}', Privileged => 1,
            EmailAddress => 'kbsupport@desk.example' }});
my @rights = qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket CommentOnTicket
                ModifyTicket SeeCustomField ModifyCustomField);
for my $queue (qw(Support Bare)) {{
    push @ACL, map {{ +{{ UserId => 'kbsupport', Queue => $queue, Right => $_ }} }} @rights;
}}
1;
"""


@dataclass(frozen=True)
class RunningRt:
    url: str
    password: str
    version: str
    outbox: Path
    web: Web  # as its administrator


def missing() -> str | None:
    if not SERVER.exists() or shutil.which(SETUP) is None:
        return "the package request-tracker5 is not installed"
    if not Path("/usr/share/doc/rt5-db-sqlite").exists():
        return "the package rt5-db-sqlite is not installed"
    return None


def set_up(folder: Path) -> None:
    """Make what a server begins with: its database, and the passwords that open it."""
    for made in ("var/mason", "var/session", "conf.d", "outbox"):
        (folder / made).mkdir(parents=True)
    password = secrets.token_hex(12)
    (folder / "password").write_text(password)
    (folder / "root").write_text(secrets.token_hex(12))
    _done(folder, "init", "--root-password-file", folder / "root")
    insert(folder, SEED.format(password=password))


def insert(folder: Path, data: str) -> None:
    """Have RT read a file of data, as its administrators do."""
    (folder / "data.pl").write_text(data)
    root = ["--root-password-file", folder / "root"]
    _done(folder, "insert", "--datafile", folder / "data.pl", *root)


def _done(folder: Path, action: str, *words: str | Path) -> None:
    done = subprocess.run(
        [SETUP, "--skip-create", "--action", action, *words],
        env={**os.environ, **_settings(folder, free_port())},
        capture_output=True, text=True, timeout=LONGEST_SETUP, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{SETUP} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def request_tracker(folder: Path) -> Iterator[RunningRt]:
    """The server over a folder that was set up, here or elsewhere."""
    port = free_port()
    env = _settings(folder, port)
    url, root = f"http://127.0.0.1:{port}", (folder / "root").read_text()
    web = Web("rt", f"{url}/REST/2.0", timeout=30, auth=("root", root), largest=20_000_000)
    command = [SERVER, "--server", "Standalone", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, log=folder / "log", env=env, answers=lambda: _answers(web)):
        version = web.json("GET", "/rt")["Version"].partition("+")[0]
        password = (folder / "password").read_text()
        yield RunningRt(url, password, version, folder / "outbox", web)


def _answers(web: Web) -> bool:
    try:
        web.json("GET", "/rt")
    except WebError as error:
        if error.status is not None:
            raise
        return False
    except UpstreamError:
        return False
    return True


def _settings(folder: Path, port: int) -> dict[str, str]:
    (folder / "site.pm").write_text(SITE.format(port=port, folder=folder))
    sendmail = folder / "sendmail"
    sendmail.write_text(f'#!/bin/sh\nexec cat > "$(mktemp {folder}/outbox/XXXXXXXX)"\n')
    sendmail.chmod(0o755)
    return {
        "RT_SITE_CONFIG": str(folder / "site.pm"),
        "RT_SITE_CONFIG_DIR": str(folder / "conf.d"),
    }
