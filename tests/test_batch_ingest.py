"""What a batch takes in, on what config, and what it does again when it is gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from batch_queue import FAKE, done, filled, leased, numbers

from limner.agent.archive.pictures import name_of
from limner.agent.batch.heartbeat import Heartbeat
from limner.agent.batch.ingest import Changes, add_rows, config_of, revisit, settle_config
from limner.agent.batch.queue import Queue
from limner.agent.batch.rows import BadRow, BatchRow
from limner.errors import BadInput


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path / "out", timeout=0.5) as queue:
        yield queue


def test_the_same_input_is_taken_in_once(queue: Queue) -> None:
    filled(queue, 3)
    assert add_rows(queue, FAKE, iter(()), name="wishes.txt", sha256="abc") is None
    assert queue.counts() == {"waiting": 3}


def test_another_input_is_refused_or_added(queue: Queue) -> None:
    filled(queue, 3)
    more = [BatchRow(1, 1, "r1", "another"), BatchRow(2, 2, "new", "one more")]
    with pytest.raises(BadInput, match="another file, wishes") as refused:
        add_rows(queue, FAKE, more, name="more.txt", sha256="def")
    assert "--append" in refused.value.hint
    add_rows(queue, FAKE, more, name="more.txt", sha256="def", append=True)
    rows = queue.reading("SELECT number, id, row_group FROM rows ORDER BY number")
    assert [tuple(row) for row in rows][3:] == [(4, "r1-2", 1), (5, "new", 1)]


def test_an_input_is_taken_in_whole_or_not_at_all(queue: Queue) -> None:
    def broken() -> Iterator[BatchRow]:
        yield BatchRow(1, 1, "a", "a cat")
        raise BadInput("the file ends here")

    settle_config(queue, FAKE)
    with pytest.raises(BadInput, match="ends here"):
        add_rows(queue, FAKE, broken(), name="x", sha256="x")
    assert queue.counts() == {}


def test_bad_rows_are_told_and_never_worked_on(queue: Queue) -> None:
    rows: list[BatchRow | BadRow] = [BadRow(1, "no request"), BatchRow(2, 2, "a", "a cat")]
    add_rows(queue, settle_config(queue, FAKE), rows, name="x", sha256="x")
    assert numbers(queue.lease("me")) == [2]
    [bad] = queue.outcomes()
    assert (bad.number, bad.error, bad.status) == (1, "no request", "bad")


def test_seeds_are_the_rows_own_or_follow_from_the_batchs(queue: Queue) -> None:
    rows = [
        BatchRow(1, 1, "a", "a cat", seed=9),
        BatchRow(2, 2, "b", "a cat"),
        BatchRow(3, 3, "c", "a cat"),
    ]
    add_rows(queue, settle_config(queue, replace(FAKE, seed=5)), rows, name="x", sha256="x")
    seeds = [asked.seed for asked in leased(queue).rows]
    assert seeds[0] == 9
    assert len(set(seeds)) == 3


def test_another_config_is_refused_but_requirements_may_change(queue: Queue) -> None:
    settle_config(queue, FAKE)
    with pytest.raises(BadInput, match="begun with seed 0"):
        settle_config(queue, replace(FAKE, seed=1))
    settle_config(queue, replace(FAKE, least=0.5))
    assert config_of(queue).least == 0.5


def test_the_first_number_of_threads_stays(queue: Queue) -> None:
    settle_config(queue, replace(FAKE, threads=2))
    assert settle_config(queue, replace(FAKE, threads=1)).threads == 2


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_picture_that_is_lost_is_painted_again(queue: Queue, harm: str) -> None:
    filled(queue, 4)
    path = queue.folder / "pictures" / "r2.png"
    path.parent.mkdir()
    path.write_bytes(b"png")
    claim = leased(queue)
    outcomes = done(claim)
    outcomes[1] = replace(outcomes[1], picture="pictures/r2.png", sha256=name_of(b"png"))
    queue.finish(claim, "me", outcomes)
    assert revisit(queue, FAKE) == 0
    path.unlink() if harm == "gone" else path.write_bytes(b"pnG")
    assert revisit(queue, FAKE) == 1
    assert numbers(queue.lease("me")) == [1, 2, 3, 4]  # in the same batch


def test_failed_rows_can_be_tried_again(queue: Queue) -> None:
    filled(queue, 4)
    claim = leased(queue)
    outcomes = done(claim)
    outcomes[0] = replace(outcomes[0], status="failed", ended="failed")
    queue.finish(claim, "me", outcomes)
    revisit(queue, FAKE)
    assert not queue.unfinished()
    revisit(queue, FAKE, retry_failed=True)
    assert numbers(queue.lease("me")) == [1, 2, 3, 4]


def test_what_was_never_finished_writing_is_swept(queue: Queue) -> None:
    filled(queue, 1)
    part = queue.folder / "pictures" / ".limner-1234.part"
    part.parent.mkdir()
    part.write_bytes(b"half")
    heartbeat = Heartbeat(queue.workers)
    revisit(queue, FAKE)
    assert part.exists()  # somebody may be at it
    heartbeat.stop()
    revisit(queue, FAKE)
    assert not part.exists()


def table(*rows: tuple[str, str, str], first: int = 1) -> list[BatchRow | BadRow]:
    """Rows of (id, request, note); those without an id have one that limner made up."""
    return [
        BatchRow(n, n, i or f"{n:05d}-{r}", r, columns={"note": note}, named=bool(i))
        for n, (i, r, note) in enumerate(rows, first)
    ]


def kept(queue: Queue) -> list[tuple[int, str, str, str]]:
    found = queue.reading("SELECT number, id, state, spec FROM rows ORDER BY number")
    return [(r["number"], r["id"], r["state"], BatchRow.parse(r["spec"]).request) for r in found]


def finish_all(queue: Queue) -> None:
    while lease := queue.lease("me"):
        queue.finish(lease, "me", done(lease))


def test_of_a_changed_file_the_changed_rows_are_done_anew(queue: Queue) -> None:
    config = settle_config(queue, FAKE)
    before = table(("a", "cat", "1"), ("b", "dog", "1"), ("", "bird", "1"), ("", "cow", "1"))
    add_rows(queue, config, before, name="wishes.csv", sha256="one")
    finish_all(queue)
    seeds = queue.reading("SELECT id, seed FROM rows ORDER BY id")
    after = table(("", "tree", "1"), ("b", "wolf", "1"), ("a", "cat", "2"), ("", "bird", "1"))
    assert add_rows(queue, config, after, name="wishes.csv", sha256="two") == Changes(1, 1, 1)
    assert kept(queue) == [
        (1, "00001-tree", "waiting", "tree"),
        (2, "b", "waiting", "wolf"),
        (3, "a", "done", "cat"),
        (4, "00003-bird", "done", "bird"),
    ]
    stays = {row["id"]: row["seed"] for row in seeds}
    now = queue.reading("SELECT id, seed FROM rows WHERE state = 'done'")
    assert all(row["seed"] == stays[row["id"]] for row in now)
    assert [(o.number, o.id, o.columns) for o in queue.outcomes()] == [
        (3, "a", {"note": "2"}),  # a column that no picture depends on
        (4, "00003-bird", {"note": "1"}),
    ]
    assert numbers(queue.lease("me")) == [1, 2]


def test_the_same_row_twice_stays_two_rows(queue: Queue) -> None:
    config = settle_config(queue, FAKE)
    add_rows(queue, config, table(("", "cat", ""), ("", "cat", "")), name="x", sha256="one")
    finish_all(queue)
    three = table(("", "cat", ""), ("", "cat", ""), ("", "cat", ""))
    assert add_rows(queue, config, three, name="x", sha256="two") == Changes(1, 0, 0)
    assert [row[:3] for row in kept(queue)] == [
        (1, "00001-cat", "done"), (2, "00002-cat", "done"), (3, "00003-cat", "waiting")
    ]  # fmt: skip


def test_a_worker_that_has_an_older_row_does_not_finish_the_new_one(queue: Queue) -> None:
    config = settle_config(queue, FAKE)
    add_rows(queue, config, table(("a", "cat", ""), ("b", "dog", "")), name="x", sha256="one")
    lease = leased(queue)
    add_rows(queue, config, table(("b", "dog", ""), ("a", "wolf", "")), name="x", sha256="two")
    assert queue.finish(lease, "me", done(lease))
    assert [row[1:] for row in kept(queue)] == [("b", "done", "dog"), ("a", "waiting", "wolf")]
    assert [queued.row.request for queued in leased(queue).rows] == ["wolf"]
    assert [outcome.number for outcome in queue.outcomes()] == [1]


def test_a_changed_file_that_can_not_be_read_changes_nothing(queue: Queue) -> None:
    config = settle_config(queue, FAKE)
    add_rows(queue, config, table(("a", "cat", "")), name="x", sha256="one")
    with pytest.raises(BadInput, match="no rows"):
        add_rows(queue, config, [], name="x", sha256="two")
    assert kept(queue) == [(1, "a", "waiting", "cat")]
    assert add_rows(queue, config, table(("a", "cat", "")), name="x", sha256="one") is None
