import asyncio
import sys

import pytest
from mcp import Client

from kbsupport.mcp.calling import operator
from kbsupport.mcp.server import made

# The command line as it is, without the model.
PROGRAM = (
    "import sys; from kbsupport.app import App; from kbsupport.testing import FakeEmbedder; "
    "App.embedder = FakeEmbedder(); from kbsupport.cli.main import run; run(sys.argv[1:])"
)


@pytest.fixture(scope="session")
def command():
    """`kbsupport mcp` over a home, as a list of words."""

    def words(home, *arguments):
        return [sys.executable, "-c", PROGRAM, "--home", str(home), "mcp", *arguments]

    return words


@pytest.fixture
def talk(proven_app):
    """Let a client, in this process, speak with the server as the operator."""

    def run(story, *, app=proven_app, mode="auto", by=None, **opening):
        async def whole():
            opened = {"write": False, "internal": False} | opening
            server = made(app, lambda: operator(by), **opened)
            async with Client(server, mode=mode) as client:
                return await story(client)

        return asyncio.run(whole())

    return run
