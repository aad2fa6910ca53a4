"""Clients of the Model Context Protocol before limner, in a process of its own or in this one."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from limner.agent.archive.archive import Archive
from limner.agent.mcp import server as mcp_server
from limner.agent.records import Settings
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Step

MANUAL = (Path(__file__).parent.parent / "docs" / "assistants.md").read_text(encoding="utf-8")
LINES = [line.split() for line in re.findall(r"^(limner mcp [^#\n]*)", MANUAL, re.MULTILINE)]
"""What the manual says to type: for standard input and output, and for HTTP."""

REQUEST = "a red cat on the grass"
WAIT = 280  # seconds, on a machine that is busy with other things


class Slow(FakePainter):
    """Paints as the fake does, but takes its time over each step."""

    def cost(self, order: ImageRequest) -> float:
        return 1.0

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        return _Slow(self, list(orders), preview_every)


class _Slow(FakeImageStream):
    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        for done in super().__iter__():
            time.sleep(0.02)
            yield done


def slow() -> Studio:
    """A studio that is never done: it may paint 10,000 pictures, and none pleases its critic."""
    settings = Settings(images_per_round=1, budget=10_000)
    return Studio(FakeWriter(), Slow(steps=20), FakeCritic([[0.1]]), settings)


SLOW = f"""
import sys
from pathlib import Path

sys.path.append({str(Path(__file__).parent)!r})
from assisted import slow
from limner.agent.mcp import server as mcp_server

with mcp_server.open_state(slow, Path(sys.argv[-1])) as state:
    mcp_server.serve_stdio(state)
"""


def fake() -> Studio:
    return Studio.open("fake")


def server(folder: Path, *more: str, script: str = "") -> StdioServerParameters:
    """The manual's line as an assistant starts it, or a script in its place."""
    typed = ["-m", *LINES[0], "--profile", "fake", "--out", str(folder), *more]
    arguments = ["-c", script, str(folder)] if script else typed
    environment = dict(os.environ) | {"LIMNER_HOME": str(folder / "home")}
    return StdioServerParameters(command=sys.executable, args=arguments, env=environment)


@asynccontextmanager
async def client(
    folder: Path, *more: str, script: str = "", wait: float = WAIT
) -> AsyncIterator[Client]:
    transport = stdio_client(server(folder, *more, script=script))
    with anyio.fail_after(wait):
        async with Client(transport) as connected:
            yield connected


@asynccontextmanager
async def inside(
    folder: Path, archive: Path | None = None, studio: Callable[[], Studio] = fake
) -> AsyncIterator[Client]:
    """The same client, with the server in this very process."""
    with (
        Archive.open(archive) if archive else nullcontext() as kept,
        mcp_server.open_state(studio, folder, archive=kept) as state,
        anyio.fail_after(WAIT),
    ):
        async with Client(mcp_server.server_of(state)) as connected:
            yield connected


def text(result: CallToolResult) -> str:
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text


async def fields(connected: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await connected.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refusal(connected: Client, tool: str, **arguments: Any) -> str:
    result = await connected.call_tool(tool, arguments)
    assert result.is_error
    assert "\n" not in text(result) and "Traceback" not in text(result)
    return text(result)


async def hung_up(connected: Client) -> None:
    """Asks for a picture, and hangs up at the first step of it."""
    started = anyio.Event()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        if message and "step" in message:
            started.set()

    async def ask() -> None:
        await connected.call_tool("imagine", {"request": REQUEST}, progress_callback=hear)

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await started.wait()
        group.cancel_scope.cancel()
