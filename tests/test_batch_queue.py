"""The queue of a batch: nothing is lost, nothing is done twice, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_queue import done, filled, leased, numbers

from limner.agent.batch.heartbeat import Heartbeat, HeartbeatMonitor
from limner.agent.batch.queue import NoRoom, Queue
from limner.errors import BadInput

HOLD = """
import sys, time
from pathlib import Path
from limner.agent.batch.heartbeat import Heartbeat
print(Heartbeat(Path(sys.argv[1])).name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path / "out", timeout=0.5) as queue:
        yield queue


def held(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    with process.stdout as said:
        return process, said.readline().strip()


def test_rows_come_in_groups_and_in_order(queue: Queue) -> None:
    filled(queue, 6)
    heartbeat = Heartbeat(queue.workers)
    assert numbers(queue.lease(heartbeat.name)) == [1, 2, 3, 4]
    assert numbers(queue.lease(heartbeat.name)) == [5, 6]
    assert queue.lease(heartbeat.name) is None
    assert queue.unfinished()
    heartbeat.stop()


def test_what_is_finished_stays_finished(queue: Queue) -> None:
    filled(queue, 4)
    claim = leased(queue)
    assert queue.finish(claim, "me", done(claim))
    assert not queue.unfinished()
    assert queue.counts() == {"done": 4}
    assert [outcome.number for outcome in queue.outcomes()] == [1, 2, 3, 4]


def test_two_queues_on_one_folder_share_the_work(queue: Queue) -> None:
    filled(queue, 40)
    heartbeats = [Heartbeat(queue.workers) for _ in range(2)]
    with Queue.open(queue.folder) as other:
        claims = [
            one.lease(heartbeat.name)
            for _ in range(6)
            for one, heartbeat in zip((queue, other), heartbeats, strict=True)
        ]
    found = [number for claim in claims for number in numbers(claim)]
    assert found == list(range(1, 41))
    for heartbeat in heartbeats:
        heartbeat.stop()


def test_a_killed_workers_rows_wait_again_at_once(queue: Queue) -> None:
    filled(queue, 4)
    process, name = held(queue.workers)
    queue.lease(name)
    mine = Heartbeat(queue.workers)
    assert queue.lease(mine.name) is None
    process.kill()
    process.wait()
    claim = leased(queue, mine.name)
    assert numbers(claim) == [1, 2, 3, 4]
    assert [asked.attempt for asked in claim.rows] == [2, 2, 2, 2]
    mine.stop()


def test_no_clock_takes_rows_from_the_living(queue: Queue) -> None:
    filled(queue, 4)
    heartbeat = Heartbeat(queue.workers)
    queue.lease(heartbeat.name)
    mine = Heartbeat(queue.workers)
    for year in (0, 4_000_000_000):  # whatever time it is said to be
        os.utime(queue.workers / heartbeat.name, (year, year))
        assert queue.lease(mine.name) is None
    heartbeat.stop()
    mine.stop()


def test_a_stopped_workers_rows_are_taken_and_its_word_counts_no_more(queue: Queue) -> None:
    filled(queue, 4)
    process, name = held(queue.workers)
    stale = leased(queue, name)
    process.send_signal(signal.SIGSTOP)
    mine = Heartbeat(queue.workers)
    until = time.monotonic() + 60
    while (claim := queue.lease(mine.name)) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert numbers(claim) == [1, 2, 3, 4]
    assert not queue.finish(stale, name, done(stale))
    queue.release(stale, name)
    assert queue.lease(mine.name) is None  # still mine
    process.kill()
    process.wait()
    mine.stop()


def test_a_living_pulse_is_not_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.agent.batch.heartbeat._BEAT", 0.05)
    watch, heartbeat = HeartbeatMonitor(tmp_path, timeout=1.5), Heartbeat(tmp_path)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        assert not watch.gone(heartbeat.name)
        time.sleep(0.1)
    heartbeat.stop()
    assert watch.gone(heartbeat.name)


def test_giving_back_is_no_crash(queue: Queue) -> None:
    filled(queue, 4)
    for _ in range(9):
        claim = leased(queue)
        assert claim.how == "together"
        queue.release(claim, "me")


def test_a_row_that_kills_is_found_and_set_aside(queue: Queue) -> None:
    """Row 3 ends its worker whenever it is worked on."""
    filled(queue, 4)
    seen = []
    while claim := queue.lease("me"):
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
    while claim := queue.lease("me"):
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
    while claim := queue.lease("me"):
        crashes += 1
        queue.release(claim, "me", crashed=True)
    assert queue.counts() == {"set aside": 4}
    assert crashes < 20


def test_two_chance_kills_change_nothing(queue: Queue) -> None:
    filled(queue, 4)
    for _ in range(2):
        queue.release(leased(queue), "me", crashed=True)
    claim = leased(queue)
    while claim.how == "probe":
        queue.finish(claim, "me", [])
        claim = leased(queue)
    assert (claim.how, numbers(claim)) == ("together", [1, 2, 3, 4])


def test_a_full_disk_is_told_and_loses_nothing(queue: Queue) -> None:
    filled(queue, 4)
    claim = leased(queue)
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
