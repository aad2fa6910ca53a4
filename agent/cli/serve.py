"""The commands `limner serve` and `limner mcp`: limner over HTTP, and as a tool of an assistant."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.gallery import ArchiveFolder
from limner.agent.cli.options import Model, Profile, Writer
from limner.agent.terminal.terminal import say
from limner.errors import BadInput, LimnerError

if TYPE_CHECKING:
    from limner.agent.archive.archive import Archive
    from limner.agent.mcp.room import ServerState
    from limner.agent.serve.porter import Door
    from limner.agent.studio import Studio

__all__ = [
    "greet",
    "mcp",
    "serve",
]


def greet(host: str, port: int, token: str) -> None:
    """Prints the page's address, with a token that was drawn for this time, and the API's."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    say(f"limner is at {address}/" + (f"#token={token}" if token else ""))
    say(f"OpenAI clients: base_url {address}/v1" + (f", API key {token}" if token else ""))
    say("Ctrl-C stops it.")


_SHORTEST = 16  # characters of a token


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is everywhere.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0: any.")] = 8420,
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
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
    token = _token(host, token_file, no_token)
    from limner.agent.as_http import as_http, missing

    try:
        from limner.agent.serve.running import listen, run
    except ImportError as error:
        raise missing() from error
    from limner.agent.studio import Studio
    from limner.agent.terminal.terminal import kept_clean

    given = {"writer": writer, "painter": painter, "critic": critic}
    door = _door(host, token, allow_host or [])
    with listen(host, port) as bound:
        kept = None if no_archive else _archive(archive)
        with kept_clean(True):
            studio = Studio.open(profile, **{part: name for part, name in given.items() if name})
            app = as_http(studio, profile=profile, archive=kept, door=door, waiting=waiting)
        where = bound.getsockname()
        run(app, bound, lambda: greet(where[0], where[1], "" if token_file else token))
        if kept:
            kept.close()
    return 0


def _token(host: str, file: Path | None, none: bool) -> str:
    """What callers must bring; "" for nothing, which only programs of this machine may."""
    if none and file:
        raise BadInput("--no-token and --token-file exclude each other", "type one of the two")
    if none and not _is_own(host):
        raise BadInput(
            f"without a token, anybody who reaches {host} could come in",
            "leave out --no-token or --host",
        )
    if none:
        return ""
    return _read(file) if file else secrets.token_urlsafe(24)


def _read(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
        others = file.stat().st_mode & 0o077
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not plain text"
        raise BadInput(f"can't read {file}: {reason}", "type the path of a file") from error
    if others:
        raise BadInput(f"other users can read {file}", f"type chmod 600 {file}")
    if len(token) < _SHORTEST or not token.isprintable() or " " in token:
        raise BadInput(
            f"{file} holds no token",
            f"put one line of {_SHORTEST} letters and digits or more in it",
        )
    return token


def _is_own(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _door(host: str, token: str, names: list[str]) -> Door:
    from limner.agent.serve.porter import Door

    everywhere = host in ("0.0.0.0", "::")
    known = {*Door().names, *names, host}
    if everywhere:
        known.add(socket.gethostname())
    return Door(token, frozenset(name.lower() for name in known), any_address=everywhere)


def _archive(folder: Path | None) -> Archive | None:
    """The archive; None where it can't be opened, which costs no picture."""
    from limner.agent.archive.archive import Archive
    from limner.agent.terminal.terminal import warn

    try:
        return Archive.open(folder)
    except LimnerError as problem:
        warn(f"nothing is kept in the archive: {problem.message} — {problem.hint}")
        return None


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
    from limner.agent import as_mcp
    from limner.agent.archive import pictures

    as_mcp.needed()
    configs.load(profile)
    if token_file is not None and not http:
        raise BadInput("--token-file is for --http", "type limner mcp --http --token-file FILE")
    folder = _folder(out)
    pictures.probe(folder)
    given = {"writer": writer, "painter": painter, "critic": critic}

    def studio() -> Studio:
        from limner.agent.studio import Studio

        return Studio.open(profile, **{part: name for part, name in given.items() if name})

    with (
        _kept(archive, wanted=not no_archive) as kept,
        as_mcp.open_room(studio, folder, profile=profile, archive=kept) as room,
    ):
        return _over_http(room, port, token_file) if http else _over_stdio(room)


def _over_stdio(room: ServerState) -> int:
    from limner.agent.as_mcp import serve_stdio

    if sys.stdin is not None and sys.stdin.isatty():
        print("limner: waiting for an assistant; Ctrl-C ends it", file=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread that waits for a line hears no other
    serve_stdio(room)
    return 0


def _over_http(room: ServerState, port: int, token_file: Path | None) -> int:
    from limner.agent.as_mcp import serve_http

    def greet(address: str, token: str) -> None:
        print(f"limner: serving {address}", file=sys.stderr, flush=True)
        if token_file is None:
            print(f"limner: token {token}", file=sys.stderr, flush=True)

    with suppress(KeyboardInterrupt):  # the way to end it
        serve_http(room, port, greet, token_file)
    return 0


def _folder(out: Path | None) -> Path:
    """The folder for pictures, which may not be there yet. Raises `BadInput` for a file's name."""
    from platformdirs import user_pictures_path

    if out is not None and out.suffix.lower() == ".png":
        raise BadInput(f"--out {out} is no folder", "type --out and a folder")
    return (out or user_pictures_path() / "limner").absolute()


@contextmanager
def _kept(folder: Path | None, wanted: bool) -> Iterator[Archive | None]:
    """The archive; None where it isn't wanted, or can't be opened, which costs no picture."""
    from limner.agent.archive.archive import Archive

    if not wanted:
        yield None
        return
    try:
        archive = Archive.open(folder)
    except LimnerError as problem:
        print(f"limner: not kept in the archive: {problem.message}", file=sys.stderr)
        yield None
        return
    with archive:
        yield archive
