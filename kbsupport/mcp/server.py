"""The MCP server: shows each caller what they may use, and runs nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from inspect import getdoc, signature
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedResourceError,
    UnexpectedToolError,
)
from mcp.server.stdio import stdio_server
from pydantic import ValidationError

from kbsupport import __version__
from kbsupport.errors import KbSupportError, NotFound
from kbsupport.mcp.calling import Need
from kbsupport.mcp.pipe import Frames
from kbsupport.mcp.reading import Shelf, page_of
from kbsupport.mcp.refusing import faults, said
from kbsupport.mcp.tools import Offer, Tools
from kbsupport.model import Caller, Scope

if TYPE_CHECKING:
    from mcp.server.auth.provider import TokenVerifier
    from mcp.server.auth.settings import AuthSettings
    from mcp.server.lowlevel.helper_types import ReadResourceContents
    from mcp.server.mcpserver import Context
    from mcp.types import CallToolResult, InputRequiredResult, Tool

    from kbsupport.app import App

_ABOUT = """Help articles of one organisation, and the judgement whether they answer a question.
Ask with ask_question and pass its reply on as it is: it quotes its source. Where its outcome is
"escalate", say that a person has to answer; do not answer from what you know yourself."""
_READ = Need(Scope.ASK)


class Server(MCPServer[Any]):
    """Knows what each tool needs; `caller` tells who makes the call that is being answered."""

    def __init__(
        self,
        caller: Callable[[], Caller],
        verifier: TokenVerifier | None = None,
        auth: AuthSettings | None = None,
    ) -> None:
        super().__init__(
            name="kbsupport", title="kbsupport", version=__version__, instructions=_ABOUT,
            log_level="WARNING", token_verifier=verifier, auth=auth, subscriptions=False,
        )  # fmt: skip
        self._caller = caller
        self._offers: dict[str, Offer] = {}

    def offer(self, offers: Iterable[Offer]) -> None:
        """Add tools."""
        for one in offers:
            self._offers[one.name] = one
            self.add_tool(
                one.run, title=one.hints.title, description=getdoc(one.run), annotations=one.hints,
                structured_output=True,
            )  # fmt: skip

    async def run_stdio_async(self) -> None:
        """Speak over stdin and stdout until the other side hangs up."""
        async with stdio_server() as (frames, out):
            options = self._lowlevel_server.create_initialization_options()
            await self._lowlevel_server.run(Frames(frames, out), out, options)

    async def list_tools(self) -> list[Tool]:
        """The tools that this caller may use."""
        caller = self._caller()
        known = await super().list_tools()
        return [one for one in known if self._offers[one.name].need.admits(caller)]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool, or say in one line why not."""
        offer = self._offers.get(name)
        if offer is None or not offer.need.admits(self._caller()):
            raise ToolError("there is no such tool, or your key does not open it; list the tools")
        taken = signature(offer.run).parameters
        if arguments.keys() - taken.keys():
            raise ToolError(f"{name} takes {', '.join(taken) or 'nothing'}, and nothing else")
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError as error:
            if isinstance(error.__cause__, KbSupportError):
                raise ToolError(said(error.__cause__)) from None
            raise
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{name}: {faults(error.__cause__)}") from None
            raise

    async def read_resource(
        self, uri: Any, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read an article, or the list of them."""
        if not _READ.admits(self._caller()):
            raise ResourceError(f"this needs a key with the scope {_READ.scope}")
        try:
            return await super().read_resource(uri, context)
        except UnexpectedResourceError as error:
            cause = error.__cause__
            if isinstance(cause, NotFound):
                raise ResourceNotFoundError(said(cause)) from None
            if isinstance(cause, KbSupportError):
                raise ResourceError(said(cause)) from None
            raise


def made(
    app: App,
    caller: Callable[[], Caller],
    *,
    write: bool,
    internal: bool,
    verifier: TokenVerifier | None = None,
    auth: AuthSettings | None = None,
) -> Server:
    """The server over an app; tools that write are there only if that was asked for."""
    server, shelf = Server(caller, verifier, auth), Shelf(app, internal=internal)
    offers = Tools(app, caller, shelf).offers()
    server.offer(one for one in offers if write or not one.writes)
    _put_articles(server, caller, shelf)
    return server


def _put_articles(server: Server, caller: Callable[[], Caller], shelf: Shelf) -> None:
    @server.resource(
        "kb://articles", title="All articles", mime_type="application/json",
        description="Articles by id, a hundred at a time; `next` is where the next ones are.",
    )  # fmt: skip
    def articles() -> str:
        return json.dumps(page_of(shelf.view(caller()), ""), ensure_ascii=False)

    @server.resource(
        "kb://articles/after/{+article_id}", title="More articles", mime_type="application/json",
        description="Articles by id, from the one after this.",
    )  # fmt: skip
    def articles_after(article_id: str) -> str:
        return json.dumps(page_of(shelf.view(caller()), article_id), ensure_ascii=False)

    @server.resource(
        "kb://article/{+article_id}", title="An article", mime_type="text/plain",
        description="One help article, whole.",
    )  # fmt: skip
    def article(article_id: str) -> str:
        return shelf.view(caller()).find(article_id).text
