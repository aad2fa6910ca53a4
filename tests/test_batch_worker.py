"""A worker has what it paints on the disk before it says so, and gives back what it can't paint."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from batch_queue import FAKE, fill
from PIL import Image

from limner.agent.archive.atomic_io import write_named
from limner.agent.archive.pictures import name_of
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import RowResult, Studios
from limner.agent.batch.rows import Outcome
from limner.agent.batch.workers import BatchEvent, ResultStore, work_through
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import ImageRequest


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path / "out") as queue:
        yield queue


def worked(
    queue: Queue, store: ResultStore | None = None, config: BatchConfig = FAKE
) -> list[BatchEvent]:
    store = store or ResultStore(queue, threading.Event())
    return list(work_through(queue, Studios(config), config, store))


def outcomes(queue: Queue) -> list[Outcome]:
    return [replace(outcome, seconds=0.0, attempts=0) for outcome in queue.outcomes()]


def test_every_row_has_a_picture_with_that_hash(queue: Queue) -> None:
    fill(queue, ["a red cat", "two dogs", "a tree", "a castle", "a boat"])
    events = worked(queue)
    for outcome in queue.outcomes():
        assert name_of((queue.folder / outcome.picture).read_bytes()) == outcome.sha256
    ended = [h["number"] for h in events if h["event"] == "row-ended"]
    assert ended == [1, 2, 3, 4, 5]


def test_a_full_disk_pauses_and_loses_nothing(queue: Queue, tmp_path: Path) -> None:
    fill(queue, ["a red cat", "two dogs"])
    troubles = iter([errno.ENOSPC, errno.ENOSPC, 0, errno.EDQUOT])

    def write(path: Path, content: bytes) -> None:
        if number := next(troubles, 0):
            raise OSError(number, os.strerror(number))
        write_named(path, content)

    store = ResultStore(queue, threading.Event(), write, pause=0.01)
    told = [h["event"] for h in worked(queue, store)]
    assert [t for t in told if t in ("paused", "resumed")] == ["paused", "resumed"] * 2
    with Queue.open(tmp_path / "other") as other:
        fill(other, ["a red cat", "two dogs"])
        worked(other)
        assert outcomes(other) == outcomes(queue)


def test_a_worker_stopped_while_the_disk_is_full_gives_the_rows_back(queue: Queue) -> None:
    fill(queue, ["a red cat"])
    stop = threading.Event()

    def write(path: Path, content: bytes) -> None:
        stop.set()
        raise OSError(errno.ENOSPC, "full")

    worked(queue, ResultStore(queue, stop, write, pause=60))
    assert queue.counts() == {"waiting": 1}
    assert worked(queue)[-1]["event"] == "row-ended"


def test_a_stop_comes_between_two_steps(queue: Queue) -> None:
    fill(queue, ["a red cat", "two dogs"])
    stop = threading.Event()
    seen = []
    for event in work_through(queue, Studios(FAKE), FAKE, ResultStore(queue, stop)):
        seen.append(event["event"])
        if event["event"] == "step":
            stop.set()
    assert seen.count("step") == 1
    assert queue.counts() == {"waiting": 2}
    assert queue.reading("SELECT crashes FROM row_groups")[0][0] == 0


def test_what_is_closed_is_given_back(queue: Queue) -> None:
    fill(queue, ["a red cat"])
    working = work_through(queue, Studios(FAKE), FAKE, ResultStore(queue, threading.Event()))
    next(working)
    working.close()
    assert queue.counts() == {"waiting": 1}
    assert list(queue.workers.iterdir()) == []


def test_the_picture_of_a_row_that_fails_now_is_taken_away(queue: Queue) -> None:
    fill(queue, ["a red cat"])
    worked(queue)
    [outcome] = queue.outcomes()
    claim = None
    with queue.writing() as base:
        base.execute("UPDATE row_groups SET state = 'waiting'")
    claim = queue.lease("me")
    assert claim
    failed = RowResult(replace(outcome, status="failed", picture="", sha256=""))
    list(ResultStore(queue, threading.Event()).keep(claim, "me", [failed]))
    assert not (queue.folder / outcome.picture).exists()


def test_briefs_alone_need_no_painter(queue: Queue) -> None:
    config = fill(queue, ["a red cat", "two dogs"], replace(FAKE, expand_only=True))
    studios = Studios(config)
    worked(queue, config=config)
    assert studios.studio().names["painter"] == "fake"
    assert [o.prompt for o in queue.outcomes()] == ["a red cat", "two dogs"]
    assert all(o.claims and not o.picture for o in queue.outcomes())
    assert not (queue.folder / "pictures").exists()


def test_briefs_for_a_small_world_know_what_it_shows() -> None:
    studio = Studios(BatchConfig(profile="pocket", expand_only=True)).studio()
    assert studio.writer.world and studio.names["critic"] == "fake"


def test_requirements_are_held_against_the_pictures(queue: Queue) -> None:
    config = fill(queue, ["a red cat on the grass"], replace(FAKE, least=1.0))
    worked(queue, config=config)
    [outcome] = queue.outcomes()
    assert outcome.status == "short"
    assert outcome.short
    assert (queue.folder / outcome.picture).is_file()


class Deadly(FakePainter):
    """Takes its whole process with it when it is to paint a bomb."""

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        if any("bomb" in order.prompt for order in orders):
            os._exit(11)
        return super().paint(orders, preview_every)


def pixels(queue: Queue, but: int) -> list[bytes]:
    """Those of every row's picture, but of one row."""
    pictures = [queue.folder / o.picture for o in queue.outcomes() if o.number != but]
    return [Image.open(path).tobytes() for path in pictures]


def deadly(folder: Path) -> None:
    """Works on the batch in a folder until it is done, or dead."""
    studio = Studio(FakeWriter(), Deadly(), FakeCritic(), Studios(FAKE).studio().settings)
    with Queue.open(folder) as queue:
        for _ in work_through(
            queue, Studios(FAKE, studio), FAKE, ResultStore(queue, threading.Event())
        ):
            pass


def test_a_row_that_kills_its_worker_is_set_aside_and_the_rest_is_painted(
    queue: Queue, tmp_path: Path
) -> None:
    fill(queue, ["a red cat", "a bomb", "two dogs", "a tree", "a castle"])
    forked, deaths = multiprocessing.get_context("forkserver"), 0
    forked.set_forkserver_preload(["limner.agent.batch.workers", "limner.pipelines.fakes"])
    while queue.unfinished():
        process = forked.Process(target=deadly, args=(queue.folder,))
        process.start()
        process.join()
        deaths += process.exitcode == 11
        process.close()
        assert deaths < 8
    assert deaths == 4  # twice together, twice alone
    assert queue.counts() == {"done": 4, "set aside": 1}
    with Queue.open(tmp_path / "other") as other:
        fill(other, ["a red cat", "a bomb", "two dogs", "a tree", "a castle"])
        worked(other)
        assert pixels(other, but=2) == pixels(
            queue, but=2
        )  # this painter's don't depend on the others
        assert [o.sha256 for o in other.outcomes()][4] == [o.sha256 for o in queue.outcomes()][4]
