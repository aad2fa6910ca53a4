"""The command `limner rate`: which pictures of two folders people prefer, here or in a browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from limner.agent.cli.options import Json
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.benchmarks.rating import Pair, RatingSession

__all__ = ["rate", "rating_server"]

rate = typer.Typer(add_completion=False, rich_markup_mode=None)


@rate.command()
def pairs(
    folders: Annotated[
        list[Path], typer.Argument(metavar="A B", help="Folders with pictures of the same names.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where ratings are kept, and gone on with.")
    ] = Path("ratings.json"),
    page: Annotated[bool, typer.Option("--page", help="In a browser of this machine.")] = False,
    count: Annotated[int, typer.Option(metavar="N", min=0, help="Pairs; 0: all.")] = 0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the order.")] = 1,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the ratings as CSV, too.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Show pairs side by side and take 1 (left), 2 (right) or =; then say how strong each is."""
    from limner.benchmarks import rating

    if len(folders) < 2:
        raise BadInput("There is nothing to compare with.", "Give two folders, or more.")
    if len({folder.name for folder in folders}) < len(folders):
        raise BadInput("Two of the folders have the same name.", "Rename one of them.")
    every = rating.pairs(folders, seed, count)
    session = rating.RatingSession(every, rating.ratings(out), partial(rating.written, out))
    if page:
        _in_a_browser(session)
    else:
        _at_a_terminal(session)
    if table:
        rating.written(table, session.said)
    found = rating.strengths(session.said)
    if as_json:
        print(json.dumps({"ratings": len(session.said), "strengths": found}))
    elif found:
        print(_table(found))
    return 0


def _table(found: dict[str, dict[str, float]]) -> str:
    """The strengths, the strongest first."""
    from limner.benchmarks.report import aligned

    rows = [["side", "strength", "preferred"]]
    for side, s in sorted(found.items(), key=lambda one: -one[1]["strength"]):
        strength = f"{s['strength']:.3f} ({s['low']:.3f} to {s['high']:.3f})"
        rows.append([side, strength, f"{s['wins']:g} of {s['pairs']:.0f}"])
    return aligned(rows)


def _at_a_terminal(session: RatingSession) -> None:
    """Pair by pair, until all are done or somebody types q."""
    for number, pair in enumerate(session.pairs):
        _show(pair, f"{number + 1} of {len(session.pairs)}")
        said = _answer()
        if said == "q":
            return
        session.write(number, said)


def _show(pair: Pair, where: str) -> None:
    from PIL import Image
    from rich.console import Console
    from rich.table import Table

    from limner.agent.plain import one_line
    from limner.agent.terminal.pictures import BlockPicture

    console, row = Console(stderr=True), Table.grid(padding=(0, 2, 0, 0))
    wide = max(8, min(40, console.width // 2 - 2))
    sides = []
    for path in (pair.left, pair.right):
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
            sides.append(BlockPicture(picture.convert("RGB"), wide, wide // 2))
    row.add_row(*sides)
    console.print(row)
    told = f"{where}: {one_line(pair.name)} — 1 left, 2 right, = neither, q quit"
    console.print(told, markup=False)


def _answer() -> str:
    """1, 2, = or q; the end of the input is q."""
    from limner.benchmarks.rating import ANSWERS

    while True:
        if sys.stdin.isatty():
            said = typer.getchar()
        else:
            line = sys.stdin.readline()
            said = line.strip() if line else "q"
        if said in ANSWERS or said == "q":
            return said


def _in_a_browser(session: RatingSession) -> None:
    server, address = rating_server(session)
    print(f"Open {address} and press Ctrl-C here when you are done.", file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def rating_server(session: RatingSession, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """A server on this machine alone, and the address to open, which nobody else knows.

    It shows only the pictures of the session, by number, and takes only what can be said of a pair.
    """
    token = secrets.token_urlsafe(16)
    calls = type("_Calls", (_PageCall,), {"session": session, "token": token})
    server = ThreadingHTTPServer(("127.0.0.1", port), calls)
    server.daemon_threads = True
    return server, f"http://127.0.0.1:{server.server_port}/{token}/"


class _PageCall(BaseHTTPRequestHandler):
    """One call of the page."""

    session: ClassVar[RatingSession]
    token: ClassVar[str]
    server_version = "limner"
    timeout = 30

    def do_GET(self) -> None:
        """The page, or a picture."""
        words = self._words()
        if words == [""]:
            names = [pair.name for pair in self.session.pairs]
            self._send(200, _page(names).encode(), "text/html; charset=utf-8")
            return
        pair = self._pair(words)
        if pair is None or words[1] not in {"left", "right"}:
            self._send(404)
            return
        path = pair.left if words[1] == "left" else pair.right
        self._send(200, path.read_bytes(), "application/octet-stream")

    def do_POST(self) -> None:
        """What was said of a pair."""
        from limner.benchmarks.rating import ANSWERS

        words = self._words()
        if self._pair(words) is None or words[1] not in ANSWERS:
            self._send(404)
            return
        self.session.write(int(words[0]), words[1])
        self._send(204)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the terminal is not a log."""

    def _words(self) -> list[str]:
        """What comes after the token in the path; none without it or from another name."""
        host = self.headers.get("Host", "").partition(":")[0]
        _, given, *rest = [*self.path.split("/", 2), ""]
        known = hmac.compare_digest(given.encode(), self.token.encode())
        return rest[0].split("/") if known and host in {"127.0.0.1", "localhost"} else []

    def _pair(self, words: list[str]) -> Pair | None:
        number = words[0] if len(words) == 2 else ""
        if number.isascii() and number.isdecimal() and int(number) < len(self.session.pairs):
            return self.session.pairs[int(number)]
        return None

    def _send(self, code: int, content: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        if kind.startswith("text/html"):
            self.send_header("Content-Security-Policy", _policy())
        self.end_headers()
        self.wfile.write(content)


def _page(names: list[str]) -> str:
    parts = {
        "{{css}}": _part("rate.css"),
        "{{script}}": _part("rate.js"),
        "{{names}}": json.dumps(names).replace("<", "\\u003c"),
    }
    page = _part("rate.html")
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def _policy() -> str:
    script, css = (_hash(_part(name)) for name in ("rate.js", "rate.css"))
    return (
        f"default-src 'none'; img-src 'self'; connect-src 'self'; script-src 'sha256-{script}'; "
        f"style-src 'sha256-{css}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _part(name: str) -> str:
    return files("limner.benchmarks").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
