"""A hub in this process: the few addresses of Hugging Face's that a download asks for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["MODEL", "Hub", "served"]

MODEL = "someone/tiny"
SHA = "a" * 40


@dataclass
class Hub:
    """What it has (by name), how it misbehaves, and what it was asked for.

    `cut` are files of which the first answer breaks off in the middle, `stuck` those that never
    come to their end, `flipped` those that come with a wrong byte; `status` is its answer to all.
    """

    files: dict[str, bytes]
    address: str = ""
    cut: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    flipped: set[str] = field(default_factory=set)
    status: int = 200
    got: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def rows(self) -> list[dict[str, Any]]:
        """Its files, as its list of a folder has them."""
        return [
            {"type": "file", "path": name, "size": len(content), **_hashes(name, content)}
            for name, content in self.files.items()
        ]

    def told(self) -> dict[str, Any]:
        """The model, as its card has it."""
        siblings = []
        for name, content in self.files.items():
            large = {"sha256": _sha256(content), "size": len(content), "pointerSize": 99}
            lfs = {"lfs": large} if name.endswith((".safetensors", ".bin")) else {}
            siblings.append({"rfilename": name, "size": len(content), "blobId": "b" * 40, **lfs})
        card = {"license": "apache-2.0"}
        return {"id": MODEL, "sha": SHA, "siblings": siblings, "cardData": card, "gated": False}


@contextmanager
def served(folder: Path, **more: bytes) -> Iterator[Hub]:
    """A hub on this machine with one model: what is in a folder, and `more` beside it."""
    names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    hub = Hub({p.relative_to(folder).as_posix(): p.read_bytes() for p in names} | more)

    class Answers(_Answers):
        of = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    of: ClassVar[Hub]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        path = self.path.split("?")[0]
        if self.of.status != 200 or not path.startswith(("/api/models/" + MODEL, "/" + MODEL)):
            status = self.of.status if self.of.status != 200 else 404
            why = {"X-Error-Code": "RepoNotFound"} if status == 404 else {}
            return self._send(status, b"{}", {"Content-Length": "2", **why})
        if "/tree/" in path:
            return self._send(200, json.dumps(self.of.rows()).encode())
        if path.startswith("/api/models/"):
            return self._send(200, json.dumps(self.of.told()).encode())
        return self._file(path.split(f"/resolve/{SHA}/")[1])

    def _file(self, name: str) -> None:
        hub, content = self.of, self.of.files[name]
        asked = self.headers.get("Range") or ""
        if self.command == "GET":
            hub.got.append((name, asked))
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        sent, size = content[start:], len(content)
        if name in hub.flipped:
            sent = sent[:-1] + bytes([sent[-1] ^ 1])
        etag = next(iter(_hashes(name, content).values()))
        headers = {
            "ETag": f'"{etag["oid"] if isinstance(etag, dict) else etag}"',
            "X-Repo-Commit": SHA,
            "Accept-Ranges": "bytes",
            "Content-Length": str(len(sent)),
        }
        if asked:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        if name in hub.cut | hub.stuck and self.command == "GET":
            sent = sent[: len(sent) // 2]
        self._send(206 if asked else 200, sent, headers)
        if name in hub.stuck and self.command == "GET":
            hub.over.wait(60)
        hub.cut -= {name} if self.command == "GET" else set()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _hashes(name: str, content: bytes) -> dict[str, Any]:
    if name.endswith((".safetensors", ".bin")):
        large = {"oid": _sha256(content), "size": len(content), "pointerSize": 99}
        return {"lfs": large, "oid": "b" * 40}
    return {"oid": hashlib.sha1(content).hexdigest()}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
