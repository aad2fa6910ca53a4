"""The MCP server: tools, resources and prompts for other assistants, over either transport.

It is built on the SDK's low-level server. The high-level one makes each tool from a function's
signature, while limner's tools are made from one table that LangChain shares; it drops unknown
arguments in silence, says errors over many lines, and lists no resources that come and go.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

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

from limner.agent.mcp import calls, prompts, resources
from limner.agent.mcp.content import error_result
from limner.agent.mcp.http import over_http
from limner.agent.mcp.state import ServerState
from limner.agent.mcp.stdio import over_stdio
from limner.agent.plain import first_line, one_line
from limner.agent.tools.http_auth import read_token
from limner.errors import LimnerError, ModelFailed

if TYPE_CHECKING:
    from limner.agent.archive.archive import Archive
    from limner.agent.studio import Studio

__all__ = ["INSTRUCTIONS", "open_state", "serve_http", "serve_stdio", "server_of"]

INSTRUCTIONS = """\
limner paints pictures on this machine. imagine paints a request and checks it claim by claim; \
refine_image changes a picture; score_image checks statements about one. Pass requests in the \
user's own words: limner expands them itself. Every picture's seed is told; the same request and \
seed give the same picture. Look at the preview and at the verdict before you say what the picture \
shows: it is what was asked only where the verdict says reached; else tell what fails, and what \
was not checked."""

_log = logging.getLogger(__name__)

_Context = ServerRequestContext[object]
_Page = PaginatedRequestParams | None


@contextmanager
def open_state(
    open_studio: Callable[[], Studio],
    out: Path,
    *,
    profile: str = "",
    archive: Archive | None = None,
) -> Iterator[ServerState]:
    """What a server works with. Left, it cancels what still runs, and waits until it has stopped.

    `open_studio` is called when the first picture is asked for; pictures are saved in the folder
    `out`.
    """
    state = ServerState(open_studio, out, profile, archive)
    try:
        yield state
    finally:
        state.close()


def serve_stdio(state: ServerState) -> None:
    """Serves the client at the other end of standard input and output, until it hangs up.

    From then on, all that anything prints goes to standard error.
    """
    over_stdio(server_of(state))


def serve_http(
    state: ServerState, port: int, ready: Callable[[str, str], None], token_file: Path | None = None
) -> None:
    """Serves this machine on 127.0.0.1, until Ctrl-C; `ready` is told the address and the token.

    A token that is not in a file is drawn. Raises `BadInput` for a bad token or port.
    """
    token = read_token(token_file) if token_file else secrets.token_urlsafe(32)
    over_http(server_of(state), port, token, lambda address: ready(address, token))


def server_of(state: ServerState) -> Server[object]:
    """A server whose tools, resources and prompts work in that state; for any transport."""
    handlers = _Handlers(state)
    return Server(
        "limner",
        title="limner",
        version=version("limner"),
        instructions=INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
    )


@dataclass(frozen=True, slots=True)
class _Handlers:
    """Answers each kind of request."""

    state: ServerState

    async def list_tools(self, _: _Context, page: _Page) -> ListToolsResult:
        return ListToolsResult(tools=calls.listed_tools())

    async def call_tool(self, context: _Context, params: CallToolRequestParams) -> CallToolResult:
        name, progress = one_line(params.name, 60), context.session.report_progress
        try:
            answer = await calls.call_tool(self.state, params.name, params.arguments, progress)
        except LimnerError as error:
            return error_result(error)
        except Exception as error:  # a mistake of ours is no reason to leave the client waiting
            _log.exception("the tool %s broke", name)
            return error_result(ModelFailed(f"limner broke: {first_line(error)}"))
        if answer is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {name!r}")
        return answer

    async def list_resources(self, _: _Context, page: _Page) -> ListResourcesResult:
        return ListResourcesResult(resources=resources.list_resources(self.state.service))

    async def list_templates(self, _: _Context, page: _Page) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=list(resources.TEMPLATES))

    async def read_resource(
        self, _: _Context, params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        service, uri = self.state.service, str(params.uri)
        try:
            return await anyio.to_thread.run_sync(resources.read_resource, service, uri)
        except LimnerError as error:
            raise _protocol_error(error) from error

    async def list_prompts(self, _: _Context, page: _Page) -> ListPromptsResult:
        return ListPromptsResult(prompts=prompts.list_prompts())

    async def get_prompt(self, _: _Context, params: GetPromptRequestParams) -> GetPromptResult:
        try:
            return prompts.get_prompt(params.name, params.arguments)
        except LimnerError as error:
            raise _protocol_error(error) from error


def _protocol_error(error: LimnerError) -> MCPError:
    """What went wrong, in one line, where the protocol has no other place for it."""
    line = f"{error.message} — {error.hint}" if error.hint else error.message
    return MCPError(INVALID_PARAMS, one_line(line, 600))
