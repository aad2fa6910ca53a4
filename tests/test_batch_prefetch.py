"""The briefs of the next rows are written while rows are painted, and are the same briefs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from batch_queue import fill, queued
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import BriefPrefetch, Studios, writes_elsewhere
from limner.agent.batch.rows import Outcome
from limner.agent.batch.workers import ResultStore, work_through
from limner.agent.brief.writer import BriefWriter
from limner.agent.records import Brief, Claim, Critique
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import ImageRequest

WISHES = ["a red cat", "two dogs", "a blue car", "a tree", "a castle", "a sailboat"]
CONFIG = BatchConfig(profile="fake", group=2, images_per_round=1, budget=1)


class Elsewhere(FakeWriter):
    """Writes on a device of its own, and tells when it has written so many briefs."""

    device: ClassVar[str] = "elsewhere"
    written: ClassVar[list[str]] = []
    news: ClassVar[threading.Condition] = threading.Condition()

    def _stream(
        self, messages: list[BaseMessage], *given: Any, **named: Any
    ) -> Iterator[ChatGenerationChunk]:
        yield from super()._stream(messages, *given, **named)
        with self.news:
            self.written.append(messages[-1].text)
            self.news.notify_all()


class SharesWeights(FakeCritic):
    """Stands for one that looks with the writer's weights."""

    device = "elsewhere"


class Waits(FakePainter):
    """Doesn't begin a batch before the briefs of the next rows are written."""

    batches = 0

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        self.batches += 1
        wanted = min(2 * self.batches + 2, len(WISHES))
        with Elsewhere.news:
            assert Elsewhere.news.wait_for(lambda: len(Elsewhere.written) >= wanted, 60)
        return super().paint(orders, preview_every)


def worked(folder: Path, studio: Studio) -> list[Outcome]:
    with Queue.open(folder) as queue:
        config = fill(queue, WISHES, CONFIG)
        store = ResultStore(queue, threading.Event())
        for _ in work_through(queue, Studios(config, studio), config, store):
            pass
        return list(queue.outcomes())


def test_the_next_briefs_are_written_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Elsewhere, "written", [])
    settings = Studios(CONFIG).studio().settings
    studio = Studio(Elsewhere(), Waits(), FakeCritic(), settings)
    prefetch = worked(tmp_path / "prefetch", studio)
    assert [outcome.status for outcome in prefetch] == ["done"] * 6
    assert len(Elsewhere.written) == 6  # each once
    plain = worked(tmp_path / "plain", Studio(FakeWriter(), FakePainter(), FakeCritic(), settings))
    assert [o.sha256 for o in prefetch] == [o.sha256 for o in plain]


def test_what_shares_a_device_is_not_apart() -> None:
    fake = Studios(CONFIG).studio()
    assert not writes_elsewhere(fake)
    assert writes_elsewhere(Studio(Elsewhere(), fake.painter, fake.critic))
    assert not writes_elsewhere(Studio(Elsewhere(), fake.painter, SharesWeights()))


class Slow(FakeWriter):
    """Waits in the middle of what it writes until it is let go, and counts who is in there."""

    go: ClassVar[threading.Event] = threading.Event()
    inside: ClassVar[list[int]] = []

    def _stream(
        self, messages: list[BaseMessage], *given: Any, **named: Any
    ) -> Iterator[ChatGenerationChunk]:
        self.inside.append(self.inside[-1] + 1)
        for piece in super()._stream(messages, *given, **named):
            self.go.wait(60)
            yield piece
        self.inside.append(self.inside[-1] - 1)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[BriefPrefetch]:
    monkeypatch.setattr(Slow, "go", threading.Event())
    monkeypatch.setattr(Slow, "inside", [0])
    prefetch = BriefPrefetch(BriefWriter(Slow()))
    prefetch.want(queued(WISHES))
    yield prefetch
    Slow.go.set()
    prefetch.close()


def test_the_writer_is_asked_for_one_thing_at_a_time(slow: BriefPrefetch) -> None:
    failed = Critique((Claim("The cat is red.", "colour"),), (0.1,))
    threading.Timer(0.05, Slow.go.set).start()
    slow.writer.reword(Brief("a red cat", "a red cat"), failed, 1)
    list(slow.draft(WISHES[-1], 106))
    assert max(Slow.inside) == 1 and len(Slow.inside) == 2 * (len(WISHES) + 1) + 1


def test_who_waits_for_a_draft_may_leave_and_the_rest_is_not_written(slow: BriefPrefetch) -> None:
    waiting = slow.writer.draw(WISHES[2], 103)
    assert [next(waiting), next(waiting)] == ["", ""]
    waiting.close()
    slow.close()
    Slow.go.set()
    slow._thread.shutdown(wait=True)
    assert Slow.inside == [0, 1]  # not even the first came to its end
