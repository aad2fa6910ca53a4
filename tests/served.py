"""A real server on a free port of this machine, for the tests of what is said over HTTP."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from openai import OpenAI
from PIL import Image
from starlette.types import ASGIApp

from limner.agent.archive.archive import Archive
from limner.agent.records import Settings
from limner.agent.serve.app import create_app, listen
from limner.agent.serve.state import AppState
from limner.agent.studio import Studio
from limner.agent.tools.http_auth import Access
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Step

PATIENCE = 120  # seconds, on a machine that has much else to do


@dataclass
class Patient(FakePainter):
    """Paints as the fake does, but goes over its first step again and again until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__()

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        return _Waiting(self, list(orders), preview_every)


class _Waiting(FakeImageStream):
    def __init__(self, painter: Patient, orders: list[ImageRequest], preview_every: int) -> None:
        super().__init__(painter, orders, preview_every)
        self._painter = painter
        self._rough = {0: Image.new("RGB", (8, 8), "red")} if preview_every else {}

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        for _ in range(PATIENCE * 20):
            yield Step(1, 4, self._rough)
            self._painter.begun.set()
            if self._painter.go.wait(0.05):
                break
        yield from super().__iter__()


def patient() -> tuple[Studio, Patient]:
    """A studio whose painter waits until it is let go."""
    painter = Patient()
    return Studio(FakeWriter(), painter, FakeCritic(), Settings()), painter


def sure() -> Studio:
    """A studio whose critic finds every claim true, so that each request takes one round of 4."""
    return Studio(FakeWriter(), FakePainter(), FakeCritic([[0.99]]), Settings())


@dataclass(frozen=True)
class Served:
    """A server that answers: where it is, and what it shares among its requests."""

    url: str
    state: AppState


@contextmanager
def served(
    studio: Studio,
    *,
    profile: str = "fake",
    archive: Path | None = None,
    access: Access | None = None,
    waiting: int = 16,
) -> Iterator[Served]:
    """Serves a studio from another thread; ends with the block."""
    kept = Archive.open(archive) if archive else None
    app = create_app(studio, profile=profile, archive=kept, access=access, waiting=waiting)
    state: AppState = app.state.limner
    with answering(lambda _: app) as url:
        try:
            yield Served(url, state)
        finally:
            state.jobs.close()
    if kept:
        kept.close()


@contextmanager
def answering(app_at: Callable[[int], ASGIApp]) -> Iterator[str]:
    """Runs what speaks HTTP on a free port of this machine, from another thread; its address."""
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app_at(port), log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def client_of(server: Served) -> OpenAI:
    """OpenAI's own client."""
    return OpenAI(base_url=f"{server.url}/v1", api_key="none", timeout=PATIENCE, max_retries=0)


def content_of(answer: Any, at: int = 0) -> bytes:
    """The file of a picture that the client was given."""
    return base64.b64decode(answer.data[at].b64_json)


def turns(*lines: str) -> Any:
    """What a chat client sends: these lines, all but the last of them answered."""
    said: list[dict[str, str]] = []
    for line in lines:
        said += [{"role": "user", "content": line}, {"role": "assistant", "content": "…"}]
    return said[:-1]
