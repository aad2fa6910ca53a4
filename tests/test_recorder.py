"""What is seen of a request is in the archive, and the archive never costs a picture."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from limner.agent import reproduce
from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.archive.rows import CandidateRow, DecisionRow
from limner.agent.cli import main
from limner.agent.events import BriefReady, CandidateReady, Decided, Event, Finished
from limner.agent.studio import Studio
from limner.errors import LimnerError
from limner.pipelines.fakes import FakeCritic, FakePainter

REQUEST = "a red cat on the grass, two dogs"
FAILS_THEN_HOLDS = [[0.9, 0.2]] * 4 + [[0.9]]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def studio() -> Studio:
    return Studio.open("fake", critic=FakeCritic(FAILS_THEN_HOLDS))


def recorder(archive: Archive) -> SessionRecorder:
    return SessionRecorder(archive, "fake")


def test_a_whole_run_is_kept(archive: Archive, studio: Studio) -> None:
    events = list(recorder(archive).record(studio.stream(REQUEST, seed=3), studio, 3))
    last = events[-1]
    assert isinstance(last, Finished) and last.result.ended == "done"
    kept = archive.load(1)
    (version,) = kept.versions
    assert (version.words, version.seed, kept.row.profile) == (REQUEST, 3, "fake")
    claims = [asdict(claim) for claim in last.result.candidates[0].brief.claims]
    assert json.loads(json.dumps(claims)) == version.brief["claims"]
    assert [(t.image_request, t.critique) for t in kept.candidates] == [
        (t.image_request, t.critique) for t in last.result.candidates
    ]
    painted_over = last.result.spent
    assert 4 < painted_over <= 8
    assert [t.spent for t in kept.candidates] == [4.0] * 4 + [painted_over] * 4
    assert [(d.round, d.what) for d in kept.decisions if d.what != "note"] == [
        (0, "repair"),
        (0, "aim"),
        (1, "done"),
    ]
    assert kept.row.best == last.result.best.number + 1 if last.result.best else False


def test_the_events_are_the_same(archive: Archive, studio: Studio) -> None:
    recorded = [
        type(e) for e in recorder(archive).record(studio.stream(REQUEST, seed=3), studio, 3)
    ]
    plain = Studio.open("fake", critic=FakeCritic(FAILS_THEN_HOLDS)).stream(REQUEST, seed=3)
    assert recorded == [type(event) for event in plain]


def test_each_kept_picture_can_be_painted_again(archive: Archive, studio: Studio) -> None:
    list(recorder(archive).record(studio.stream(REQUEST, seed=3), studio, 3))
    for take in archive.load(1).candidates:
        path = archive.pictures.path(take.picture)
        recipe = pictures.read_recipe(path)
        assert (recipe.image_request, recipe.critique) == (take.image_request, take.critique)
        assert len(recipe.batch) == 4 and take.image_request.seed in recipe.batch
        assert reproduce.again(path, studio)[1]


def test_what_is_seen_is_kept_wherever_it_is_closed(archive: Archive, studio: Studio) -> None:
    for length in range(1, 30, 3):
        events = recorder(archive).record(studio.stream(REQUEST, seed=3), studio, 3)
        seen = [event for event, _ in zip(events, range(length), strict=False)]
        if any(isinstance(event, BriefReady) for event in seen):
            kept = archive.load(archive.sessions()[0].id)
            takes = [event for event in seen if isinstance(event, CandidateReady)]
            decided = [event for event in seen if isinstance(event, Decided)]
            assert len(kept.candidates) >= len(takes) and len(kept.decisions) >= len(decided)
        events.close()


def test_closing_reaches_the_painter(archive: Archive, studio: Studio) -> None:
    inner = studio.stream(REQUEST, seed=3)
    events = recorder(archive).record(inner, studio, 3)
    next(events)
    events.close()
    assert list(inner) == []


def test_takes_outlive_what_breaks_after_them(archive: Archive, studio: Studio) -> None:
    def broken() -> Generator[Event, None, None]:
        yield from (
            e for e in studio.stream(REQUEST, seed=3) if isinstance(e, BriefReady | CandidateReady)
        )
        raise KeyboardInterrupt

    seen = []
    with pytest.raises(KeyboardInterrupt):
        for event in recorder(archive).record(broken(), studio, 3):
            seen.append(event)
    assert (
        len([e for e in seen if isinstance(e, CandidateReady)])
        == 8
        == len(archive.load(1).candidates)
    )


def test_interrupted_while_it_writes_the_round_is_still_seen_and_kept(
    archive: Archive, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, before = archive.add_candidate, signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted(session: int, take: CandidateRow, content: bytes) -> int:
        if len(archive.load(session).candidates) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        return add(session, take, content)

    monkeypatch.setattr(archive, "add_candidate", interrupted)
    seen = []
    try:
        with pytest.raises(KeyboardInterrupt):
            for event in recorder(archive).record(studio.stream(REQUEST, seed=3), studio, 3):
                seen.append(event)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (
        len([e for e in seen if isinstance(e, CandidateReady)])
        == 4
        == len(archive.load(1).candidates)
    )


def test_an_archive_that_fails_is_told_once_and_costs_nothing(
    archive: Archive, studio: Studio
) -> None:
    work = recorder(archive)
    events = work.record(studio.stream(REQUEST, seed=3), studio, 3)
    for event in events:
        if isinstance(event, BriefReady):
            archive.pictures.folder.write_text("a file in its place")
    assert isinstance(event, Finished) and event.result.best
    assert isinstance(work.problem, LimnerError) and "can't keep a picture" in work.problem.message


def test_notes_are_kept(archive: Archive) -> None:
    studio = Studio.open("fake", painter=FakePainter(), critic=FakeCritic([[float("nan")]]))
    list(recorder(archive).record(studio.stream(REQUEST, seed=3), studio, 3))
    kept = archive.load(1)
    assert kept.candidates[0].critique.probabilities[0] is None
    assert isinstance(kept.decisions[-1], DecisionRow) and kept.decisions[-1].what == "note"
    assert "critic failed" in kept.decisions[-1].why


def test_a_session_goes_on(archive: Archive, studio: Studio) -> None:
    first = recorder(archive)
    list(first.record(studio.stream(REQUEST, seed=3), studio, 3))
    second = SessionRecorder(archive, "fake", first.number)
    list(second.record(studio.stream(REQUEST, seed=4), studio, 4, version=1))
    kept = archive.load(1)
    assert len(archive.sessions()) == len(kept.versions) == 1
    assert [t.number for t in kept.candidates] == list(range(1, len(kept.candidates) + 1))


def draw(*arguments: str | Path) -> int:
    typed = [REQUEST, "--profile", "fake", "--seed", "3", "--quiet", *map(str, arguments)]
    return main.main(typed)


def test_the_command_keeps_what_it_paints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = counted(home)
    assert draw() == 0 and counted(home) == before + 1
    assert draw("--no-archive") == 0 and counted(home) == before + 1
    assert draw("--archive", "mine") == 0 and counted(home) == before + 1
    assert counted(Path("mine")) == 1


def counted(folder: Path) -> int:
    with Archive.open(folder) as archive:
        return len(archive.sessions())


def test_no_archive_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    for folder in ("file", "file/deep"):
        assert draw("--archive", folder) == 0
        out, err = capsys.readouterr()
        assert Path(out.strip()).is_file()
        assert err.startswith("limner: not kept in the archive: ") and err.count("\n") == 1


def test_a_full_disk_costs_the_archive_and_not_the_picture(tmp_path: Path) -> None:
    """Files can't grow beyond what the small picture needs, and the database would have to."""
    command = [sys.executable, "-m", "limner", REQUEST, "--profile", "fake", "--quiet"]
    most = (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    done = subprocess.run(
        [*command, "--archive", tmp_path / "home", "--out", tmp_path / "cat.png"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most),
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0 and (tmp_path / "cat.png").is_file()
    assert done.stderr.startswith("limner: not ") and done.stderr.count("\n") == 1
