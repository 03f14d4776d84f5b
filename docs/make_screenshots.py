"""Make docs/images/chat.png: the chat as the sample help centre answers in it, and a person after.

python docs/make_screenshots.py
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from kbsupport import open_app
from kbsupport.access.keys import Wish
from kbsupport.model import Role

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PORT = 8799
PAGE = f"http://127.0.0.1:{PORT}/chat"
QUESTION = "How many days do I have to send a Drop back if I don't like it?"
PERSON = "I want to speak to a person about my refund, please"
ANSWER = "Hello! Your refund left us today; your bank shows it within three days."


def command(home: Path, *words: str) -> list[str]:
    """A command as a reader types it."""
    return [sys.executable, "-m", "kbsupport", "--home", str(home), *words]


@contextmanager
def served(home: Path) -> Iterator[None]:
    """The doors, until they are not needed any more."""
    program = subprocess.Popen(  # noqa: S603
        command(home, "--quiet", "serve", "--port", str(PORT), "--workers", "1"), env=os.environ
    )
    try:
        until = time.monotonic() + 60
        while not _ready():
            if time.monotonic() > until:
                raise SystemExit("the server did not start")
            time.sleep(0.2)
        yield
    finally:
        program.terminate()
        program.wait(20)


def _ready() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False


def say(page: Page, text: str, told: str) -> None:
    """Write a message and wait for what it leads to."""
    page.get_by_label("Your message").fill(text)
    page.get_by_label("Your message").press("Enter")
    page.get_by_text(told).first.wait_for()


def answer_as_lead(home: Path) -> None:
    """Take what waits, and answer."""
    with open_app(home=home) as app:
        lead = app.people.rota().lead.id
        (one,) = app.desk.list()
        app.desk.claim(one.escalation.id, lead)
        app.people.answer(one.escalation.id, lead, ANSWER, anyway=True)


def main() -> None:
    """Index, teach, serve, chat, look."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is not installed")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        teach = ("calibrate", "data/tickets.jsonl", "--learn", "--risk", "0.1")
        for words in (("index", "data/articles"), (*teach, "--confidence", "0.95")):
            subprocess.run(command(home, "--quiet", *words), cwd=ROOT, check=True)  # noqa: S603
        with open_app(home=home) as app:
            wish = Wish("screenshot", Role.CUSTOMER, visitors=True)
            key = app.lobby.keys.add(wish, "screenshot")[1]
        with served(home), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 420, "height": 840})
            page.emulate_media(reduced_motion="reduce")
            page.goto(PAGE)
            page.get_by_label("Key").fill(key)
            page.get_by_role("button", name="Open the chat").click()
            say(page, QUESTION, "Source:")
            say(page, PERSON, "A person will answer here.")
            answer_as_lead(home)
            page.get_by_text(ANSWER).wait_for()
            page.get_by_role("group", name="Did this help?").wait_for()
            page.get_by_role("dialog").screenshot(path=IMAGES / "chat.png")
            browser.close()


if __name__ == "__main__":
    main()
