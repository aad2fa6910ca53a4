"""What a batch takes in, on what terms, and what it does again when it is gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from batch_queue import FAKE, claimed, done, filled, numbers

from limner.agent.archive.pictures import name_of
from limner.agent.batch.heartbeat import Heartbeat
from limner.agent.batch.ingest import add, revisit, settle, terms_of
from limner.agent.batch.queue import Queue
from limner.agent.batch.rows import BadRow, BatchRow
from limner.errors import BadInput


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path / "out", lease=0.5) as queue:
        yield queue


def test_the_same_input_is_taken_in_once(queue: Queue) -> None:
    filled(queue, 3)
    assert not add(queue, FAKE, iter(()), name="wishes.txt", sha256="abc")
    assert queue.counts() == {"waiting": 3}


def test_another_input_is_refused_or_added(queue: Queue) -> None:
    filled(queue, 3)
    more = [BatchRow(1, 1, "r1", "another"), BatchRow(2, 2, "new", "one more")]
    with pytest.raises(BadInput, match="another wishes") as refused:
        add(queue, FAKE, more, name="more.txt", sha256="def")
    assert "--append" in refused.value.hint
    add(queue, FAKE, more, name="more.txt", sha256="def", append=True)
    rows = queue.reading("SELECT number, id, party FROM rows ORDER BY number")
    assert [tuple(row) for row in rows][3:] == [(4, "r1-2", 1), (5, "new", 1)]


def test_an_input_is_taken_in_whole_or_not_at_all(queue: Queue) -> None:
    def broken() -> Iterator[BatchRow]:
        yield BatchRow(1, 1, "a", "a cat")
        raise BadInput("the file ends here")

    settle(queue, FAKE)
    with pytest.raises(BadInput, match="ends here"):
        add(queue, FAKE, broken(), name="x", sha256="x")
    assert queue.counts() == {}


def test_bad_rows_are_told_and_never_worked_on(queue: Queue) -> None:
    rows: list[BatchRow | BadRow] = [BadRow(1, "no request"), BatchRow(2, 2, "a", "a cat")]
    add(queue, settle(queue, FAKE), rows, name="x", sha256="x")
    assert numbers(queue.claim("me")) == [2]
    [bad] = queue.outcomes()
    assert (bad.number, bad.error, bad.status) == (1, "no request", "failed")


def test_seeds_are_the_rows_own_or_follow_from_the_batchs(queue: Queue) -> None:
    rows = [
        BatchRow(1, 1, "a", "a cat", seed=9),
        BatchRow(2, 2, "b", "a cat"),
        BatchRow(3, 3, "c", "a cat"),
    ]
    add(queue, settle(queue, replace(FAKE, seed=5)), rows, name="x", sha256="x")
    seeds = [asked.seed for asked in claimed(queue).asked]
    assert seeds[0] == 9
    assert len(set(seeds)) == 3


def test_other_terms_are_refused_but_requirements_may_change(queue: Queue) -> None:
    settle(queue, FAKE)
    with pytest.raises(BadInput, match="begun with seed 0"):
        settle(queue, replace(FAKE, seed=1))
    settle(queue, replace(FAKE, least=0.5))
    assert terms_of(queue).least == 0.5


def test_the_first_number_of_threads_stays(queue: Queue) -> None:
    settle(queue, replace(FAKE, threads=2))
    assert settle(queue, replace(FAKE, threads=1)).threads == 2


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_picture_that_is_lost_is_painted_again(queue: Queue, harm: str) -> None:
    filled(queue, 4)
    path = queue.folder / "pictures" / "r2.png"
    path.parent.mkdir()
    path.write_bytes(b"png")
    claim = claimed(queue)
    outcomes = done(claim)
    outcomes[1] = replace(outcomes[1], picture="pictures/r2.png", sha256=name_of(b"png"))
    queue.finish(claim, "me", outcomes)
    assert revisit(queue, FAKE) == 0
    path.unlink() if harm == "gone" else path.write_bytes(b"pnG")
    assert revisit(queue, FAKE) == 1
    assert numbers(queue.claim("me")) == [1, 2, 3, 4]  # in the same company


def test_failed_rows_can_be_tried_again(queue: Queue) -> None:
    filled(queue, 4)
    claim = claimed(queue)
    outcomes = done(claim)
    outcomes[0] = replace(outcomes[0], status="failed", ended="failed")
    queue.finish(claim, "me", outcomes)
    revisit(queue, FAKE)
    assert not queue.at_work()
    revisit(queue, FAKE, retry_failed=True)
    assert numbers(queue.claim("me")) == [1, 2, 3, 4]


def test_what_was_never_finished_writing_is_swept(queue: Queue) -> None:
    filled(queue, 1)
    part = queue.folder / "pictures" / ".limner-1234.part"
    part.parent.mkdir()
    part.write_bytes(b"half")
    pulse = Heartbeat(queue.workers)
    revisit(queue, FAKE)
    assert part.exists()  # somebody may be at it
    pulse.stop()
    revisit(queue, FAKE)
    assert not part.exists()
