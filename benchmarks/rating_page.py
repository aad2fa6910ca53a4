"""Shows pairs of pictures in a browser of this machine, and takes down which one is better."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Lock
from typing import Any, ClassVar

from limner.benchmarks.rating import ANSWERS, Pair, Rating

__all__ = ["Book", "door"]

Keep = Callable[[Sequence[Rating]], None]


@dataclass(slots=True)
class Book:
    """The pairs that are still to be judged, and what was said; `keep` has it on disk each time."""

    pairs: Sequence[Pair]
    said: list[Rating]
    keep: Keep
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        done = {_key(r.name, r.left, r.right) for r in self.said}
        self.pairs = [p for p in self.pairs if _key(p.name, *_sides(p)) not in done]

    def write(self, number: int, said: str) -> None:
        """Takes down what was said of the pair at `number`; once more puts it in its place."""
        pair = self.pairs[number]
        left, right = _sides(pair)
        key = _key(pair.name, left, right)
        with self.lock:
            self.said = [r for r in self.said if _key(r.name, r.left, r.right) != key]
            self.said.append(Rating(pair.name, left, right, said))
            self.keep(self.said)


def door(book: Book, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """A server on this machine alone, and the address to open, which nobody else knows.

    It shows only the pictures of the book, by number, and takes only what can be said of a pair.
    """
    token = secrets.token_urlsafe(16)
    answering = type("Answering", (_Answering,), {"book": book, "token": token})
    server = ThreadingHTTPServer(("127.0.0.1", port), answering)
    server.daemon_threads = True
    return server, f"http://127.0.0.1:{server.server_port}/{token}/"


class _Answering(BaseHTTPRequestHandler):
    """One call of the page."""

    book: ClassVar[Book]
    token: ClassVar[str]
    server_version = "limner"
    timeout = 30

    def do_GET(self) -> None:
        """The page, or a picture."""
        words = self._words()
        if words == [""]:
            self._send(200, _page(self.book).encode(), "text/html; charset=utf-8")
            return
        pair = self._pair(words[0]) if words and len(words) == 2 else None
        if pair is None or words is None or words[1] not in {"left", "right"}:
            self._send(404)
            return
        path = pair.left if words[1] == "left" else pair.right
        self._send(200, path.read_bytes(), "application/octet-stream")

    def do_POST(self) -> None:
        """What was said of a pair."""
        words = self._words()
        if not words or len(words) != 2 or words[1] not in ANSWERS or not self._pair(words[0]):
            self._send(404)
            return
        self.book.write(int(words[0]), words[1])
        self._send(204)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the terminal is not a log."""

    def _words(self) -> list[str] | None:
        """What comes after the token in the path; None without it or from another name."""
        host = self.headers.get("Host", "").partition(":")[0]
        _, given, *rest = [*self.path.split("/", 2), ""]
        known = hmac.compare_digest(given.encode(), self.token.encode())
        return rest[0].split("/") if known and host in {"127.0.0.1", "localhost"} else None

    def _pair(self, number: str) -> Pair | None:
        if number.isascii() and number.isdecimal() and int(number) < len(self.book.pairs):
            return self.book.pairs[int(number)]
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


def _page(book: Book) -> str:
    names = json.dumps([pair.name for pair in book.pairs]).replace("<", "\\u003c")
    script, css = _part("rate.js"), _part("rate.css")
    page = _part("rate.html")
    return page.replace("{{css}}", css).replace("{{names}}", names).replace("{{script}}", script)


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


def _sides(pair: Pair) -> tuple[str, str]:
    return pair.left.parent.name, pair.right.parent.name


def _key(name: str, left: str, right: str) -> tuple[str, str, str]:
    one, other = sorted((left, right))
    return name, one, other
