"""The command `limner batch` and its workers, as processes: they share, are ended, and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batch_typed import WISHES, InProcess, manifest, typed

from limner.agent.cli.main import main
from limner.benchmarks.batch_killed import Trial, children, compared, end, tried

# Many processes, on a machine that may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def begun(file: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "limner", *typed(file, out, *more, "--json-events")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def until(process: subprocess.Popen[str], wanted: str) -> None:
    """Hears a command up to the first event of that name."""
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)["event"] == wanted:
            return
    raise AssertionError(f"it ended without {wanted}")


def rest(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    assert process.stdout
    with process.stdout as lines:
        found = [json.loads(line) for line in lines]
    process.wait()
    return found


def many(tmp_path: Path, count: int) -> Path:
    file = tmp_path / "many.txt"
    file.write_text("".join(f"{n} cats and {WISHES[n % 5]}\n" for n in range(count)))
    return file


def test_two_commands_share_a_folder(tmp_path: Path) -> None:
    file = many(tmp_path, 24)
    both = [begun(file, tmp_path / "out") for _ in range(2)]
    told = [[e["number"] for e in rest(p) if e["event"] == "row-ended"] for p in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(told[0] + told[1]) == list(range(1, 25))


def test_several_workers_give_what_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = many(tmp_path, 16)
    main(typed(file, tmp_path / "two", "--quiet", "--workers", "2"))
    monkeypatch.setattr("limner.agent.batch.runner.WorkerPool", InProcess)
    main(typed(file, tmp_path / "one", "--quiet"))
    assert compared(tmp_path / "one", tmp_path / "two")["the same"]


def ctrl_c(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def ended_by_the_system(process: subprocess.Popen[str]) -> None:
    process.terminate()


@pytest.mark.parametrize(("stop", "code"), [(ctrl_c, 130), (ended_by_the_system, 143)])
def test_who_is_ended_goes_on_later(
    tmp_path: Path,
    stop: Callable[[subprocess.Popen[str]], None],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, out = many(tmp_path, 60), tmp_path / "out"
    process = begun(file, out)
    until(process, "row-ended")
    stop(process)
    events = rest(process)
    assert process.returncode == code
    assert events[-1]["event"] == "ended"
    assert 0 < len(manifest(out)) < 60
    monkeypatch.setattr("limner.agent.batch.runner.WorkerPool", InProcess)
    assert main(typed(file, out, "--quiet")) == 0
    assert len(manifest(out)) == 60
    assert all(row["attempts"] <= 2 for row in manifest(out))


def test_a_lost_worker_is_replaced(tmp_path: Path) -> None:
    process = begun(many(tmp_path, 40), tmp_path / "out")
    until(process, "row-ended")
    end(children(process.pid))
    events = rest(process)
    assert process.returncode == 0
    assert "worker-lost" in {event["event"] for event in events}
    assert len(manifest(tmp_path / "out")) == 40


def test_no_worker_outlives_its_command(tmp_path: Path) -> None:
    process = begun(many(tmp_path, 60), tmp_path / "out")
    until(process, "row-ended")
    workers = children(process.pid)
    end([process.pid])
    rest(process)
    assert workers
    limit = time.monotonic() + 120
    while any(alive(worker) for worker in workers) and time.monotonic() < limit:
        time.sleep(0.1)
    assert not any(alive(worker) for worker in workers)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for yet does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3] + " "
    except OSError:
        return False


def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    verdict = tried(Trial(16, 2, seed, ("--profile", "fake")), tmp_path)
    assert verdict["the same"], verdict
    assert verdict["rows"] == [16, 16]
