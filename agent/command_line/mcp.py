"""The command `limner mcp`: limner as a tool of another assistant, beside it or over HTTP."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.command_line.gallery import ArchiveFolder
from limner.agent.command_line.options import Model, Profile, Writer
from limner.errors import BadInput, LimnerError

if TYPE_CHECKING:
    from limner.agent.archive.archive import Archive
    from limner.agent.mcp.room import Room
    from limner.agent.studio import Studio

__all__ = ["mcp"]


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
    from limner.agent.archive import saving

    as_mcp.needed()
    configs.load(profile)
    if token_file is not None and not http:
        raise BadInput("--token-file is for --http", "type limner mcp --http --token-file FILE")
    folder = _folder(out)
    saving.probe(folder)
    given = {"writer": writer, "painter": painter, "critic": critic}

    def studio() -> Studio:
        from limner.agent.studio import Studio

        return Studio.open(profile, **{part: name for part, name in given.items() if name})

    with (
        _kept(archive, wanted=not no_archive) as kept,
        as_mcp.open_room(studio, folder, profile=profile, archive=kept) as room,
    ):
        return _over_http(room, port, token_file) if http else _over_stdio(room)


def _over_stdio(room: Room) -> int:
    from limner.agent.as_mcp import serve_stdio

    if sys.stdin is not None and sys.stdin.isatty():
        print("limner: waiting for an assistant; Ctrl-C ends it", file=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread that waits for a line hears no other
    serve_stdio(room)
    return 0


def _over_http(room: Room, port: int, token_file: Path | None) -> int:
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
