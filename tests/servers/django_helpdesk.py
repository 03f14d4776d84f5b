"""django-helpdesk from PyPI, in a virtual environment that is not ours."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from real_servers import free_port, running

from kbsupport.adapters.web import Web, WebError

SITE = Path(__file__).with_name("helpdesk_site.py")
PYTHON = Path(__file__).parents[2] / ".venv-servers" / "bin" / "python"
USER = "kbsupport"
_VERSION = "import importlib.metadata as m; print(m.version('django-helpdesk'))"


@dataclass(frozen=True)
class RunningHelpdesk:
    url: str
    password: str
    version: str
    outbox: Path
    web: Web


def missing() -> str | None:
    if not PYTHON.exists() or not _asked(_VERSION):
        return "django-helpdesk is not installed in .venv-servers"
    return None


def set_up(folder: Path) -> None:
    """Make what a server begins with: its database, and the password that opens it."""
    password = secrets.token_hex(12)
    (folder / "password").write_text(password)
    (folder / "outbox").mkdir()
    done = subprocess.run(
        [PYTHON, SITE, folder, "set-up", password], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"django-helpdesk could not be set up:\n{done.stdout}{done.stderr}")


@contextmanager
def django_helpdesk(folder: Path) -> Iterator[RunningHelpdesk]:
    """The server over a folder that was set up, here or elsewhere."""
    port, password = free_port(), (folder / "password").read_text()
    url = f"http://127.0.0.1:{port}"
    web = Web("helpdesk", f"{url}/api", timeout=30, auth=(USER, password), largest=20_000_000)
    command = [PYTHON, SITE, folder, "serve", str(port)]
    with running(command, log=folder / "log", env={}, answers=lambda: _answers(web)):
        yield RunningHelpdesk(url, password, _asked(_VERSION), folder / "outbox", web)


def _answers(web: Web) -> bool:
    try:
        web.json("GET", "/tickets/", params={"page_size": 1})
    except WebError as error:
        if error.status is not None:
            raise
        return False
    return True


def _asked(code: str) -> str:
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()
