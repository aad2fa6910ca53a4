"""limner from Python: many threads and coroutines in one studio."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any

import pytest
from PIL import Image

from limner import PaintingStep, Studio
from limner.agent.events import BriefReady, CandidateReady, Event
from limner.agent.records import Settings
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Step

PATIENCE = 120
WISH = "two red cats and a dog at night"


class Watched(FakePainter):
    """Notices who paints at the same time, stops at a gate, and knows how it ended."""

    def __init__(self) -> None:
        super().__init__(steps=3)
        self.open = 0
        self.most = 0
        self.closed = 0
        self.gate = threading.Event()
        self.gate.set()
        self.waits = threading.Event()

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> Any:
        return _Watched(self, super().paint(orders, preview_every))


class _Watched:
    def __init__(self, painter: Watched, painting: FakeImageStream) -> None:
        self._painter = painter
        self._painting = painting
        self._ended = False
        painter.open += 1
        painter.most = max(painter.most, painter.open)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        for done in self._painting:
            time.sleep(0.001)  # gives the others a chance to interfere
            if not self._painter.gate.is_set():
                self._painter.waits.set()
                assert self._painter.gate.wait(PATIENCE)
            yield done

    def drop(self, index: int) -> None:
        self._painting.drop(index)

    def close(self) -> None:
        self._painting.close()
        self._painter.open -= not self._ended
        self._painter.closed += not self._ended
        self._ended = True

    @property
    def spent(self) -> float:
        return self._painting.spent


@pytest.fixture
def painter() -> Watched:
    return Watched()


@pytest.fixture
def shared(painter: Watched) -> Studio:
    return Studio(FakeWriter(), painter, FakeCritic(), Settings(images_per_round=2, budget=4.0))


def test_threads_share_a_studio_and_one_paints(shared: Studio, painter: Watched) -> None:
    made: dict[int, Any] = {}

    def ask(seed: int) -> None:
        made[seed] = shared.imagine(WISH, seed=seed)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert painter.most == 1 and painter.open == 0 and len(made) == 6
    for seed, result in made.items():
        alone = shared.imagine(WISH, seed=seed)
        assert [t.image_request for t in alone.candidates] == [
            t.image_request for t in result.candidates
        ]
        assert [t.critique for t in alone.candidates] == [t.critique for t in result.candidates]


def test_closing_from_another_thread_stops_a_step_later(shared: Studio, painter: Watched) -> None:
    events = shared.stream(WISH, seed=1)
    heard: list[Event] = []
    reader = threading.Thread(target=lambda: heard.extend(events))
    painter.gate.clear()
    reader.start()
    assert painter.waits.wait(PATIENCE)
    closer = threading.Thread(target=events.close)
    closer.start()
    painter.gate.set()
    for thread in (reader, closer):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert painter.closed == 1 and painter.open == 0
    assert not any(isinstance(event, CandidateReady) for event in heard)
    assert shared.imagine(WISH, seed=1).best  # the models are free again


def test_who_waits_for_the_models_can_be_closed(shared: Studio, painter: Watched) -> None:
    painter.gate.clear()
    first = threading.Thread(target=lambda: shared.imagine(WISH, seed=1))
    first.start()
    assert painter.waits.wait(PATIENCE)
    second = shared.stream(WISH, seed=2)
    heard: list[Event] = []
    reader = threading.Thread(target=lambda: heard.extend(second))
    reader.start()
    second.close()  # at once, though the first one still paints
    reader.join(PATIENCE)
    assert not reader.is_alive() and heard == [] and first.is_alive()
    painter.gate.set()
    first.join(PATIENCE)
    assert painter.open == 0


def _to_a_step(events: Iterator[Event]) -> None:
    next(event for event in events if isinstance(event, PaintingStep))


def test_between_two_steps_others_wait_and_the_reader_may_look(
    shared: Studio, painter: Watched
) -> None:
    with closing(shared.stream(WISH, seed=1)) as events:
        _to_a_step(events)
        assert shared.score(Image.new("RGB", (8, 8)), "a cat").probabilities
        assert [type(e) for e in shared.expand("a cat", seed=1)][-1] is BriefReady
        with pytest.raises(BadInput, match="middle of another"):
            shared.imagine("a cat", seed=1)
        other = threading.Thread(target=lambda: shared.imagine("a cat", seed=1))
        other.start()
        _to_a_step(events)
        assert painter.most == 1 and other.is_alive()
    other.join(PATIENCE)
    assert not other.is_alive() and painter.most == 1


def test_an_iterator_that_is_forgotten_frees_the_models(shared: Studio, painter: Watched) -> None:
    _to_a_step(shared.stream(WISH, seed=1))
    gc.collect()
    assert painter.open == 0
    assert shared.imagine(WISH, seed=1).best


def test_a_coroutine_that_leaves_stops_the_painter(shared: Studio, painter: Watched) -> None:
    async def leave() -> None:
        async with aclosing(shared.astream(WISH, seed=1)) as events:
            async for event in events:
                if isinstance(event, PaintingStep):
                    painter.gate.clear()
                    return

    asyncio.run(leave())
    painter.gate.set()
    assert shared.imagine(WISH, seed=1).best
    assert painter.open == 0
