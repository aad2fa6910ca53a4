"""The queue of a batch: nothing is lost, nothing is done twice, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from limner.agent.batch.alive import Pulse, Watch
from limner.agent.batch.intake import add, revisit, settle, terms_of
from limner.agent.batch.queue import Claim, Queue
from limner.agent.batch.queue_schema import NoRoom
from limner.agent.batch.rows import BadRow, Outcome, Row
from limner.agent.batch.terms import Terms
from limner.agent.pictures import name_of
from limner.errors import BadInput

FAKE = Terms(profile="fake")
HOLD = """
import sys, time
from pathlib import Path
from limner.agent.batch.alive import Pulse
print(Pulse(Path(sys.argv[1])).name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path / "out", lease=0.5) as queue:
        yield queue


def filled(queue: Queue, count: int = 8, terms: Terms = FAKE) -> Queue:
    rows = [Row(n, n, f"r{n}", f"wish {n}") for n in range(1, count + 1)]
    add(queue, settle(queue, terms), rows, name="wishes.txt", sha256="abc")
    return queue


def claimed(queue: Queue, worker: str = "me") -> Claim:
    claim = queue.claim(worker)
    assert claim
    return claim


def done(claim: Claim, **more: object) -> list[Outcome]:
    rows = [asked.row for asked in claim.asked]
    return [Outcome(r.id, r.number, r.line, r.request, "done", **more) for r in rows]  # type: ignore[arg-type]


def numbers(claim: Claim | None) -> list[int]:
    return [asked.row.number for asked in claim.asked] if claim else []


