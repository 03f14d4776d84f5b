import asyncio

import pytest
from mcp import Client

from kbsupport.mcp.calling import operator
from kbsupport.mcp.server import made


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
