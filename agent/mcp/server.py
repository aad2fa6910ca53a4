"""The server itself: hears what a client asks, by the protocol, and hands it to who can answer."""

from __future__ import annotations

import logging
from importlib.metadata import version

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from limner.agent.mcp import gallery, manners
from limner.agent.mcp.room import ServerState
from limner.agent.mcp.tell import refused
from limner.agent.mcp.tools import OFFERS, listed
from limner.agent.plain import first_line, one_line
from limner.errors import LimnerError, ModelFailed

__all__ = ["INSTRUCTIONS", "server_of"]

INSTRUCTIONS = """\
limner paints pictures on this machine. imagine paints a request and checks it claim by claim; \
refine_image changes a take; score_image checks statements about a picture. Pass requests in the \
user's own words: limner expands them itself. Every picture's seed is told; the same request and \
seed give the same picture. Look at the preview and at the verdict before you say what the picture \
shows: it is what was asked only where the verdict says reached; else tell what fails, and what \
was not checked."""

_log = logging.getLogger(__name__)

_Context = ServerRequestContext[object]


def server_of(room: ServerState) -> Server[object]:
    """A server whose tools, resources and prompts work in that room; for any transport."""
    desk = _Desk(room)
    return Server(
        "limner",
        title="limner",
        version=version("limner"),
        instructions=INSTRUCTIONS,
        on_list_tools=desk.list_tools,
        on_call_tool=desk.call_tool,
        on_list_resources=desk.list_resources,
        on_list_resource_templates=desk.list_templates,
        on_read_resource=desk.read_resource,
        on_list_prompts=desk.list_prompts,
        on_get_prompt=desk.get_prompt,
    )


class _Desk:
    """Answers each kind of request."""

    def __init__(self, room: ServerState) -> None:
        self._room = room
        self._offers = {offer.name: offer for offer in OFFERS}

    async def list_tools(
        self, context: _Context, params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=listed())

    async def call_tool(self, context: _Context, params: CallToolRequestParams) -> CallToolResult:
        offer = self._offers.get(params.name)
        if offer is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {one_line(params.name, 60)!r}")
        try:
            ask = offer.read(params.arguments)
            return await offer.do(self._room, ask, context.session.report_progress)
        except LimnerError as error:
            return refused(error)
        except Exception as error:  # a mistake of ours is no reason to leave the client waiting
            _log.exception("the tool %s broke", offer.name)
            return refused(ModelFailed(f"limner broke: {first_line(error)}"))

    async def list_resources(
        self, context: _Context, params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        return ListResourcesResult(resources=gallery.resources(self._room))

    async def list_templates(
        self, context: _Context, params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=list(gallery.TEMPLATES))

    async def read_resource(
        self, context: _Context, params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        try:
            return await anyio.to_thread.run_sync(gallery.look_up, self._room, str(params.uri))
        except LimnerError as error:
            raise _wrong(error) from error

    async def list_prompts(
        self, context: _Context, params: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        return ListPromptsResult(prompts=manners.prompts())

    async def get_prompt(
        self, context: _Context, params: GetPromptRequestParams
    ) -> GetPromptResult:
        try:
            return manners.prompt(params.name, params.arguments)
        except LimnerError as error:
            raise _wrong(error) from error


def _wrong(error: LimnerError) -> MCPError:
    """What went wrong, in one line, where the protocol has no other place for it."""
    line = f"{error.message} — {error.hint}" if error.hint else error.message
    return MCPError(INVALID_PARAMS, one_line(line, 600))