def held(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    with process.stdout as said:
        return process, said.readline().strip()


def test_rows_come_in_groups_and_in_order(queue: Queue) -> None:
    filled(queue, 6)
    pulse = Pulse(queue.workers)
    assert numbers(queue.claim(pulse.name)) == [1, 2, 3, 4]
    assert numbers(queue.claim(pulse.name)) == [5, 6]
    assert queue.claim(pulse.name) is None
    assert queue.at_work()
    pulse.stop()


def test_what_is_finished_stays_finished(queue: Queue) -> None:
    filled(queue, 4)
    claim = claimed(queue)
    assert queue.finish(claim, "me", done(claim))
    assert not queue.at_work()
    assert queue.counts() == {"done": 4}
    assert [outcome.number for outcome in queue.outcomes()] == [1, 2, 3, 4]


def test_two_queues_on_one_folder_share_the_work(queue: Queue) -> None:
    filled(queue, 40)
    pulses = [Pulse(queue.workers) for _ in range(2)]
    with Queue.open(queue.folder) as other:
        claims = [
            one.claim(pulse.name)
            for _ in range(6)
            for one, pulse in zip((queue, other), pulses, strict=True)
        ]
    found = [number for claim in claims for number in numbers(claim)]
    assert found == list(range(1, 41))
    for pulse in pulses:
        pulse.stop()


def test_a_killed_workers_rows_wait_again_at_once(queue: Queue) -> None:
    filled(queue, 4)
    process, name = held(queue.workers)
    queue.claim(name)
    mine = Pulse(queue.workers)
    assert queue.claim(mine.name) is None
    process.kill()
    process.wait()
    claim = claimed(queue, mine.name)
    assert numbers(claim) == [1, 2, 3, 4]
    assert [asked.attempt for asked in claim.asked] == [2, 2, 2, 2]
    mine.stop()


def test_no_clock_takes_rows_from_the_living(queue: Queue) -> None:
    filled(queue, 4)
    pulse = Pulse(queue.workers)
    queue.claim(pulse.name)
    mine = Pulse(queue.workers)
    for year in (0, 4_000_000_000):  # whatever time it is said to be
        os.utime(queue.workers / pulse.name, (year, year))
        assert queue.claim(mine.name) is None
    pulse.stop()
    mine.stop()


def test_a_stopped_workers_rows_are_taken_and_its_word_counts_no_more(queue: Queue) -> None:
    filled(queue, 4)
    process, name = held(queue.workers)
    stale = claimed(queue, name)
    process.send_signal(signal.SIGSTOP)
    mine = Pulse(queue.workers)
    until = time.monotonic() + 60
    while (claim := queue.claim(mine.name)) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert numbers(claim) == [1, 2, 3, 4]
    assert not queue.finish(stale, name, done(stale))
    queue.release(stale, name)
    assert queue.claim(mine.name) is None  # still mine
    process.kill()
    process.wait()
    mine.stop()


def test_a_living_pulse_is_not_stuck(tmp_path: Path) -> None:
    watch, pulse = Watch(tmp_path, lease=5.0), Pulse(tmp_path)
    until = time.monotonic() + 7
    while time.monotonic() < until:
        assert not watch.gone(pulse.name)
        time.sleep(0.2)
    pulse.stop()
    assert watch.gone(pulse.name)


def test_giving_back_is_no_crash(queue: Queue) -> None:
    filled(queue, 4)
    for _ in range(9):
        claim = claimed(queue)
        assert claim.how == "together"
        queue.release(claim, "me")


def test_a_row_that_kills_is_found_and_set_aside(queue: Queue) -> None:
    """Row 3 ends its worker whenever it is worked on."""
    filled(queue, 4)
    seen = []
    while claim := queue.claim("me"):
        seen.append((claim.how, numbers(claim)))
        if 3 in numbers(claim):
            queue.release(claim, "me", crashed=True)
        else:
            queue.finish(claim, "me", done(claim))
    assert seen == [
        ("together", [1, 2, 3, 4]),
        ("together", [1, 2, 3, 4]),
        ("probe", [1]),
        ("probe", [2]),
        ("probe", [3]),
        ("probe", [3]),
        ("probe", [4]),
        ("together", [1, 2, 4]),
    ]
    assert queue.counts() == {"done": 3, "set aside": 1}
    [aside] = [outcome for outcome in queue.outcomes() if outcome.status == "set aside"]
    assert aside.number == 3
    assert "twice" in aside.error


def test_rows_that_kill_only_together_are_worked_on_apart(queue: Queue) -> None:
    filled(queue, 2)
    while claim := queue.claim("me"):
        if claim.how == "together":
            queue.release(claim, "me", crashed=True)
        else:
            queue.finish(claim, "me", done(claim))
            last = claim.how
    assert last == "apart"
    assert queue.counts() == {"done": 2}


def test_whatever_kills_comes_to_an_end(queue: Queue) -> None:
    filled(queue, 4)
    crashes = 0
    while claim := queue.claim("me"):
        crashes += 1
        queue.release(claim, "me", crashed=True)
    assert queue.counts() == {"set aside": 4}
    assert crashes < 20


def test_two_chance_kills_change_nothing(queue: Queue) -> None:
    filled(queue, 4)
    for _ in range(2):
        queue.release(claimed(queue), "me", crashed=True)
    claim = claimed(queue)
    while claim.how == "probe":
        queue.finish(claim, "me", [])
        claim = claimed(queue)
    assert (claim.how, numbers(claim)) == ("together", [1, 2, 3, 4])


def test_the_same_input_is_taken_in_once(queue: Queue) -> None:
    filled(queue, 3)
    assert not add(queue, FAKE, iter(()), name="wishes.txt", sha256="abc")
    assert queue.counts() == {"waiting": 3}


def test_another_input_is_refused_or_added(queue: Queue) -> None:
    filled(queue, 3)
    more = [Row(1, 1, "r1", "another"), Row(2, 2, "new", "one more")]
    with pytest.raises(BadInput, match="another wishes") as refused:
        add(queue, FAKE, more, name="more.txt", sha256="def")
    assert "--append" in refused.value.hint
    add(queue, FAKE, more, name="more.txt", sha256="def", append=True)
    rows = queue.reading("SELECT number, id, party FROM rows ORDER BY number")
    assert [tuple(row) for row in rows][3:] == [(4, "r1-2", 1), (5, "new", 1)]


def test_an_input_is_taken_in_whole_or_not_at_all(queue: Queue) -> None:
    def broken() -> Iterator[Row]:
        yield Row(1, 1, "a", "a cat")
        raise BadInput("the file ends here")

    settle(queue, FAKE)
    with pytest.raises(BadInput, match="ends here"):
        add(queue, FAKE, broken(), name="x", sha256="x")
    assert queue.counts() == {}


def test_bad_rows_are_told_and_never_worked_on(queue: Queue) -> None:
    rows: list[Row | BadRow] = [BadRow(1, "no request"), Row(2, 2, "a", "a cat")]
    add(queue, settle(queue, FAKE), rows, name="x", sha256="x")
    assert numbers(queue.claim("me")) == [2]
    [bad] = queue.outcomes()
    assert (bad.number, bad.error, bad.status) == (1, "no request", "failed")


def test_seeds_are_the_rows_own_or_follow_from_the_batchs(queue: Queue) -> None:
    rows = [Row(1, 1, "a", "a cat", seed=9), Row(2, 2, "b", "a cat"), Row(3, 3, "c", "a cat")]
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


def test_a_full_disk_is_told_and_loses_nothing(queue: Queue) -> None:
    filled(queue, 4)
    claim = claimed(queue)
    pages = queue.reading("PRAGMA page_count")[0][0]
    queue.reading(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NoRoom):
        queue.finish(claim, "me", done(claim, prompt="x" * 100_000))
    queue.reading("PRAGMA max_page_count = 1000000")
    assert queue.finish(claim, "me", done(claim, prompt="x" * 100_000))


def test_a_file_that_is_no_queue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite3").write_bytes(b"something else entirely" * 100)
    with pytest.raises(BadInput, match="not a batch"):
        Queue.open(tmp_path)


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="can't save"):
        Queue.open(tmp_path / "file" / "out")


def test_what_was_never_finished_writing_is_swept(queue: Queue) -> None:
    filled(queue, 1)
    part = queue.folder / "pictures" / ".limner-1234.part"
    part.parent.mkdir()
    part.write_bytes(b"half")
    pulse = Pulse(queue.workers)
    revisit(queue, FAKE)
    assert part.exists()  # somebody may be at it
    pulse.stop()
    revisit(queue, FAKE)
    assert not part.exists()
