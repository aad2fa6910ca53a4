"""The commands `limner serve` and `limner mcp`: limner over HTTP, and as a tool of an assistant."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.options import ArchiveFolder, Model, Profile, Writer, named
from limner.agent.terminal.terminal import say
from limner.errors import BadInput, MissingExtra

if TYPE_CHECKING:
    from limner.agent.mcp.state import ServerState
    from limner.agent.studio import Studio
    from limner.agent.tools.http_auth import Access

__all__ = [
    "greet",
    "mcp",
    "serve",
]


def greet(host: str, port: int, token: str, *, open_page: bool = False) -> None:
    """Prints the page's address, with the token in it, and the API's; opens the page in a browser.

    Without a token, none is printed.
    """
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    page = f"{address}/" + (f"#token={token}" if token else "")
    say(f"limner is at {page}")
    say(f"OpenAI clients: base_url {address}/v1" + (f", API key {token}" if token else ""))
    say("Ctrl-C stops it.")
    if open_page:
        threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is everywhere.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0: any.")] = 8420,
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The token that callers bring is in FILE.")
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Any program of this machine may come in.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name that this server is called by."),
    ] = None,
    waiting: Annotated[
        int, typer.Option(min=1, max=1_000, metavar="N", help="Requests that may stand in line.")
    ] = 16,
    archive: ArchiveFolder = None,
    no_archive: Annotated[bool, typer.Option("--no-archive", help="Keep nothing on disk.")] = False,
) -> int:
    """Answer OpenAI's clients over HTTP, and people on a page of your own machine."""
    if no_token and token_file:
        raise BadInput("--no-token and --token-file exclude each other", "type one of the two")
    if no_token and not _is_own(host):
        raise BadInput(
            f"without a token, anybody who reaches {host} could come in",
            "leave out --no-token or --host",
        )
    try:
        from limner.agent.serve.app import create_app, listen, serve_app
        from limner.agent.tools.http_auth import kept_token, read_token
    except ImportError as error:
        raise MissingExtra(
            "limner serve needs FastAPI", "type pip install 'limner[serve]'"
        ) from error
    from limner.agent.cli.gallery import kept_archive
    from limner.agent.studio import Studio
    from limner.agent.terminal.terminal import kept_clean

    token = read_token(token_file) if token_file else ""
    own = "" if no_token or token_file else kept_token("serve")
    models = named(writer, painter, critic)
    with listen(host, port) as bound, kept_archive(archive, not no_archive) as kept:
        print(f"limner: opening {profile} …", file=sys.stderr, flush=True)
        with kept_clean(True):
            studio = Studio.open(profile, **models)
            app = create_app(
                studio,
                profile=profile,
                archive=kept,
                access=_access(host, token or own, allow_host or []),
                waiting=waiting,
            )
        where = bound.getsockname()
        serve_app(app, bound, lambda: greet(where[0], where[1], own, open_page=open_page))
    return 0


def _is_own(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _access(host: str, token: str, names: list[str]) -> Access:
    from limner.agent.tools.http_auth import LOOPBACK_HOSTS, Access

    everywhere = host in ("0.0.0.0", "::")
    known = {*LOOPBACK_HOSTS, *names, host}
    if everywhere:
        known.add(socket.gethostname())
    return Access(token, frozenset(name.lower() for name in known), any_address=everywhere)


def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Serve this machine over HTTP instead of one client.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="N", help="For --http; 0: any free one.")
    ] = 8765,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For --http: the token is in there; none: one is drawn."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where pictures are saved, if not in Pictures/limner."),
    ] = None,
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    archive: ArchiveFolder = None,
    no_archive: Annotated[
        bool, typer.Option("--no-archive", help="Keep nothing but the pictures.")
    ] = False,
) -> int:
    """Be a tool of an assistant that speaks the Model Context Protocol."""
    from limner import configs
    from limner.agent.archive import pictures
    from limner.agent.cli.gallery import kept_archive
    from limner.agent.mcp.server import open_state

    configs.load(profile)
    if token_file is not None and not http:
        raise BadInput("--token-file is for --http", "type limner mcp --http --token-file FILE")
    folder = _folder(out)
    pictures.probe(folder)
    models = named(writer, painter, critic)

    def studio() -> Studio:
        from limner.agent.studio import Studio

        return Studio.open(profile, **models)

    with (
        kept_archive(archive, not no_archive) as kept,
        open_state(studio, folder, profile=profile, archive=kept) as state,
    ):
        return _over_http(state, port, token_file) if http else _over_stdio(state)


def _over_stdio(state: ServerState) -> int:
    from limner.agent.mcp.server import serve_stdio

    if sys.stdin is not None and sys.stdin.isatty():
        print("limner: waiting for an assistant; Ctrl-C ends it", file=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread that waits for a line hears no other
    serve_stdio(state)
    return 0


def _over_http(state: ServerState, port: int, token_file: Path | None) -> int:
    from limner.agent.mcp.server import serve_http

    def greet(address: str, token: str) -> None:
        print(f"limner: serving {address}", file=sys.stderr, flush=True)
        if token_file is None:
            print(f"limner: token {token}", file=sys.stderr, flush=True)

    with suppress(KeyboardInterrupt):  # the way to end it
        serve_http(state, port, greet, token_file)
    return 0


def _folder(out: Path | None) -> Path:
    """The folder for pictures, which may not be there yet. Raises `BadInput` for a file's name."""
    from platformdirs import user_pictures_path

    if out is not None and out.suffix.lower() == ".png":
        raise BadInput(f"--out {out} is no folder", "type --out and a folder")
    return (out or user_pictures_path() / "limner").absolute()
