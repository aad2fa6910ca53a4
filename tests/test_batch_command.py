"""The command `limner batch`: what is typed, what is told, and what is left when it is ended."""

from __future__ import annotations

import csv
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

from limner.agent.cli import main
from limner.benchmarks.batch_killed import Trial, children, compared, end, tried

pytestmark = pytest.mark.timeout(900)  # many processes, on a machine that may be busy

WISHES = ["a red cat on the grass", "two dogs in the snow", "a castle", "a tree", "a boat"]


@pytest.fixture
def wishes(tmp_path: Path) -> Path:
    file = tmp_path / "wishes.txt"
    file.write_text("\n".join(WISHES) + "\n", encoding="utf-8")
    return file


def typed(file: Path | str, out: Path, *more: str) -> list[str]:
    return ["batch", str(file), "--out", str(out), "--profile", "fake", *more]


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


def manifest(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def many(tmp_path: Path, count: int) -> Path:
    file = tmp_path / "many.txt"
    file.write_text("".join(f"{n} cats and {WISHES[n % 5]}\n" for n in range(count)))
    return file


def test_a_file_becomes_a_folder(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out, "--junit", str(tmp_path / "junit.xml"))) == 0
    said = capsys.readouterr().out
    assert "5 of 5 rows done" in said
    assert [row["request"] for row in manifest(out)] == WISHES
    assert all((out / row["picture"]).is_file() for row in manifest(out))
    with (out / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 6
    assert (out / "index.html").is_file()
    assert "testsuite" in (tmp_path / "junit.xml").read_text()


def test_the_same_again_has_nothing_to_do(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out)) == 0
    capsys.readouterr()
    assert main(typed(wishes, out, "--json-events")) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["began", "ended"]


def test_events_are_told_one_a_line(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(typed(wishes, tmp_path / "out", "--json-events"))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (events[0]["event"], events[-1]["event"]) == ("began", "ended")
    names = {event["event"] for event in events}
    assert {"rows-began", "brief", "step", "take", "decided", "row-ended"} <= names
    assert events[-1]["exit_code"] == 0


def test_quiet_prints_the_manifests_path(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(typed(wishes, tmp_path / "out", "--quiet"))
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'manifest.jsonl'}\n"


def test_a_pipe_is_read(wishes: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "limner", *typed("-", tmp_path / "out", "--expand-only")]
    done = subprocess.run(command, input=wishes.read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(manifest(tmp_path / "out")) == 5
    assert not list((tmp_path / "out").rglob("*.png"))


def test_what_falls_short_gives_1_and_can_be_judged_anew(wishes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out, "--min", "1", "--quiet")) == 1
    assert {row["status"] for row in manifest(out)} == {"short"}
    assert main(typed(wishes, out, "--quiet")) == 0
    assert {row["status"] for row in manifest(out)} == {"done"}


def test_bad_rows_are_told_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out"
    file.write_text("request,seed\na red cat,1\na dog,one\n")
    assert main(typed(file, out, "--strict")) == 2
    assert "line 3" in capsys.readouterr().err
    assert main(typed(file, out, "--quiet")) == 1
    assert [row["status"] for row in manifest(out)] == ["done", "failed"]


def test_a_sweep_makes_several_rows_of_one(wishes: Path, tmp_path: Path) -> None:
    assert main(typed(wishes, tmp_path / "out", "--matrix", "seed=1..2", "--quiet")) == 0
    assert [row["seed"] for row in manifest(tmp_path / "out")] == [1, 2] * 5


def test_a_dry_run_tells_and_keeps_nothing(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed(wishes, tmp_path / "out", "--dry-run", "--json-events")) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["pictures"], told["equivalents"]) == (5, 40, 40.0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--require", "beauty"], "beauty"),
        (["--profile", "nobody"], "nobody"),
        (["--seed", "-1"], "seed"),
        (["--matrix", "hue=1"], "hue"),
        (["--size", "big"], "big"),
    ],
)
def test_what_is_mistyped_gives_2(
    wishes: Path, tmp_path: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed(wishes, tmp_path / "out", *more)) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_not_there_gives_2(tmp_path: Path) -> None:
    assert main(typed(tmp_path / "nothing.csv", tmp_path / "out")) == 2


def test_models_that_cannot_be_opened_give_2(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text("writer: {name: fake}\npainter: {name: nowhere}\ncritic: {name: fake}\n")
    assert main(typed(wishes, tmp_path / "out", "--profile", str(profile))) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.slow
def test_two_commands_share_a_folder(tmp_path: Path) -> None:
    file = many(tmp_path, 40)
    both = [begun(file, tmp_path / "out") for _ in range(2)]
    told = [[e["number"] for e in rest(p) if e["event"] == "row-ended"] for p in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(told[0] + told[1]) == list(range(1, 41))


@pytest.mark.slow
def test_several_workers_give_what_one_does(tmp_path: Path) -> None:
    file = many(tmp_path, 24)
    main(typed(file, tmp_path / "one", "--quiet"))
    main(typed(file, tmp_path / "three", "--quiet", "--workers", "3"))
    assert compared(tmp_path / "one", tmp_path / "three")["the same"]


def ctrl_c(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def ended_by_the_system(process: subprocess.Popen[str]) -> None:
    process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "code"), [(ctrl_c, 130), (ended_by_the_system, 143)])
def test_who_is_ended_goes_on_later(
    tmp_path: Path, stop: Callable[[subprocess.Popen[str]], None], code: int
) -> None:
    file, out = many(tmp_path, 200), tmp_path / "out"
    process = begun(file, out)
    until(process, "row-ended")
    stop(process)
    events = rest(process)
    assert process.returncode == code
    assert events[-1]["event"] == "ended"
    assert 0 < len(manifest(out)) < 200
    assert main(typed(file, out, "--quiet")) == 0
    assert len(manifest(out)) == 200
    assert all(row["attempts"] <= 2 for row in manifest(out))


@pytest.mark.slow
def test_a_lost_worker_is_replaced(tmp_path: Path) -> None:
    process = begun(many(tmp_path, 120), tmp_path / "out")
    until(process, "row-ended")
    end(children(process.pid))
    events = rest(process)
    assert process.returncode == 0
    assert "worker-lost" in {event["event"] for event in events}
    assert len(manifest(tmp_path / "out")) == 120


@pytest.mark.slow
def test_no_worker_outlives_its_command(tmp_path: Path) -> None:
    process = begun(many(tmp_path, 400), tmp_path / "out")
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


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_the_same(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    verdict = tried(Trial(30, 5, seed, ("--profile", "fake")), tmp_path)
    assert verdict["the same"], verdict
    assert verdict["rows"] == [30, 30]
