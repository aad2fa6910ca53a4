"""Standard output for the protocol alone: what anyone else prints goes to standard error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

__all__ = ["over_stdio"]


def over_stdio(server: Server[object]) -> None:
    """Serves one client on standard input and output, until it hangs up."""
    with _private_stdout() as stdout:
        anyio.run(_serve, server, stdout)


async def _serve(server: Server[object], stdout: io.TextIOWrapper) -> None:
    async with stdio_server(stdout=anyio.wrap_file(stdout)) as (hears, says):
        await server.run(hears, says, server.create_initialization_options())


@contextmanager
def _private_stdout() -> Iterator[io.TextIOWrapper]:
    """The real standard output, and nobody else has it: not a library, a child, or a late print.

    It is not given back: what is printed while Python exits is not the protocol's, either.
    """
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    with (
        redirect_stdout(sys.stderr),
        os.fdopen(private, "w", encoding="utf-8", newline="\n") as stdout,
    ):
        yield stdout
