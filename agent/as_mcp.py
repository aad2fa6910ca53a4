"""limner as a server of the Model Context Protocol: other assistants paint with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import MissingExtra

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from limner.agent.archive.archive import Archive
    from limner.agent.mcp.room import ServerState
    from limner.agent.studio import Studio

__all__ = ["needed", "open_room", "serve_http", "serve_stdio", "server"]


def needed() -> None:
    """Raises `MissingExtra` where the protocol's package is not installed."""
    try:
        import mcp.server.lowlevel  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "limner mcp needs the package mcp, version 2", "type pip install 'limner[mcp]'"
        ) from error


@contextmanager
def open_room(
    open_studio: Callable[[], Studio],
    out: Path,
    *,
    profile: str = "",
    archive: Archive | None = None,
) -> Iterator[ServerState]:
    """What a server works with. Left, it cancels what still runs, and waits until it has stopped.

    `open_studio` is called when the first picture is asked for; pictures are saved in the folder
    `out`. Raises `MissingExtra`.
    """
    needed()
    from limner.agent.mcp.room import ServerState

    room = ServerState(open_studio, out, profile, archive)
    try:
        yield room
    finally:
        room.close()


def server(room: ServerState) -> Server[object]:
    """The server, for a transport of your own."""
    from limner.agent.mcp.server import server_of

    return server_of(room)


def serve_stdio(room: ServerState) -> None:
    """Serves the client at the other end of standard input and output, until it hangs up.

    From then on, all that anything prints goes to standard error.
    """
    from limner.agent.mcp.wire import over_stdio

    over_stdio(server(room))


def serve_http(
    room: ServerState, port: int, ready: Callable[[str, str], None], token_file: Path | None = None
) -> None:
    """Serves this machine on 127.0.0.1, until Ctrl-C; `ready` is told the address and the token.

    A token that is not in a file is drawn. Raises `BadInput` for a bad token or port.
    """
    from limner.agent.mcp.web import over_http, read_token

    token = read_token(token_file)
    over_http(server(room), port, token, lambda address: ready(address, token))
